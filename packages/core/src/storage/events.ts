import { EverdraftError } from '../errors.ts'
import type { EngineEvent, ToldEvent } from '../events.ts'
import type { AccountId, EventCursor } from '../ids.ts'
import { prepared } from './prepared.ts'
import type { Db } from './db.ts'

/** Part of the transaction that the event is about: who hears of it later hears of what was committed. */
export async function insertEvent(db: Db, event: EngineEvent, at: number): Promise<ToldEvent> {
  const [row] = await addEvent(db, { accountId: event.accountId, at, payload: JSON.stringify(event) })
  if (row === undefined) throw new EverdraftError('STORAGE_ERROR', 'the log of events took no event')
  const { seq } = row
  return { ...event, cursor: seq as EventCursor, at }
}

const addEvent = prepared(
  (db, input: { readonly accountId: AccountId; readonly at: number; readonly payload: string }) =>
    db
      .insertInto('event')
      .values({ account_id: input.accountId, at: input.at, payload: input.payload })
      .returning('seq'),
)

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
}
