import { sql } from 'kysely'

import { applyDelta, type Delta } from '../draft/delta.ts'
import type { DraftContent } from '../draft/draft.ts'
import type { DeviceId, Umid, Version } from '../ids.ts'
import type { Db } from './db.ts'
import { prepared } from './prepared.ts'
import { type RecentSave, recentOf } from './recent-saves.ts'
import { unfold } from './revisions.ts'
import type { Schema } from './schema.ts'

export interface SeenRevision {
  readonly version: Version
  readonly savedAt: number
  readonly device: DeviceId
}

/** The newest that is kept, up to that one; null: there is none. */
export async function newestUpTo(db: Db, id: Umid, version: Version): Promise<SeenRevision | null> {
  return (await newestRecent(db, id, (save) => save.version <= version)) ?? seen(await upTo(db, { id, version }))
}

const upTo = prepared((db, input: { readonly id: Umid; readonly version: Version }) =>
  newest(db, input).where('version', '<=', input.version),
)

/** The newest that is kept and was stored by then, in epoch milliseconds. */
export async function newestBy(db: Db, id: Umid, time: number): Promise<SeenRevision | null> {
  return (await newestRecent(db, id, (save) => save.savedAt <= time)) ?? seen(await savedBy(db, { id, time }))
}

const savedBy = prepared((db, input: { readonly id: Umid; readonly time: number }) =>
  newest(db, input).where('saved_at', '<=', input.time),
)

/** The newest that is kept and is this device's. */
export async function newestOf(db: Db, id: Umid, device: DeviceId): Promise<SeenRevision | null> {
  return (await newestRecent(db, id, (save) => save.device === device)) ?? seen(await ofDevice(db, { id, device }))
}

const ofDevice = prepared((db, input: { readonly id: Umid; readonly device: DeviceId }) =>
  newest(db, input).where('device', '=', input.device),
)

/** The newest that is kept and was written by another program. */
export async function newestForeign(db: Db, id: Umid): Promise<SeenRevision | null> {
  return (await newestRecent(db, id, (save) => save.by === 'foreign')) ?? seen(await byOthers(db, { id }))
}

const byOthers = prepared((db, input: { readonly id: Umid }) => newest(db, input).where('author', '=', 'foreign'))

/** Of those that the history does not hold yet: they are newer than all that it holds. */
async function newestRecent(db: Db, id: Umid, isMeant: (save: RecentSave) => boolean): Promise<SeenRevision | null> {
  const recent = await recentOf(db, id)
  return recent?.saves.findLast(isMeant) ?? null
}

function newest(db: Db, { id }: { readonly id: Umid }) {
  return db
    .selectFrom('revision')
    .select(['version', 'saved_at', 'device'])
    .where('draft_id', '=', id)
    .orderBy('version', 'desc')
    .limit(1)
}

function seen([row]: readonly Pick<Schema['revision'], 'version' | 'saved_at' | 'device'>[]): SeenRevision | null {
  if (row === undefined) return null
  return { version: row.version as Version, savedAt: row.saved_at, device: row.device as DeviceId }
}

/** What a revision takes in the store beside the one after it, in bytes; 0 for the head, and for one that is not kept. */
export async function storedBytes(db: Db, id: Umid, version: Version): Promise<number> {
  const recent = await recentOf(db, id)
  if (recent !== null && version >= recent.base.version) {
    // As much as it will take once the history holds it: who asks again is told the same.
    const { encodedBase, records } = unfold(recent.base, recent.saves)
    const told = version === recent.base.version ? encodedBase : records.find((record) => record.version === version)
    return encoder.encode(told?.encoded ?? '').length
  }
  const [row] = await bytesOf(db, { id, version })
  return Number(row?.bytes ?? 0)
}

const encoder = new TextEncoder()

const bytesOf = prepared((db, input: { readonly id: Umid; readonly version: Version }) =>
  db
    .selectFrom('revision')
    .select(sql<number | string>`octet_length(content)`.as('bytes'))
    .where('draft_id', '=', input.id)
    .where('version', '=', input.version),
)

/** What the newest kept revisions say, the head first. */
export async function recentRevisions(
  db: Db,
  id: Umid,
  head: DraftContent,
  limit: number,
): Promise<readonly { readonly version: Version; readonly savedAt: number; readonly content: DraftContent }[]> {
  const recent = await recentOf(db, id)
  const unsettled = (recent?.saves ?? []).toReversed().slice(0, limit)
  if (unsettled.length === limit) return unsettled
  const rows = await db
    .selectFrom('revision')
    .select(['version', 'saved_at', 'encoding', 'content'])
    .where('draft_id', '=', id)
    .orderBy('version', 'desc')
    .limit(limit - unsettled.length)
    .execute()
  let content = recent?.base.content ?? head
  const settled = rows.map((row) => {
    if (row.encoding === 'full') content = JSON.parse(row.content) as DraftContent
    if (row.encoding === 'reverse') content = applyDelta(content, JSON.parse(row.content) as Delta)
    return { version: row.version as Version, savedAt: row.saved_at, content }
  })
  return [...unsettled, ...settled]
}
