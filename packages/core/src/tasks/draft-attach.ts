import type { Attachment } from '../draft/draft.ts'
import { EverdraftError, validationError } from '../errors.ts'
import type { AccountId } from '../ids.ts'
import { type Blob, deleteBlob, referBlob } from '../storage/blobs.ts'
import { checkBase, commitRevision, editableDraft, type RevisionRequest } from './steps/commit-revision.ts'
import type { LocalTask } from './task.ts'

export interface DraftAttach extends RevisionRequest {
  readonly accountId: AccountId
  readonly attachment: Omit<Attachment, 'size' | 'sha256'>
  /** Already streamed into the store, and held by nothing yet. */
  readonly blob: Blob & { readonly id: number }
}

/** Names a stored blob in the next revision. Attaching again under the same id changes nothing (hazard 15). */
export const draftAttach: LocalTask<DraftAttach, { readonly attachment: Attachment }> = {
  name: 'draft_attach',
  async plan(context, input) {
    const draft = await editableDraft(context, { ...input, baseVersion: null })
    if (draft.accountId !== input.accountId) throw new EverdraftError('NOT_FOUND', `there is no draft ${draft.id}`)
    const { sha256, size } = input.blob
    const attachment: Attachment = { ...input.attachment, sha256, size }
    const earlier = draft.content.attachments.find((other) => other.id === attachment.id)
    if (earlier !== undefined) {
      if (earlier.sha256 !== sha256) {
        throw validationError('id', `the attachment ${earlier.id} is there already, with other bytes`)
      }
      await deleteBlob(context.write.db, input.blob.id)
      return { result: { attachment: earlier }, followUps: [] }
    }
    checkBase(draft, input)
    await referBlob(context.write.db, input.blob, draft.accountId, draft.id)
    const content = { ...draft.content, attachments: [...draft.content.attachments, attachment] }
    const { followUps } = await commitRevision(context, draft, content, input)
    return { result: { attachment }, followUps }
  },
}
