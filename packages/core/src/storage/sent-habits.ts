import type { AccountId } from '../ids.ts'
import type { Db } from './db.ts'
import { prepared } from './prepared.ts'

/** Whether an account's server files in Sent what it was given to send: learnt from what was seen there. */
export interface SentHabit {
  readonly filesItself: boolean
  /** How long after the acceptance its copy was there at the latest; where it files none, how long after it was looked for in vain. */
  readonly afterMs: number
  readonly seenAt: number
}

/** Null: nothing was seen yet. */
export async function sentHabit(db: Db, accountId: AccountId): Promise<SentHabit | null> {
  const [row] = await habitRow(db, { accountId })
  return row === undefined ? null : { filesItself: row.by_server === 1, afterMs: row.after_ms, seenAt: row.seen_at }
}

const habitRow = prepared((db, input: { readonly accountId: AccountId }) =>
  db.selectFrom('sent_habit').selectAll().where('account_id', '=', input.accountId),
)

export async function setSentHabit(db: Db, accountId: AccountId, habit: SentHabit): Promise<void> {
  const row = { by_server: habit.filesItself ? 1 : 0, after_ms: habit.afterMs, seen_at: habit.seenAt }
  await db
    .insertInto('sent_habit')
    .values({ account_id: accountId, ...row })
    .onConflict((conflict) => conflict.column('account_id').doUpdateSet(row))
    .execute()
}
