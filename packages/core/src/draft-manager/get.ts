import { EverdraftError } from '../errors.ts'
import type { Umid } from '../ids.ts'
import { findDraft } from '../storage/drafts.ts'
import type { ActionHandler } from './action.ts'
import { ownDraft } from './own-draft.ts'
import { stateIn, storageOf, syncTokenOf } from './state-of-draft.ts'

/** One draft, unless the client has it as it is. */
export const getDraft: ActionHandler = async ({ parts, account }, { draftId, syncToken }) => {
  return await parts.store.read(async (db) => {
    const draft = ownDraft(await findDraft(db, draftId as Umid), account.id)
    if (draft.status === 'discarded') {
      throw new EverdraftError('NOT_A_DRAFT', 'the draft is in the trash: recover takes it back')
    }
    const changed = syncTokenOf(draft) !== syncToken
    return {
      ...(changed ? { draft: await stateIn(db, draft, account) } : {}),
      ...(syncToken === undefined ? {} : { changed }),
      stats: { itemsAffected: changed ? 1 : 0, storageUsed: storageOf(draft.content) },
    }
  })
}
