import { listDrafts as listStored } from '../storage/drafts.ts'
import type { ActionHandler } from './action.ts'
import { statesOf, storageOf, withoutBodies } from './state-of-draft.ts'

/** What is in the trash, in the outbox or sent is no live draft. */
export const listDrafts: ActionHandler = async ({ parts, account }, { limit, offset }) => {
  return await parts.store.read(async (db) => {
    const query = { accountId: account.id, status: 'draft', syncState: null, tag: null, limit, offset } as const
    const { items, total } = await listStored(db, query)
    const states = await statesOf(db, items, account)
    return {
      drafts: states.map(withoutBodies),
      total,
      stats: {
        itemsAffected: items.length,
        storageUsed: items.reduce((sum, { content }) => sum + storageOf(content), 0),
      },
    }
  })
}
