import { sql } from 'kysely'

import type { DraftContent } from '../draft/draft.ts'
import type { AccountId, DeviceId, Umid, Version } from '../ids.ts'
import { prepared } from './prepared.ts'
import type { DraftSaveRow } from './schema.ts'
import type { Db } from './db.ts'

/** A save that a client has begun, and of which nothing was heard since. */
export interface UnfinishedSave {
  readonly saveId: string
  readonly draftId: Umid
  readonly device: DeviceId
  readonly begunAt: number
  /** The version that it was made on; null: the client did not say. */
  readonly baseVersion: Version | null
  /** JSON of what the client had written by then; null: it did not say. */
  readonly state: string | null
}

/** One that is known already stays as it is: its save may have come before it. */
export async function beginDraftSave(db: Db, accountId: AccountId, save: UnfinishedSave): Promise<void> {
  await db
    .insertInto('draft_save')
    .values({
      account_id: accountId,
      save_id: save.saveId,
      draft_id: save.draftId,
      device: save.device,
      begun_at: save.begunAt,
      base_version: save.baseVersion,
      state: save.state,
      ended_at: null,
      version: null,
      digest: null,
      answer: null,
      written: null,
      included_in: null,
    })
    .onConflict((conflict) => conflict.columns(['account_id', 'save_id']).doNothing())
    .execute()
}

interface EndedSave {
  readonly saveId: string
  readonly draftId: Umid
  readonly device: DeviceId
  /** Null: it made none. */
  readonly version: Version | null
  /** Of what it said. */
  readonly digest: string
  /** JSON. */
  readonly answer: string
  /** JSON of a `DraftContent`; null: what the version says. */
  readonly written: string | null
  readonly now: number
}

/** Whether it was begun or not: what it made is known by its id from now on. */
export async function endDraftSave(db: Db, accountId: AccountId, save: EndedSave): Promise<void> {
  await endSave(db, { accountId, ...save })
}

/** What is sent under an id that has made a version is another save, and what was made at first is still its own. */
const isFirst = sql`draft_save.version is null`

const endSave = prepared((db, input: EndedSave & { readonly accountId: AccountId }) =>
  db
    .insertInto('draft_save')
    .values({
      ...heardOfAtItsEnd(input),
      version: input.version,
      digest: input.digest,
      answer: input.answer,
      written: input.written,
    })
    .onConflict((conflict) =>
      conflict.columns(['account_id', 'save_id']).doUpdateSet({
        ended_at: input.now,
        state: sql.lit(null),
        version: sql`coalesce(draft_save.version, excluded.version)`,
        digest: sql`case when ${isFirst} then excluded.digest else draft_save.digest end`,
        answer: sql`case when ${isFirst} then excluded.answer else draft_save.answer end`,
        written: sql`case when ${isFirst} then excluded.written else draft_save.written end`,
      }),
    ),
)

/** The row of a save whose begin was not told, and which has left nothing yet. */
function heardOfAtItsEnd(save: Pick<IncludedSave, 'accountId' | 'saveId' | 'draftId' | 'device' | 'now'>) {
  const nothing = sql.lit(null)
  return {
    account_id: save.accountId,
    save_id: save.saveId,
    draft_id: save.draftId,
    device: save.device,
    begun_at: save.now,
    base_version: nothing,
    state: nothing,
    ended_at: save.now,
    version: nothing,
    digest: nothing,
    answer: nothing,
    written: nothing,
    included_in: nothing,
  }
}

/** The words of these are in another one: should they come after it, or never, nobody misses them. */
export async function includeDraftSaves(
  db: Db,
  accountId: AccountId,
  { saveIds, ...into }: Omit<IncludedSave, 'saveId' | 'accountId'> & { readonly saveIds: readonly string[] },
): Promise<void> {
  for (const saveId of saveIds) await includeSave(db, { accountId, saveId, ...into })
}

interface IncludedSave {
  readonly accountId: AccountId
  readonly saveId: string
  readonly into: string
  readonly draftId: Umid
  readonly device: DeviceId
  readonly now: number
}

const includeSave = prepared((db, input: IncludedSave) =>
  db
    .insertInto('draft_save')
    .values({ ...heardOfAtItsEnd(input), included_in: input.into })
    .onConflict((conflict) =>
      conflict.columns(['account_id', 'save_id']).doUpdateSet({
        ended_at: input.now,
        state: sql.lit(null),
        included_in: sql`coalesce(draft_save.included_in, excluded.included_in)`,
      }),
    ),
)

