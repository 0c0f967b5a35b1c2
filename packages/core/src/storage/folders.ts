import type { AccountId, FolderPath, Uid, UidValidity } from '../ids.ts'
import type { Db } from './db.ts'
import { readUidSet, uidSetText } from './uid-set.ts'

/**
 * What is done with drafts whose copies vanished: usually they are purged. After a mass vanish they are held until
 * somebody says that it is right, which counts for the next round.
 */
export type Losses = 'apply' | 'hold' | 'confirmed'

/** What a complete round saw of a watched folder. */
export interface SeenFolder {
  readonly path: FolderPath
  readonly uidValidity: UidValidity
  readonly uidNext: Uid
  readonly highestModseq: string | null
  /** Messages that were looked at and are none of ours. Whatever else is there is new, or was gone and is back. */
  readonly others: ReadonlySet<Uid>
  /** When, in epoch milliseconds. */
  readonly seenAt: number
  /** By the server's clock, in epoch milliseconds; nothing right below `uidNext` came later. Null: not known, and not asked of Drafts. */
  readonly newestAt: number | null
  readonly losses: Losses
}

/** `inbox`: what came back of sent mail; `responder`: what is to be answered. Each goes through INBOX at its own pace. `sent`: what drafts became; `answers`: what was answered by hand. */
type WatchedRole = 'drafts' | 'inbox' | 'responder' | 'sent' | 'answers'

export async function seenFolder(db: Db, accountId: AccountId, role: WatchedRole): Promise<SeenFolder | null> {
  const row = await db
    .selectFrom('folder')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('role', '=', role)
    .executeTakeFirst()
  if (row === undefined) return null
  return {
    path: row.path as FolderPath,
    uidValidity: row.uid_validity as UidValidity,
    uidNext: row.uid_next as Uid,
    highestModseq: row.highest_modseq,
    others: readUidSet(row.others),
    seenAt: row.seen_at,
    newestAt: row.newest_at,
    losses: row.losses as Losses,
  }
}

export async function setSeenFolder(db: Db, accountId: AccountId, role: WatchedRole, seen: SeenFolder): Promise<void> {
  const values = {
    path: seen.path,
    uid_validity: seen.uidValidity,
    uid_next: seen.uidNext,
    highest_modseq: seen.highestModseq,
    others: uidSetText(seen.others),
    seen_at: seen.seenAt,
    newest_at: seen.newestAt,
    losses: seen.losses,
  }
  await db
    .insertInto('folder')
    .values({ account_id: accountId, role, ...values })
    .onConflict((conflict) => conflict.columns(['account_id', 'role']).doUpdateSet(values))
    .execute()
}

/** Somebody says that what vanished is to go. */
export async function confirmLosses(db: Db, accountId: AccountId): Promise<void> {
  await db
    .updateTable('folder')
    .set({ losses: 'confirmed' satisfies Losses })
    .where('account_id', '=', accountId)
    .where('losses', '=', 'hold')
    .execute()
}

/** What was seen of it counts no more. */
export async function forgetSeenFolder(db: Db, accountId: AccountId, role: WatchedRole): Promise<void> {
  await db.deleteFrom('folder').where('account_id', '=', accountId).where('role', '=', role).execute()
}
