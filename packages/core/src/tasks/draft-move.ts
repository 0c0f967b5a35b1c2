import type { AccountId } from '../ids.ts'
import { getAccount, touchAccount } from '../storage/accounts.ts'
import { moveBlobs } from '../storage/blobs.ts'
import { applyDraftEvent } from '../storage/draft-states.ts'
import { getDraft, setDraftAccount } from '../storage/drafts.ts'
import { commitRevision, editableDraft, type RevisionRequest, uploadSoon } from './steps/commit-revision.ts'
import type { LocalTask } from './task.ts'

export interface DraftMove extends RevisionRequest {
  readonly accountId: AccountId
}

/**
 * Another identity: the draft, its history and its attachments go to another account, and it is from that one's address.
 * Its copies in the old account stay until the new account has one, so that at no moment it is nowhere.
 */
export const draftMove: LocalTask<DraftMove, null> = {
  name: 'draft_move',
  async plan(context, input) {
    const { write, now } = context
    const draft = await editableDraft(context, input)
    const account = await getAccount(write.db, input.accountId)
    if (draft.accountId === account.id) return { result: null, followUps: [] }
    const from = { address: account.address, name: account.name }
    await commitRevision(context, draft, { ...draft.content, from }, input)
    await applyDraftEvent(write, draft.id, { type: 'moved' }, now)
    await moveBlobs(write.db, draft.id, account.id, now)
    await setDraftAccount(write.db, draft.id, account.id)
    await touchAccount(write.db, account.id, now)
    const { version } = await getDraft(write.db, draft.id)
    write.emit({
      type: 'draft-moved',
      accountId: account.id,
      draftId: draft.id,
      version,
      fromAccountId: draft.accountId,
    })
    return { result: null, followUps: uploadSoon(context, { ...draft, accountId: account.id }) }
  },
}
