import type { AccountId, FolderPath, Uid, UidValidity } from '../ids.ts'
import type { Db } from './db.ts'

/** What a complete round saw of a watched folder. */
export interface SeenFolder {
  readonly path: FolderPath
  readonly uidValidity: UidValidity
  /** Every message below this UID was looked at. */
  readonly uidNext: Uid
  readonly seenAt: number
}

export async function seenFolder(db: Db, accountId: AccountId, role: 'drafts'): Promise<SeenFolder | null> {
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
    seenAt: row.seen_at,
  }
}

export async function setSeenFolder(db: Db, accountId: AccountId, role: 'drafts', seen: SeenFolder): Promise<void> {
  const values = { path: seen.path, uid_validity: seen.uidValidity, uid_next: seen.uidNext, seen_at: seen.seenAt }
  await db
    .insertInto('folder')
    .values({ account_id: accountId, role, ...values })
    .onConflict((conflict) => conflict.columns(['account_id', 'role']).doUpdateSet(values))
    .execute()
}
