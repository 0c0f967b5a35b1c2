import { sql } from 'kysely'

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
  readonly now: number
}

/** Whether it was begun or not: what it made is known by its id from now on. */
export async function endDraftSave(db: Db, accountId: AccountId, save: EndedSave): Promise<void> {
  await endSave(db, { accountId, ...save })
}

const endSave = prepared((db, input: EndedSave & { readonly accountId: AccountId }) =>
  db
    .insertInto('draft_save')
    .values({
      account_id: input.accountId,
      save_id: input.saveId,
      draft_id: input.draftId,
      device: input.device,
      begun_at: input.now,
      base_version: sql.lit(null),
      state: sql.lit(null),
      ended_at: input.now,
      version: input.version,
      digest: sql.lit(null),
      answer: sql.lit(null),
      written: sql.lit(null),
      included_in: sql.lit(null),
    })
    .onConflict((conflict) =>
      // Sent again, it makes nothing, and what it made at first is still its own.
      conflict.columns(['account_id', 'save_id']).doUpdateSet({
        ended_at: input.now,
        state: sql.lit(null),
        version: sql`coalesce(draft_save.version, excluded.version)`,
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

/** The versions of the draft that these saves have made. */
export async function versionsOfSaves(
  db: Db,
  accountId: AccountId,
  draftId: Umid,
  saveIds: readonly string[],
): Promise<ReadonlySet<Version>> {
  if (saveIds.length === 0) return new Set()
  const rows = await db
    .selectFrom('draft_save')
    .select('version')
    .where('account_id', '=', accountId)
    .where('draft_id', '=', draftId)
    .where('save_id', 'in', saveIds)
    .where('version', 'is not', null)
    .execute()
  return new Set(rows.map(({ version }) => version as Version))
}

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
