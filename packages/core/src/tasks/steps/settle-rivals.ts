import { givesWayTo, readAnswersValue } from '../../responder/rivals.ts'
import { getDraft } from '../../storage/drafts.ts'
import { outcomeOfDraft } from '../../storage/email-outcomes.ts'
import { draftAnswering } from '../../storage/inbox-marks.ts'
import { noteRivalDraft, rivalDrafts } from '../../storage/mail-answers.ts'
import type { Write } from '../../storage/store.ts'
import type { Umid } from '../../ids.ts'
import type { ExecuteContext, FollowUp } from '../task.ts'
import { isInHands, makeRoom } from './supersede-drafts.ts'

/**
 * A message in Drafts that another device has made of a mail in INBOX, as its header says, was taken in. Where the responder here has
 * answered that mail, too, one of the two drafts goes: each device removes its own alone.
 */
export async function settleRivals(
  { accountId, environment }: Pick<ExecuteContext, 'accountId' | 'environment'>,
  write: Write,
  { draftId, answers, isForeign }: { readonly draftId: Umid; readonly answers: string; readonly isForeign: boolean },
): Promise<readonly FollowUp[]> {
  const { db } = write
  const answered = readAnswersValue(answers)
  if (answered === null) return []
  const { identity } = answered
  const own = await draftAnswering(db, accountId, identity)
  if (own === draftId) return []
  const now = environment.now()
  await noteRivalDraft(db, { accountId, identity, draftId, isEdited: answered.isEdited || isForeign }, now)
  const outcome = own === null ? null : await outcomeOfDraft(db, own)
  if (own === null || outcome?.status !== 'draft_created') return []
  const draft = await getDraft(db, own)
  const isOurs = draft.accountId === accountId && draft.status === 'draft'
  const isTouched = draft.version > 1 || !isOurs || (await isInHands(write, draft, now))
  const by = givesWayTo({ draftId: own, isEdited: isTouched }, await rivalDrafts(db, accountId, identity))
  return by === null ? [] : [await makeRoom(write, { draft, outcome, by, now })]
}
