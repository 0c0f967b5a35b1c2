import { EverdraftError } from '../errors.ts'
import type { Umid } from '../ids.ts'
import { applyDraftEvent } from '../storage/draft-states.ts'
import { getDraft } from '../storage/drafts.ts'
import { uploadSoon } from './steps/commit-revision.ts'
import type { LocalTask } from './task.ts'

/** Out of the local trash: a draft again, with its history, and uploaded again. */
export const draftUndiscard: LocalTask<{ readonly draftId: Umid }, null> = {
  name: 'draft_undiscard',
  async plan(context, { draftId }) {
    const { write, now } = context
    const draft = await getDraft(write.db, draftId)
    if (draft.emptiedAt !== null) throw new EverdraftError('NOT_FOUND', `there is no draft ${draftId}`)
    if (draft.status !== 'discarded') {
      throw new EverdraftError('NOT_DISCARDED', `the draft is ${draft.status}: only a discarded one can be taken back`)
    }
    await applyDraftEvent(write, draftId, { type: 'returned', verified: null }, now)
    write.emit({ type: 'draft-undiscarded', accountId: draft.accountId, draftId, version: draft.version })
    return { result: null, followUps: uploadSoon(context, draft) }
  },
}
