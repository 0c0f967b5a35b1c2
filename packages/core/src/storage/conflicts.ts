import type { Author, ContentField, DraftContent } from '../draft/draft.ts'
import { EverdraftError } from '../errors.ts'
import type { AccountId, ConflictId, DeviceId, Umid, Version } from '../ids.ts'
import { prepared } from './prepared.ts'
import type { Schema } from './schema.ts'
import type { Db } from './db.ts'

/** Two texts of one draft that could not be made one. Both are kept until somebody decides, and after. */
export interface Conflict {
  readonly id: ConflictId
  readonly draftId: Umid
  /** What both sides began with. */
  readonly baseVersion: Version
  /** The version of the draft that the other side is. */
  readonly remoteVersion: Version
  readonly base: DraftContent
  /** What was to be saved. */
  readonly local: DraftContent
  readonly remote: DraftContent
  /** Those that could not be merged. */
  readonly fields: readonly ContentField[]
  readonly device: DeviceId
  readonly by: Author
  readonly createdAt: number
  readonly resolvedAt: number | null
  /** How it was resolved: a strategy, `fields` where somebody wrote the merged text, or `superseded` by what the same device has written since. */
  readonly resolution: string | null
}

export async function insertConflict(db: Db, accountId: AccountId, conflict: Conflict): Promise<void> {
  await db
    .insertInto('conflict')
    .values({
      id: conflict.id,
      draft_id: conflict.draftId,
      account_id: accountId,
      base_version: conflict.baseVersion,
      remote_version: conflict.remoteVersion,
      base: JSON.stringify(conflict.base),
      local: JSON.stringify(conflict.local),
      remote: JSON.stringify(conflict.remote),
      fields: JSON.stringify(conflict.fields),
      device: conflict.device,
      author: conflict.by,
      created_at: conflict.createdAt,
      resolved_at: conflict.resolvedAt,
      strategy: conflict.resolution,
    })
    .execute()
}

/** Newest first; those that wait for a decision before those that had one. */
export async function listConflicts(db: Db, draftId: Umid): Promise<readonly Conflict[]> {
  const conflicts = (await ofDraft(db, { draftId })).map(toConflict)
  return [...conflicts.filter((one) => one.resolvedAt === null), ...conflicts.filter((one) => one.resolvedAt !== null)]
}

const ofDraft = prepared((db, input: { readonly draftId: Umid }) =>
  db.selectFrom('conflict').selectAll().where('draft_id', '=', input.draftId).orderBy('id', 'desc'),
)

/** @throws {EverdraftError} NOT_FOUND */
export async function getConflict(db: Db, draftId: Umid, id: ConflictId): Promise<Conflict> {
  const row = await db
    .selectFrom('conflict')
    .selectAll()
    .where('id', '=', id)
    .where('draft_id', '=', draftId)
    .executeTakeFirst()
  if (row === undefined) throw new EverdraftError('NOT_FOUND', `there is no conflict ${id}`)
  return toConflict(row)
}

export async function endConflict(db: Db, id: ConflictId, resolution: string, now: number): Promise<void> {
  await db.updateTable('conflict').set({ resolved_at: now, strategy: resolution }).where('id', '=', id).execute()
}

function toConflict(row: Schema['conflict']): Conflict {
  return {
    id: row.id as ConflictId,
    draftId: row.draft_id as Umid,
    baseVersion: row.base_version as Version,
    remoteVersion: row.remote_version as Version,
    base: JSON.parse(row.base) as DraftContent,
    local: JSON.parse(row.local) as DraftContent,
    remote: JSON.parse(row.remote) as DraftContent,
    fields: JSON.parse(row.fields) as ContentField[],
    device: row.device as DeviceId,
    by: row.author as Author,
    createdAt: row.created_at,
    resolvedAt: row.resolved_at,
    resolution: row.strategy,
  }
}
