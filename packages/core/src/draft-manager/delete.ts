import type { Umid, Version } from '../ids.ts'
import { endUnfinishedSaves } from '../storage/draft-saves.ts'
import { findDraft, getDraft, type StoredDraft } from '../storage/drafts.ts'
import { localTasks } from '../tasks/registry.ts'
import type { LocalTask } from '../tasks/task.ts'
import type { ActionHandler } from './action.ts'
import { ownDraft } from './own-draft.ts'
import { stateIn, storageOf } from './state-of-draft.ts'

/** Into the trash, from where recover takes it back for 30 days. */
export const deleteDraft: ActionHandler = async ({ parts, account, by }, { draftId, draft, deviceId }) => {
  const id = draftId as Umid
  const version = draft?.version ?? 0
  const input = { draftId: id, baseVersion: version === 0 ? null : (version as Version), by, device: deviceId }
  const deleteOwn: LocalTask<typeof input, StoredDraft> = {
    name: 'draft_discard',
    async plan(context, request) {
      const { db } = context.write
      ownDraft(await findDraft(db, id), account.id)
      const { followUps } = await localTasks.draft_discard.plan(context, request)
      await endUnfinishedSaves(db, { accountId: account.id, draftId: id, device: null, since: 0, now: context.now })
      return { result: await getDraft(db, id), followUps }
    },
  }
  const { state, bytes } = await parts.run(deleteOwn, input, async (db, deleted) => ({
    state: await stateIn(db, deleted, account),
    bytes: storageOf(deleted.content),
  }))
  return { draft: state, stats: { itemsAffected: 1, storageUsed: -bytes, trashUsed: bytes } }
}
