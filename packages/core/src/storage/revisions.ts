import { applyDelta, type Delta, deltaBetween, reverseDelta } from '../draft/delta.ts'
import type { Author, ContentField, DraftContent, Revision } from '../draft/draft.ts'
import type { DeviceId, Umid, Version } from '../ids.ts'
import type { Db } from './db.ts'
import { prepared } from './prepared.ts'
import { recentOf, setContent } from './recent-saves.ts'

/**
 * The history of a draft, but for its last saves (recent-saves.ts). The head's content stands in `draft_content`; an earlier
 * revision is stored as what makes it of the next one, and now and then whole.
 */
type Encoding =
  /** In `draft_content`. */
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

/**
 * Adds revisions to the history, oldest first: the last one is the new head. `previous` is the head until now, which becomes
 * history, and with it the last saves that were not part of it yet; null where there is none. The caller stores the head.
 */
export async function insertRevisions(
  db: Db,
  id: Umid,
  newer: readonly [NewRevision, ...NewRevision[]],
  previous: Written | null,
): Promise<void> {
  const [first, ...others] = newer
  if (previous === null) {
    await addRecord(db, { id, ...asHead(first, first.content) })
    if (others.length > 0) await addToHistory(db, id, first, others)
    return
  }
  const recent = await recentOf(db, id)
  // Of the head as the caller has it: what is the same is the same object there, and not looked into.
  const next = { ...first, delta: deltaBetween(previous.content, first.content) }
  await addToHistory(db, id, recent?.base ?? previous, [...(recent?.saves ?? []), next, ...others])
}

/** Takes the last saves into the history, and stores the head whole. */
export async function settleRecent(db: Db, id: Umid): Promise<void> {
  const recent = await recentOf(db, id)
  const head = recent?.saves.at(-1)
  if (recent === null || head === undefined) return
  await addToHistory(db, id, recent.base, recent.saves)
  await setContent(db, id, head.content)
  await db.updateTable('draft').set({ recent: '' }).where('id', '=', id).execute()
}

async function addToHistory(db: Db, id: Umid, base: Written, saves: readonly Save[]): Promise<void> {
  const { encodedBase, records } = unfold(base, saves)
  await encodeRevision(db, { id, version: base.version, ...encodedBase })
  for (const record of records) await addRecord(db, { id, ...record })
}

/** What the saves that follow on `base`, the head of the history, make of it: each version is told by the next one. */
export function unfold(
  base: Written,
  saves: readonly Save[],
): { readonly encodedBase: Encoded; readonly records: readonly RevisionRecord[] } {
  let encodedBase = inHead
  const records: RevisionRecord[] = []
  let before = base
  for (const save of saves) {
    const delta = save.delta ?? deltaBetween(before.content, save.content)
    const encoded = encode(before, delta, save.keepWhole)
    const last = records.pop()
    if (last === undefined) encodedBase = encoded
    else records.push({ ...last, ...encoded })
    records.push(asHead(save, delta))
    before = save
  }
  return { encodedBase, records }
}

interface Save extends NewRevision {
  /** Where it is known what makes it of the one before. */
  readonly delta?: Delta
}

interface Written {
  readonly version: Version
  readonly content: DraftContent
}

function asHead(
  { version, savedAt, device, by, fieldsChanged }: Omit<NewRevision, 'content'>,
  changed: Delta | DraftContent,
): RevisionRecord {
  return { version, savedAt, device, by, fieldsChanged, bytes: JSON.stringify(changed).length, ...inHead }
}

/** A revision as it is stored. */
export interface RevisionRecord extends Omit<NewRevision, 'content' | 'keepWhole'>, Encoded {
  /** Of what it changed, as JSON. */
  readonly bytes: number
}

interface Encoded {
  readonly encoding: Encoding
  /** Empty for the head. */
  readonly encoded: string
}

const inHead: Encoded = { encoding: 'head', encoded: '' }

