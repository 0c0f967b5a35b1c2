import { sql } from 'kysely'

import { applyDelta, type Delta, deltaBetween, deltasBetween } from '../draft/delta.ts'
import type { Author, ContentField, DraftContent, Revision } from '../draft/draft.ts'
import type { DeviceId, Umid, Version } from '../ids.ts'
import { prepared } from './prepared.ts'
import type { Db } from './db.ts'

/**
 * The history of a draft. The head's content stands in the draft's own row; an earlier revision is stored as what makes
 * it of the next one, and now and then whole. So a save writes what changed, however long the text is.
 */
type Encoding =
  /** In the draft's row. */
  | 'head'
  /** JSON of the content. */
  | 'full'
  /** JSON of the delta that makes it of the next revision that is kept. */
  | 'reverse'

/** A restore applies few deltas; after a compaction, up to twice as many. */
const fullEvery = 32

export interface NewRevision {
  readonly version: Version
  readonly savedAt: number
  readonly device: DeviceId
  readonly by: Author
  readonly fieldsChanged: readonly ContentField[]
  readonly content: DraftContent
  /** The revision before it is stored whole, whatever that takes. Default false. */
  readonly keepWhole?: boolean
}

/** The new head. `previous` is the head until now, which becomes history; null for the first. */
export async function insertRevision(
  db: Db,
  id: Umid,
  revision: NewRevision,
  previous: { readonly version: Version; readonly content: DraftContent } | null,
): Promise<void> {
  let bytes = 0
  if (previous === null) {
    bytes = JSON.stringify(revision.content).length
  } else {
    const { forward, backward } = deltasBetween(previous.content, revision.content)
    bytes = JSON.stringify(forward).length
    await encodeRevision(db, {
      id,
      version: previous.version,
      ...encode(previous, backward, revision.keepWhole ?? false),
    })
  }
  await addRevision(db, {
    id,
    version: revision.version,
    bytes,
    savedAt: revision.savedAt,
    device: revision.device,
    by: revision.by,
    fieldsChanged: JSON.stringify(revision.fieldsChanged),
  })
}

const addRevision = prepared(
  (
    db,
    input: {
      readonly id: Umid
      readonly version: Version
      readonly bytes: number
      readonly savedAt: number
      readonly device: DeviceId
      readonly by: Author
      readonly fieldsChanged: string
    },
  ) =>
    db.insertInto('revision').values({
      draft_id: input.id,
      version: input.version,
      encoding: sql.lit('head' satisfies Encoding),
      content: sql.lit(''),
      bytes: input.bytes,
      saved_at: input.savedAt,
      device: input.device,
      author: input.by,
      fields_changed: input.fieldsChanged,
    }),
)

/** A revision as it is stored, for a copy of the history elsewhere. */
export interface RevisionRecord extends Omit<NewRevision, 'content'> {
  /** Of what it changed, as JSON. */
  readonly bytes: number
  readonly encoding: Encoding
  /** Empty for the head. */
  readonly encoded: string
}

/** A history that was written elsewhere, as it is; oldest first, and the last one is the head. */
export async function insertHistory(db: Db, id: Umid, records: readonly RevisionRecord[]): Promise<void> {
  for (const { fieldsChanged, ...record } of records) {
    await addRecord(db, { id, ...record, fieldsChanged: JSON.stringify(fieldsChanged) })
  }
}

const addRecord = prepared(
  (db, input: Omit<RevisionRecord, 'fieldsChanged'> & { readonly id: Umid; readonly fieldsChanged: string }) =>
    db.insertInto('revision').values({
      draft_id: input.id,
      version: input.version,
      encoding: input.encoding,
      content: input.encoded,
      bytes: input.bytes,
      saved_at: input.savedAt,
      device: input.device,
      author: input.by,
      fields_changed: input.fieldsChanged,
    }),
)

/** Oldest first. */
export async function revisionRecords(db: Db, id: Umid): Promise<readonly RevisionRecord[]> {
  const rows = await recordRows(db, { id })
  return rows.map((row) => ({
    version: row.version as Version,
    savedAt: row.saved_at,
    device: row.device as DeviceId,
    by: row.author as Author,
    fieldsChanged: JSON.parse(row.fields_changed) as ContentField[],
    bytes: row.bytes,
    encoding: row.encoding as Encoding,
    encoded: row.content,
  }))
}

const recordRows = prepared((db, input: { readonly id: Umid }) =>
  db.selectFrom('revision').selectAll().where('draft_id', '=', input.id).orderBy('version'),
)

