import type { Umid } from '../../ids.ts'
import { type Attempt, endAttempt, openAttempts } from '../../storage/attempts.ts'
import { applyDraftEvent, ownedState } from '../../storage/draft-states.ts'
import { eventForCopy } from '../../sync/recognise.ts'
import type { FolderState, MailboxSession, MessageIdentity } from '../../wire/mailbox.ts'
import type { ExecuteContext } from '../task.ts'
import { hasContentOf, receiptFor } from './verify-copy.ts'

/**
 * Finds out what became of uploads whose reply never came: after a crash, a cut or a time-out. Nothing is stored again
 * before this is known (hazard 4).
 *
 * @returns how many were not found: such a copy may still show up late, as the server may be working on it
 */
export async function resolveAttempts(
  context: ExecuteContext,
  session: MailboxSession,
  draftId: Umid,
): Promise<number> {
  const open = await context.store.read((db) => openAttempts(db, context.accountId, draftId))
  let absent = 0
  for (const attempt of open) {
    const folder = await session.select(attempt.folder)
    const copies = folder === null ? [] : await candidates(session, folder, attempt)
    let found = 0
    for (const identity of copies) {
      // Ours only if it also says the same: some programs keep our Message-ID while they edit.
      if (folder === null || !(await hasContentOf(context, session, identity.uid, attempt))) continue
      found += 1
      const receipt = receiptFor(attempt, folder.uidValidity, identity)
      await context.write(async (write) => {
        const event = eventForCopy(await ownedState(write.db, draftId), receipt)
        if (event !== null) await applyDraftEvent(write, draftId, event, context.environment.now())
        await endAttempt(write.db, attempt.id, { state: 'stored', now: context.environment.now() })
      })
    }
    if (found > 0) continue
    absent += 1
    await context.write(({ db }) => endAttempt(db, attempt.id, { state: 'absent', now: context.environment.now() }))
  }
  return absent
}

/** Messages that may be the attempt's: by Message-ID among all that came since it began. */
async function candidates(
  session: MailboxSession,
  folder: FolderState,
  attempt: Attempt,
): Promise<readonly MessageIdentity[]> {
  const sameUids = folder.uidValidity === attempt.uidValidity
  const since =
    sameUids && attempt.uidNext !== null
      ? await session.identitiesFrom(attempt.uidNext)
      : await session.findByMessageId(attempt.messageId)
  return since.filter((identity) => identity.messageId === attempt.messageId)
}
