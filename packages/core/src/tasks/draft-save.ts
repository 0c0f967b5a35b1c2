import { applyChanges, type DraftChanges } from '../draft/content.ts'
import type { Version } from '../ids.ts'
import { commitRevision, editableDraft, type RevisionRequest } from './steps/commit-revision.ts'
import type { LocalTask } from './task.ts'

export interface DraftSave extends RevisionRequest {
  readonly changes: DraftChanges
}

/** The next revision of a draft, compared and set on its base version. */
export const draftSave: LocalTask<DraftSave, { readonly version: Version; readonly changed: boolean }> = {
  name: 'draft_save',
  async plan(context, input) {
    const draft = await editableDraft(context, input)
    return await commitRevision(context, draft, applyChanges(draft.content, input.changes), input)
  },
}