/** What the kept revisions say, newest first. */
export async function revisionContents(
  db: Db,
  id: Umid,
  head: DraftContent,
): Promise<readonly { readonly version: Version; readonly content: DraftContent }[]> {
  let content = head
  const records = await revisionRecords(db, id)
  return records.toReversed().map(({ version, encoding, encoded }) => {
    if (encoding === 'full') content = JSON.parse(encoded) as DraftContent
    if (encoding === 'reverse') content = applyDelta(content, JSON.parse(encoded) as Delta)
    return { version, content }
  })
}

interface Encoded {
  readonly encoding: Encoding
  readonly content: string
}

function encode(
  revision: { readonly version: Version; readonly content: DraftContent },
  /** Makes it of the next one. */
  backward: Delta,
  keepWhole = false,
): Encoded {
  if (keepWhole || revision.version % fullEvery === 0)
    return { encoding: 'full', content: JSON.stringify(revision.content) }
  return { encoding: 'reverse', content: JSON.stringify(backward) }
}

const encodeRevision = prepared(
  (
    db,
    input: { readonly id: Umid; readonly version: Version; readonly encoding: Encoding; readonly content: string },
  ) =>
    db
      .updateTable('revision')
      .set({ encoding: input.encoding, content: input.content })
      .where('draft_id', '=', input.id)
      .where('version', '=', input.version),
)

/** Newest first. */
export async function revisions(db: Db, id: Umid): Promise<readonly Revision[]> {
  const rows = await db
    .selectFrom('revision')
    .select(['version', 'saved_at', 'device', 'author', 'fields_changed', 'bytes'])
    .where('draft_id', '=', id)
    .orderBy('version', 'desc')
    .execute()
  return rows.map((row) => ({
    version: row.version as Version,
    savedAt: row.saved_at,
    device: row.device as DeviceId,
    by: row.author as Author,
    fieldsChanged: JSON.parse(row.fields_changed) as ContentField[],
    bytes: row.bytes,
  }))
}

/** The content of a revision that is kept; null where compaction took it, or it never was. */
export async function revisionContent(
  db: Db,
  id: Umid,
  version: Version,
  head: DraftContent,
): Promise<DraftContent | null> {
  const deltas: Delta[] = []
  const rows = await db
    .selectFrom('revision')
    .select(['version', 'encoding', 'content'])
    .where('draft_id', '=', id)
    .where('version', '>=', version)
    .orderBy('version')
    .limit(4 * fullEvery)
    .execute()
  if (rows[0]?.version !== version) return null
  for (const row of rows) {
    const encoding = row.encoding as Encoding
    if (encoding === 'reverse') {
      deltas.push(JSON.parse(row.content) as Delta)
      continue
    }
    const whole = encoding === 'head' ? head : (JSON.parse(row.content) as DraftContent)
    return deltas.toReversed().reduce(applyDelta, whole)
  }
  return null
}

/**
 * Takes away the revisions that `keep` does not name, and tells the others by what is left. The head always stays.
 * @returns what the kept revisions say, newest first, for the caller to see what they refer to
 */
export async function compactRevisions(
  db: Db,
  id: Umid,
  head: { readonly version: Version; readonly content: DraftContent },
  keep: ReadonlySet<Version>,
): Promise<readonly DraftContent[]> {
  const rows = await db
    .selectFrom('revision')
    .select(['version', 'encoding', 'content'])
    .where('draft_id', '=', id)
    .orderBy('version', 'desc')
    .execute()
  const kept: DraftContent[] = []
  let current = head.content
  let next = head.content
  let sinceWhole = 0
  for (const row of rows) {
    const version = row.version as Version
    const encoding = row.encoding as Encoding
    if (encoding === 'full') current = JSON.parse(row.content) as DraftContent
    if (encoding === 'reverse') current = applyDelta(current, JSON.parse(row.content) as Delta)
    if (version === head.version) {
      kept.push(current)
    } else if (keep.has(version)) {
      sinceWhole += 1
      const whole = sinceWhole % fullEvery === 0
      const encoded: Encoded = whole
        ? { encoding: 'full', content: JSON.stringify(current) }
        : { encoding: 'reverse', content: JSON.stringify(deltaBetween(next, current)) }
      await encodeRevision(db, { id, version, ...encoded })
      next = current
      kept.push(current)
    } else {
      await db.deleteFrom('revision').where('draft_id', '=', id).where('version', '=', version).execute()
    }
  }
  return kept
}
