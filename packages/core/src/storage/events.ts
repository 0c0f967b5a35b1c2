import type { EngineEvent, ToldEvent } from '../events.ts'
import type { AccountId, EventCursor } from '../ids.ts'
import type { Db } from './store.ts'

/** Part of the transaction that the event is about: who hears of it later hears of what was committed. */
export async function insertEvent(db: Db, event: EngineEvent, at: number): Promise<ToldEvent> {
  const { seq } = await db
    .insertInto('event')
    .values({ account_id: event.accountId, at, payload: JSON.stringify(event) })
    .returning('seq')
    .executeTakeFirstOrThrow()
  return { ...event, cursor: seq as EventCursor, at }
}

/** What came after the cursor, oldest first. */
export async function eventsAfter(
  db: Db,
  cursor: EventCursor,
  accountId: AccountId | null,
  limit: number,
): Promise<readonly ToldEvent[]> {
  let query = db.selectFrom('event').selectAll().where('seq', '>', cursor).orderBy('seq').limit(limit)
  if (accountId !== null) query = query.where('account_id', '=', accountId)
  const rows = await query.execute()
  return rows.map((row) => ({
    ...(JSON.parse(row.payload) as EngineEvent),
    cursor: row.seq as EventCursor,
    at: row.at,
  }))
}

/** Old events go; cursors stay valid, as numbers are never given twice. */
export async function dropEventsBefore(db: Db, at: number): Promise<void> {
  await db.deleteFrom('event').where('at', '<', at).execute()
  await db.deleteFrom('task_step').where('at', '<', at).execute()
}
