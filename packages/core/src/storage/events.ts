import type { Selectable } from 'kysely'

import type { Owner } from '../access.ts'
import { EverdraftError } from '../errors.ts'
import type { EngineEvent, ToldEvent } from '../events.ts'
import type { AccountId, EventCursor, Umid } from '../ids.ts'
import { accountsOf } from './accounts.ts'
import type { Db } from './db.ts'
import { type Answered, directAnswer, whenAnswered } from './direct.ts'
import { preparedChange, preparedForEach } from './prepared.ts'
import type { EventRow } from './schema.ts'
import type { Changed } from './storage.ts'

/** An event that is not stored yet. */
export interface NewEvent {
  readonly event: EngineEvent
  readonly at: number
}

/** A statement of its own for each number of events up to this: more at once would save little more. */
const mostAtOnce = 16

/** Part of the transaction that the events are about: who hears of them later hears of what was committed. */
export function insertEvents(db: Db, events: readonly NewEvent[]): Answered<readonly ToldEvent[]> {
  const [only] = events
  // Most commits of somebody who writes alone have one.
  return only !== undefined && events.length === 1 && directAnswer(db) !== null ? addOne(db, only) : addAll(db, events)
}

async function addAll(db: Db, events: readonly NewEvent[]): Promise<readonly ToldEvent[]> {
  const isDirect = directAnswer(db) !== null
  const told: ToldEvent[] = []
  for (let first = 0; first < events.length;) {
    const some = events.slice(first, first + (isDirect ? mostAtOnce : 1))
    const last = isDirect ? await addUnasked(db, some) : await addAsked(db, some)
    for (const [place, { event, at }] of some.entries()) {
      told.push({ ...event, cursor: (last - some.length + 1 + place) as EventCursor, at })
    }
    first += some.length
  }
  return told
}

/**
 * SQLite says the number of the last row anyway, takes half as long where it is not asked for each, and counts on from one row
 * of a statement to the next.
 */
async function addUnasked(db: Db, events: readonly NewEvent[]): Promise<number> {
  const [added] = (await addRows(db, events.flatMap(valuesOf))) as unknown as readonly Changed[]
  return Number(added?.lastInsertRowid)
}

function addOne(db: Db, { event, at }: NewEvent): Answered<readonly ToldEvent[]> {
  const { accountId, owner } = placeOf(event)
  const added = addRow(db, { accountId, owner, at, payload: JSON.stringify(event) })
  return whenAnswered(added, ({ lastInsertRowid }) => [
    { ...event, cursor: Number(lastInsertRowid) as EventCursor, at },
  ])
}

const addRow = preparedChange(
  (
    db,
    row: {
      readonly accountId: string
      readonly owner: string | null
      readonly at: number
      readonly payload: string
    },
  ) => db.insertInto('event').values({ account_id: row.accountId, owner: row.owner, at: row.at, payload: row.payload }),
)

async function addAsked(db: Db, events: readonly NewEvent[]): Promise<number> {
  const [row] = await addAndNumber(db, events.flatMap(valuesOf))
  if (row === undefined) throw new EverdraftError('STORAGE_ERROR', 'the log of events took no event')
  return row.seq
}

type Value = string | number | null

function valuesOf({ event, at }: NewEvent): readonly Value[] {
  const { accountId, owner } = placeOf(event)
  return [accountId, owner, at, JSON.stringify(event)]
}

function placeOf(event: EngineEvent): { readonly accountId: string; readonly owner: string | null } {
  return { accountId: event.accountId ?? '', owner: 'owner' in event ? ownerKey(event.owner) : null }
}

const addRows = preparedForEach(newRows)
const addAndNumber = preparedForEach((db, values: readonly Value[]) => newRows(db, values).returning('seq'))

/** `values`: of one event after the other. */
function newRows(db: Db, values: readonly Value[]) {
  const rows = Array.from({ length: values.length / 4 }, (_, row) => values.slice(row * 4, row * 4 + 4))
  return db.insertInto('event').values(
    rows.map(([accountId, owner, at, payload]) => ({
      account_id: accountId as string,
      owner: owner as string | null,
      at: at as number,
      payload: payload as string,
    })),
  )
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
  return rows.map(toToldEvent)
}