/** A history that was written elsewhere, as it is; oldest first, and the last one is the head. */
export async function insertHistory(db: Db, id: Umid, records: readonly RevisionRecord[]): Promise<void> {
  for (const record of records) await addRecord(db, { id, ...record })
}

async function addRecord(db: Db, { fieldsChanged, ...record }: RevisionRecord & { readonly id: Umid }): Promise<void> {
  await addRevision(db, { ...record, fieldsChanged: JSON.stringify(fieldsChanged) })
}

const addRevision = prepared(
  (db, row: Omit<RevisionRecord, 'fieldsChanged'> & { readonly id: Umid; readonly fieldsChanged: string }) =>
    db.insertInto('revision').values({
      draft_id: row.id,
      version: row.version,
      encoding: row.encoding,
      content: row.encoded,
      bytes: row.bytes,
      saved_at: row.savedAt,
      device: row.device,
      author: row.by,
      fields_changed: row.fieldsChanged,
    }),
)

/** Oldest first. */
export async function revisionRecords(db: Db, id: Umid): Promise<readonly RevisionRecord[]> {
  const rows = await recordRows(db, { id })
  const records = rows.map((row): RevisionRecord => ({
    version: row.version as Version,
    savedAt: row.saved_at,
    device: row.device as DeviceId,
    by: row.author as Author,
    fieldsChanged: JSON.parse(row.fields_changed) as ContentField[],
    bytes: row.bytes,
    encoding: row.encoding as Encoding,
    encoded: row.content,
  }))
  const recent = await recentOf(db, id)
  const base = records.at(-1)
  if (recent === null || base === undefined) return records
  const { encodedBase, records: newer } = unfold(recent.base, recent.saves)
  return [...records.slice(0, -1), { ...base, ...encodedBase }, ...newer]
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

function encode(
  revision: Written,
  /** Makes the next one of it. */
  delta: Delta,
  keepWhole = false,
): Encoded {
  if (keepWhole || revision.version % fullEvery === 0)
    return { encoding: 'full', encoded: JSON.stringify(revision.content) }
  return { encoding: 'reverse', encoded: JSON.stringify(reverseDelta(revision.content, delta)) }
}

const encodeRevision = prepared((db, input: Encoded & { readonly id: Umid; readonly version: Version }) =>
  db
    .updateTable('revision')
    .set({ encoding: input.encoding, content: input.encoded })
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
  const settled = rows.map((row): Revision => ({
    version: row.version as Version,
    savedAt: row.saved_at,
    device: row.device as DeviceId,
    by: row.author as Author,
    fieldsChanged: JSON.parse(row.fields_changed) as ContentField[],
    bytes: row.bytes,
  }))
  const recent = (await recentOf(db, id))?.saves ?? []
  const newest = recent.map(({ version, savedAt, device, by, fieldsChanged, delta }): Revision => {
    return { version, savedAt, device, by, fieldsChanged, bytes: JSON.stringify(delta).length }
  })
  return [...newest.toReversed(), ...settled]
}

/** The content of a revision that is kept; null where compaction took it, or it never was. */
export async function revisionContent(
  db: Db,
  id: Umid,
  version: Version,
  head: DraftContent,
): Promise<DraftContent | null> {
  const recent = await recentOf(db, id)
  const save = recent?.saves.find((one) => one.version === version)
  if (save !== undefined) return save.content
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
    const whole = encoding === 'head' ? (recent?.base.content ?? head) : (JSON.parse(row.content) as DraftContent)
    return deltas.toReversed().reduce(applyDelta, whole)
  }
  return null
}

/**
 * Takes away the revisions that `keep` does not name, and tells the others by what is left. The head always stays.
 * The caller has settled the last saves.
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
        ? { encoding: 'full', encoded: JSON.stringify(current) }
        : { encoding: 'reverse', encoded: JSON.stringify(deltaBetween(next, current)) }
      await encodeRevision(db, { id, version, ...encoded })
      next = current
      kept.push(current)
    } else {
      await db.deleteFrom('revision').where('draft_id', '=', id).where('version', '=', version).execute()
    }
  }
  return kept
}
