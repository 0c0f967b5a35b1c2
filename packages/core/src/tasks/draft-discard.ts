import { applyDraftEvent } from '../storage/draft-states.ts'
import { editableDraft, type RevisionRequest } from './steps/commit-revision.ts'
import type { LocalTask } from './task.ts'

/** Into the local trash, with its history; every copy on the server becomes a debt. */
export const draftDiscard: LocalTask<RevisionRequest, null> = {
  name: 'draft_discard',
  async plan(context, input) {
    const { write, now } = context
    const draft = await editableDraft(context, input)
    await applyDraftEvent(write, draft.id, { type: 'discarded' }, now)
    write.emit({ type: 'draft-discarded', accountId: draft.accountId, draftId: draft.id, version: draft.version })
    // At once: who discards wants it gone. The policy does not matter, as there may be copies from before.
    return {
      result: null,
      followUps: [{ task: 'draft_upload', accountId: draft.accountId, key: draft.id, delayMs: 0, join: 'sooner' }],
    }
  },
}
