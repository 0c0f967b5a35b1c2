import { newestCopies } from '../../storage/draft-states.ts'
import { seenFolder } from '../../storage/folders.ts'
import { resetReason } from '../../sync/reconcile-plan.ts'
import type { FolderState } from '../../wire/mailbox.ts'
import { type ExecuteContext, type FollowUp, syncAfter } from '../task.ts'

/**
 * Whether the watched folder's UIDs no longer mean what our receipts say: it has another UIDVALIDITY, or a server that was
 * restored from a backup gives out UIDs a second time. Then nothing is bound or removed by them before a round over the
 * folder has recognised every message afresh: a new copy may come under the UID of another draft's.
 */
export async function isReset(context: ExecuteContext, folder: FolderState): Promise<boolean> {
  return await context.store.read(async (db) => {
    const seen = await seenFolder(db, context.accountId, 'drafts')
    // Of a folder that no round has seen yet, only what was stored there tells.
    if (seen !== null && seen.path !== folder.path) return false
    const known = await newestCopies(db, context.accountId, folder.path)
    return resetReason({ seen, folder, known }) !== null
  })
}

/** Another folder than the one that was looked over last, as that was renamed: our own copies may lie in it. */
export async function isElsewhere({ store, accountId }: ExecuteContext, folder: FolderState): Promise<boolean> {
  const seen = await store.read((db) => seenFolder(db, accountId, 'drafts'))
  return seen !== null && seen.path !== folder.path
}

/** A round over the folder, before anything else in its lane. */
export function lookNow({ accountId }: ExecuteContext): FollowUp {
  return syncAfter(accountId, 0)
}
