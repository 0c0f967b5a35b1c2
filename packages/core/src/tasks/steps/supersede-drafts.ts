import type { AccountId, Umid } from '../../ids.ts'
import type { Outcome } from '../../responder/outcome.ts'
import { applyDraftEvent } from '../../storage/draft-states.ts'
import { getDraft, type StoredDraft } from '../../storage/drafts.ts'
import { setSuperseded } from '../../storage/email-outcomes.ts'
import { isOpenInComposer } from '../../storage/leases.ts'
import { revisions } from '../../storage/revisions.ts'
import type { Write } from '../../storage/store.ts'
import type { FollowUp } from '../task.ts'

/**
 * The drafts of a conversation that are still open make room for a new one. Those that nobody has touched go, from the server, too;
 * one that a person has written in stays beside the new one. What is on its way out, or was discarded, is left as it is.
 */
export async function supersedeDrafts(
  write: Write,
  outcomes: readonly Outcome[],
  { accountId, by, now }: { readonly accountId: AccountId; readonly by: Umid; readonly now: number },
): Promise<readonly FollowUp[]> {
  const followUps: FollowUp[] = []
  for (const outcome of outcomes) {
    if (outcome.status !== 'draft_created') continue
    const draft = await getDraft(write.db, outcome.messageId)
    if (draft.status !== 'draft') continue
    const isKept = draft.accountId !== accountId || (await isInHands(write, draft, now))
    if (isKept) await setSuperseded(write, outcome.id, { at: now, by, isKept })
    else followUps.push(await makeRoom(write, { draft, outcome, by, now }))
  }
  return followUps
}

/** It goes, from the server, too. */
export async function makeRoom(
  write: Write,
  {
    draft: { accountId, id: draftId, version },
    outcome,
    by,
    now,
  }: { readonly draft: StoredDraft; readonly outcome: Outcome; readonly by: Umid; readonly now: number },
): Promise<FollowUp> {
  await setSuperseded(write, outcome.id, { at: now, by, isKept: false })
  await applyDraftEvent(write, draftId, { type: 'discarded' }, now)
  write.emit({ type: 'draft-discarded', accountId, draftId, version })
  return { task: 'draft_upload', accountId, key: draftId, delayMs: 0, join: 'sooner' }
}

/** A person has written in it, has approved it, or has it open. */
export async function isInHands({ db }: Write, { id, review }: StoredDraft, now: number): Promise<boolean> {
  if (review.approval !== null || (await isOpenInComposer(db, id, now))) return true
  return (await revisions(db, id)).some(({ by }) => by !== 'program')
}
