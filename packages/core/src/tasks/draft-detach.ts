import { EverdraftError } from '../errors.ts'
import type { AttachmentId } from '../ids.ts'
import { commitRevision, editableDraft, type RevisionRequest } from './steps/commit-revision.ts'
import type { LocalTask } from './task.ts'

export interface DraftDetach extends RevisionRequest {
  readonly attachmentId: AttachmentId
}

/** A revision without the attachment. Its bytes stay while an earlier revision names them. */
export const draftDetach: LocalTask<DraftDetach, null> = {
  name: 'draft_detach',
  async plan(context, input) {
    const draft = await editableDraft(context, input)
    const attachments = draft.content.attachments.filter((attachment) => attachment.id !== input.attachmentId)
    if (attachments.length === draft.content.attachments.length) {
      throw new EverdraftError('NOT_FOUND', `there is no attachment ${input.attachmentId}`)
    }
    const { followUps } = await commitRevision(context, draft, { ...draft.content, attachments }, input)
    return { result: null, followUps }
  },
}
