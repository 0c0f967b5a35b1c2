import { sql } from 'kysely'

import type { Author, DraftContent } from '../draft/draft.ts'
import type { DeviceId, Umid, Version } from '../ids.ts'
import type { Db } from './db.ts'
import type { Answered } from './direct.ts'
import { prepared } from './prepared.ts'
import { factsIn, type HistoryRow, recentRows, recordsOf, rowsFrom, walkBack } from './revisions.ts'
import type { SaveFacts } from './save-lines.ts'

export type SeenRevision = Pick<SaveFacts, 'version' | 'savedAt' | 'device'>

/** The newest that is kept, up to that one; null: there is none. */
export async function newestUpTo(db: Db, id: Umid, version: Version): Promise<SeenRevision | null> {
  const isMeant = (save: SaveFacts): boolean => save.version <= version
  return (
    newestIn(await recentRows(db, id), isMeant) ??
    newestIn(await rowsFrom(db, { id, version, limit: 1 }), isMeant) ??
    newestIn(await lastBefore(db, { id, version }), isMeant)
  )
}

/** The newest that is kept and was stored by then, in epoch milliseconds. */
export async function newestBy(db: Db, id: Umid, time: number): Promise<SeenRevision | null> {
  const isMeant = (save: SaveFacts): boolean => save.savedAt <= time
  const recent = newestIn(await recentRows(db, id), isMeant)
  if (recent !== null) return recent
  const [whole] = await savedBy(db, { id, time })
  // Of the row after it the last was stored later, and earlier ones perhaps by then.
  const next = await rowsFrom(db, { id, version: (whole?.version ?? 0) + 1, limit: 1 })
  return newestIn(next, isMeant) ?? newestIn(whole === undefined ? [] : [whole], isMeant)
}

/** The newest that is kept and is this device's. */
export async function newestOf(db: Db, id: Umid, device: DeviceId): Promise<SeenRevision | null> {
  const said = JSON.stringify(device)
  const isMeant = (save: SaveFacts): boolean => save.device === device
  return await newestLike(db, id, isMeant, (before) => ofDevice(db, { id, before, device, said }))
}

const ofDevice = prepared(
  (db, input: { readonly id: Umid; readonly before: number; readonly device: DeviceId; readonly said: string }) =>
    lastRow(db, input).where((row) =>
      row.or([row('device', '=', input.device), sql<boolean>`encoding = 'run' and ${says(input.said)}`]),
    ),
)

/** The newest that is kept and was written by another program. */
export async function newestForeign(db: Db, id: Umid): Promise<SeenRevision | null> {
  return await newestLike(db, id, isForeign, (before) => byOthers(db, { id, before }))
}

const foreign: Author = 'foreign'

function isForeign(save: SaveFacts): boolean {
  return save.by === foreign
}

const byOthers = prepared((db, input: { readonly id: Umid; readonly before: number }) =>
  lastRow(db, input).where((row) =>
    row.or([row('author', '=', foreign), sql<boolean>`encoding = 'run' and ${says(JSON.stringify(foreign))}`]),
  ),
)

/** Exactly these characters, in the words of each database. */
function says(text: string) {
  return sql<boolean>`replace(content, ${text}, '') <> content`
}

/** `find` gives the newest row before that version in which one may be. */
async function newestLike(
  db: Db,
  id: Umid,
  isMeant: (save: SaveFacts) => boolean,
  find: (before: number) => Answered<readonly HistoryRow[]>,
): Promise<SeenRevision | null> {
  let rows = await recentRows(db, id)
  for (;;) {
    const found = newestIn(rows, isMeant)
    const last = rows.at(-1)
    if (found !== null) return found
    rows = await find(last?.version ?? Number.MAX_SAFE_INTEGER)
    if (rows.length === 0) return null
  }
}

function newestIn(rows: readonly HistoryRow[], isMeant: (save: SaveFacts) => boolean): SeenRevision | null {
  return rows.flatMap((row) => factsIn(row)).findLast(isMeant) ?? null
}

const lastBefore = prepared((db, { id, version: before }: { readonly id: Umid; readonly version: Version }) =>
  lastRow(db, { id, before }),
)

const savedBy = prepared((db, input: { readonly id: Umid; readonly time: number }) =>
  lastRow(db, { id: input.id, before: Number.MAX_SAFE_INTEGER }).where('saved_at', '<=', input.time),
)

function lastRow(db: Db, { id, before }: { readonly id: Umid; readonly before: number }) {
  return db
    .selectFrom('revision')
    .selectAll()
    .where('draft_id', '=', id)
    .where('version', '<', before)
    .orderBy('version', 'desc')
    .limit(sql.lit(1))
}

/** What a revision takes in the store beside the one after it, in bytes; 0 for the head, and for one that is not kept. */
export async function storedBytes(db: Db, id: Umid, version: Version): Promise<number> {
  // With the row after it, which may tell it.
  const rows = await rowsFrom(db, { id, version, limit: 2 })
  const records = recordsOf([...(await recentRows(db, id)), ...rows.toReversed()])
  const record = records.find((one) => one.version === version)
  return new TextEncoder().encode(record?.encoded ?? '').length
}

/** What the newest kept revisions say, the head first. */
export async function recentRevisions(
  db: Db,
  id: Umid,
  head: DraftContent,
  limit: number,
): Promise<readonly (SeenRevision & { readonly content: DraftContent })[]> {
  const newest = await db
    .selectFrom('revision')
    .selectAll()
    .where('draft_id', '=', id)
    .orderBy('version', 'desc')
    .limit(limit)
    .execute()
  const rows = [...(await recentRows(db, id)), ...newest]
  const said: (SeenRevision & { readonly content: DraftContent })[] = []
  for (const revision of walkBack(rows, head)) {
    if (said.length === limit) break
    said.push(revision)
  }
  return said
}
