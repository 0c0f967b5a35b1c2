import { sql } from 'kysely'

import { applyDelta, type Delta } from '../draft/delta.ts'
import type { DraftContent } from '../draft/draft.ts'
import type { DeviceId, Umid, Version } from '../ids.ts'
import type { Db } from './db.ts'

/** Absent: whichever. */
export interface RevisionFit {
  readonly upTo?: Version
  /** Epoch milliseconds. */
  readonly savedBy?: number
  readonly device?: DeviceId
}

/** The newest revision that is kept and fits; null: none does. */
export async function newestRevision(
  db: Db,
  id: Umid,
  { upTo, savedBy, device }: RevisionFit,
): Promise<{ readonly version: Version; readonly savedAt: number; readonly device: DeviceId } | null> {
  let rows = db.selectFrom('revision').select(['version', 'saved_at', 'device']).where('draft_id', '=', id)
  if (upTo !== undefined) rows = rows.where('version', '<=', upTo)
  if (savedBy !== undefined) rows = rows.where('saved_at', '<=', savedBy)
  if (device !== undefined) rows = rows.where('device', '=', device)
  const row = await rows.orderBy('version', 'desc').limit(1).executeTakeFirst()
  if (row === undefined) return null
  return { version: row.version as Version, savedAt: row.saved_at, device: row.device as DeviceId }
}

/** What a revision of the history takes in the store, in bytes; 0 for the head, whose text is the draft's own, and for one that is not kept. */
export async function storedBytes(db: Db, id: Umid, version: Version): Promise<number> {
  const row = await db
    .selectFrom('revision')
    .select(sql<number | string>`octet_length(content)`.as('bytes'))
    .where('draft_id', '=', id)
    .where('version', '=', version)
    .executeTakeFirst()
  return Number(row?.bytes ?? 0)
}

/** What the newest kept revisions say, the head first. */
export async function recentRevisions(
  db: Db,
  id: Umid,
  head: DraftContent,
  limit: number,
): Promise<readonly { readonly version: Version; readonly savedAt: number; readonly content: DraftContent }[]> {
  const rows = await db
    .selectFrom('revision')
    .select(['version', 'saved_at', 'encoding', 'content'])
    .where('draft_id', '=', id)
    .orderBy('version', 'desc')
    .limit(limit)
    .execute()
  let content = head
  return rows.map((row) => {
    if (row.encoding === 'full') content = JSON.parse(row.content) as DraftContent
    if (row.encoding === 'reverse') content = applyDelta(content, JSON.parse(row.content) as Delta)
    return { version: row.version as Version, savedAt: row.saved_at, content }
  })
}
