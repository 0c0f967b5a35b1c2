import type { Umid } from '../../ids.ts'
import { type Attempt, endAttempt, openAttempts } from '../../storage/attempts.ts'
import { applyDraftEvent, ownedState } from '../../storage/draft-states.ts'
import { eventForCopy } from '../../sync/recognise.ts'
import type { MailboxSession } from '../../wire/mailbox.ts'
import type { ExecuteContext } from '../task.ts'
import { findCopies } from './find-copies.ts'
import { receiptFor } from './verify-copy.ts'

export interface Resolved {
  /** How many were not found: such a copy may still show up late, as the server may be working on it. */
  readonly absent: number
  /** Of which it cannot be told whether they are there: left open, and to be said to the user, not to be tried again. */
  readonly uncertain: readonly Attempt[]
}

/**
 * Finds out what became of uploads whose reply never came: after a crash, a cut or a time-out. Nothing is stored again
 * before this is known (hazard 4).
 */
export async function resolveAttempts(
  context: ExecuteContext,
  session: MailboxSession,
  draftId: Umid,
): Promise<Resolved> {
  const open = await context.store.read((db) => openAttempts(db, context.accountId, draftId))
  const uncertain: Attempt[] = []
  let absent = 0
  for (const attempt of open) {
    const folder = await session.select(attempt.folder)
    const copies = folder === null ? [] : await findCopies(context, session, folder, attempt)
    if (copies === 'uncertain') {
      uncertain.push(attempt)
      continue
    }
    for (const identity of copies) {
      if (folder === null) continue
      const receipt = receiptFor(attempt, folder.uidValidity, identity)
      await context.write(async (write) => {
        const event = eventForCopy(await ownedState(write.db, draftId), receipt)
        if (event !== null) await applyDraftEvent(write, draftId, event, context.environment.now())
        await endAttempt(write.db, attempt.id, { state: 'stored', now: context.environment.now() })
      })
    }
    if (copies.length > 0) continue
    absent += 1
    await context.write(({ db }) => endAttempt(db, attempt.id, { state: 'absent', now: context.environment.now() }))
  }
  return { absent, uncertain }
}