interface Ending {
  readonly accountId: AccountId
  readonly draftId: Umid
  /** Those that were begun before stay, in epoch milliseconds. */
  readonly since: number
  readonly now: number
}

/** What the device has begun on the draft is in what it has saved now, or is given up. `device` null: all of them. */
export async function endUnfinishedSaves(
  db: Db,
  { device, ...ending }: Ending & { readonly device: DeviceId | null },
): Promise<void> {
  if (device === null) await endAll(db, ending)
  else await endOfDevice(db, { ...ending, device })
}

const endAll = prepared((db, input: Ending) => endSince(db, input))

const endOfDevice = prepared((db, input: Ending & { readonly device: DeviceId }) =>
  endSince(db, input).where('device', '=', input.device),
)

function endSince(db: Db, { accountId, draftId, since, now }: Ending) {
  return db
    .updateTable('draft_save')
    .set({ ended_at: now, state: sql.lit(null) })
    .where('account_id', '=', accountId)
    .where('draft_id', '=', draftId)
    .where('ended_at', 'is', null)
    .where('begun_at', '>=', since)
}

/** A save of which something was heard, by the id that its client gave it. */
export interface NamedSave {
  readonly saveId: string
  readonly draftId: Umid
  /** That it made; null: none. */
  readonly version: Version | null
  readonly digest: string | null
  /** JSON; null: it has not come, or not yet. */
  readonly answer: string | null
  /** What the client had written, where the version says otherwise. */
  readonly written: DraftContent | null
  /** The id of a later one that has its words; null: none that is known. */
  readonly includedIn: string | null
}

/** Null: nothing was heard of it. */
export async function findNamedSave(db: Db, accountId: AccountId, saveId: string): Promise<NamedSave | null> {
  const [row] = await named(db, { accountId, saveId })
  if (row === undefined) return null
  return {
    saveId: row.save_id,
    draftId: row.draft_id as Umid,
    version: row.version as Version | null,
    digest: row.digest,
    answer: row.answer,
    written: row.written === null ? null : (JSON.parse(row.written) as DraftContent),
    includedIn: row.included_in,
  }
}

const named = prepared((db, input: { readonly accountId: AccountId; readonly saveId: string }) =>
  db
    .selectFrom('draft_save')
    .select(['save_id', 'draft_id', 'version', 'digest', 'answer', 'written', 'included_in'])
    .where('account_id', '=', input.accountId)
    .where('save_id', '=', input.saveId),
)

/** Of a draft, newest first. */
export async function unfinishedSavesOf(
  db: Db,
  accountId: AccountId,
  draftId: Umid,
): Promise<readonly UnfinishedSave[]> {
  return (await ofDraft(db, { accountId, draftId })).map(toUnfinished)
}

const ofDraft = prepared((db, input: { readonly accountId: AccountId; readonly draftId: Umid }) =>
  unfinished(db).where('account_id', '=', input.accountId).where('draft_id', '=', input.draftId),
)

/** Of all drafts, newest first; `device` null: of all devices. */
export async function unfinishedSaves(
  db: Db,
  accountId: AccountId,
  device: DeviceId | null,
): Promise<readonly UnfinishedSave[]> {
  const rows = unfinished(db).where('account_id', '=', accountId)
  const found = await (device === null ? rows : rows.where('device', '=', device)).execute()
  return found.map(toUnfinished)
}

/** So many are looked at. */
const mostUnfinished = 100

function unfinished(db: Db) {
  return db
    .selectFrom('draft_save')
    .selectAll()
    .where('ended_at', 'is', null)
    .orderBy('begun_at', 'desc')
    .orderBy('save_id')
    .limit(sql.lit(mostUnfinished))
}

export async function dropDraftSavesBefore(db: Db, time: number): Promise<void> {
  await db.deleteFrom('draft_save').where('begun_at', '<', time).execute()
}

function toUnfinished(row: DraftSaveRow): UnfinishedSave {
  return {
    saveId: row.save_id,
    draftId: row.draft_id as Umid,
    device: row.device as DeviceId,
    begunAt: row.begun_at,
    baseVersion: row.base_version as Version | null,
    state: row.state,
  }
}
