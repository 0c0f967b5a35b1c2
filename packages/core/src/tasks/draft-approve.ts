import type { Umid, UserId, Version } from '../ids.ts'
import { setApproval } from '../storage/drafts.ts'
import { editableDraft } from './steps/commit-revision.ts'
import type { LocalTask } from './task.ts'

export interface DraftApprove {
  readonly draftId: Umid
  /** The version that was looked at; it must be the draft's. */
  readonly version: Version
  readonly by: UserId
}

/** Somebody has looked at the draft as it is, and lets it go. Undone by any edit. */
export const draftApprove: LocalTask<DraftApprove, null> = {
  name: 'draft_approve',
  async plan(context, { draftId, version, by }) {
    const { write, now } = context
    const draft = await editableDraft(context, { draftId, baseVersion: version, by: 'user', device: null })
    await setApproval(write.db, draftId, { version, at: now, by })
    write.emit({ type: 'draft-approved', accountId: draft.accountId, draftId, version, by })
    return { result: null, followUps: [] }
  },
}