/**
 * Which drafts of the account something happened to after the cursor, each with the one that it comes from, where it came then. Null:
 * so much happened that all may have changed.
 */
export async function draftsTouchedSince(
  db: Db,
  accountId: AccountId,
  cursor: EventCursor,
): Promise<ReadonlySet<Umid> | null> {
  const rows = await db
    .selectFrom('event')
    .select('payload')
    .where('seq', '>', cursor)
    .where('account_id', '=', accountId)
    .orderBy('seq')
    .limit(longestLook)
    .execute()
  if (rows.length === longestLook) return null
  const events = rows.map(({ payload }) => JSON.parse(payload) as { readonly draftId?: Umid; readonly succeeds?: Umid })
  return new Set(events.flatMap(({ draftId, succeeds }) => [draftId ?? [], succeeds ?? []].flat()))
}

export async function newestCursor(db: Db): Promise<EventCursor> {
  return ((await endOfLog(db, 'desc')) ?? 0) as EventCursor
}

/** Whose events are asked for, and of which account; `accountId` null: of all, and of none. */
export interface EventScope {
  readonly owner: Owner
  readonly accountId: AccountId | null
}

export interface EventPage {
  /** Oldest first. */
  readonly items: readonly ToldEvent[]
  /** Where to go on: past what was looked at, also where nothing of it is in `items`. */
  readonly next: EventCursor
  /** Nothing came after `next` when this was read. */
  readonly isLast: boolean
  /** What came after the cursor is not kept any more, or the cursor is of another store: what is known may be out of date. */
  readonly hasGap: boolean
}

/** So many events are looked at for one page, whosever they are, as saves wait meanwhile. */
const longestLook = 2_000

/** What came after the cursor for that owner; after null: nothing, and the end of the log as the place to go on. */
export async function eventPage(
  db: Db,
  { owner, accountId }: EventScope,
  { after, limit }: { readonly after: EventCursor | null; readonly limit: number },
): Promise<EventPage> {
  const newest = await endOfLog(db, 'desc')
  if (after === null || newest === null || after > newest) {
    return { items: [], next: (newest ?? 0) as EventCursor, isLast: true, hasGap: after !== null && after > 0 }
  }
  const oldest = (await endOfLog(db, 'asc')) ?? newest
  const from = Math.max(after, oldest - 1)
  const last = Math.min(newest, from + longestLook)
  let query = db
    .selectFrom('event')
    .selectAll()
    .where('seq', '>', from)
    .where('seq', '<=', last)
    .where((where) =>
      where.or([
        where('account_id', 'in', accountsOf(db, owner).select('account.id')),
        where('event.owner', '=', ownerKey(owner)),
      ]),
    )
    .orderBy('seq')
    .limit(limit)
  if (accountId !== null) query = query.where('account_id', '=', accountId)
  const rows = await query.execute()
  const next = rows.length < limit ? last : (rows.at(-1)?.seq ?? last)
  return {
    items: rows.map(toToldEvent),
    next: next as EventCursor,
    isLast: next === newest,
    hasGap: after > 0 && after < oldest - 1,
  }
}

async function endOfLog(db: Db, order: 'asc' | 'desc'): Promise<number | null> {
  const row = await db.selectFrom('event').select('seq').orderBy('seq', order).limit(1).executeTakeFirst()
  return row?.seq ?? null
}

function ownerKey({ tenantId, userId }: Owner): string {
  return JSON.stringify([tenantId, userId])
}

function toToldEvent(row: Selectable<EventRow>): ToldEvent {
  return { ...(JSON.parse(row.payload) as EngineEvent), cursor: row.seq as EventCursor, at: row.at }
}

/** Old events go, but the newest: it says how far the log has come. Cursors stay valid, as numbers are never given twice. */
export async function dropEventsBefore(db: Db, at: number): Promise<void> {
  await db
    .deleteFrom('event')
    .where('at', '<', at)
    .where('seq', '<', (newest) => newest.selectFrom('event as one').select((one) => one.fn.max('one.seq').as('seq')))
    .execute()
}
