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
  for (const { id, messageId: draftId, status } of outcomes) {
    if (status !== 'draft_created') continue
    const draft = await getDraft(write.db, draftId)
    if (draft.status !== 'draft') continue
    const isKept = draft.accountId !== accountId || (await isInHands(write, draft, now))
    await setSuperseded(write, id, { at: now, by, isKept })
    if (isKept) continue
    await applyDraftEvent(write, draftId, { type: 'discarded' }, now)
    write.emit({ type: 'draft-discarded', accountId, draftId, version: draft.version })
    followUps.push({ task: 'draft_upload', accountId, key: draftId, delayMs: 0, join: 'sooner' })
  }
  return followUps
}

/** A person has written in it, has approved it, or has it open. */
async function isInHands({ db }: Write, { id, review }: StoredDraft, now: number): Promise<boolean> {
  if (review.approval !== null || (await isOpenInComposer(db, id, now))) return true
  return (await revisions(db, id)).some(({ by }) => by !== 'program')
}
