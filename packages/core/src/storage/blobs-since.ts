import type { AccountId, Sha256 } from '../ids.ts'
import type { Db } from './db.ts'

/** Since when the account has these bytes in whole, in epoch milliseconds; what it lacks is not in it (hazard 14). */
export async function blobsSince(
  db: Db,
  accountId: AccountId,
  wanted: readonly Sha256[],
): Promise<ReadonlyMap<Sha256, number>> {
  if (wanted.length === 0) return new Map()
  const rows = await db
    .selectFrom('blob')
    .select(['sha256', 'created_at'])
    .where('account_id', '=', accountId)
    .where('complete', '=', 1)
    .where('sha256', 'in', [...new Set(wanted)])
    .execute()
  return new Map(rows.map((row) => [row.sha256 as Sha256, row.created_at]))
}
