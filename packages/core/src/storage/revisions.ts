import { sql } from 'kysely'

import { applyDelta, changeBetween, type Delta, deltaBetween } from '../draft/delta.ts'
import type { Author, ContentField, DraftContent, Revision } from '../draft/draft.ts'
import type { DeviceId, Umid, Version } from '../ids.ts'
import type { Db } from './db.ts'
import type { Answered } from './direct.ts'
import { changeAsKnown } from './heads.ts'
import { prepared } from './prepared.ts'
import { headContent, recentText, setContent, undamaged } from './recent-saves.ts'
import { bytesOf, lastLineOf, type Lines, readLines, type SaveFacts, wholeLineOf } from './save-lines.ts'
import type { DraftFacts, Schema } from './schema.ts'

/**
 * The history of a draft. It is read from the head back: what a revision says is told by the one after it. Saves that followed
 * one another stand in one row, with the version of the last of them.
 */
type Encoding =
  /** It says what the walk back has come to: it is the head, or the row after it is a run. */
  | 'head'
  /** JSON of the content. */
  | 'full'
  /** JSON of the delta that makes it of the next revision that is kept. */
  | 'reverse'
  /** Lines of save-lines.ts; the walk goes on with what the draft said before the first of them. */
  | 'run'

/** A restore applies few deltas; after a compaction, up to twice as many. */
const fullEvery = 32

export interface NewRevision extends SaveFacts {
  readonly fieldsChanged: readonly ContentField[]
  readonly content: DraftContent
  /** The revision before it is stored whole, whatever that takes. Default false. */
  readonly keepWhole?: boolean
  /** Of the content of a draft's first one, as JSON. Default: it is found out. */
  readonly bytes?: number
}

interface Written {
  readonly version: Version
  readonly content: DraftContent
}

/**
 * Adds revisions to the history, oldest first: the last one is the new head. `previous` is the head until now, which becomes
 * history, and with it the last saves that were not part of it yet; null where there is none. The caller stores the head, and
 * empties `draft.recent`.
 */
export async function insertRevisions(
  db: Db,
  id: Umid,
  newer: readonly [NewRevision, ...NewRevision[]],
  previous: Written | null,
): Promise<void> {
  const [first, ...others] = newer
  if (previous !== null && first.keepWhole !== true) {
    await addRun(db, id, newer, previous)
    return
  }
  if (previous !== null) await keepWhole(db, id, previous)
  const bytes =
    previous === null
      ? (first.bytes ?? JSON.stringify(first.content).length)
      : JSON.stringify(deltaBetween(previous.content, first.content)).length
  await addRecord(db, { id, ...first, bytes, ...inHead })
  const [second, ...more] = others
  if (second !== undefined) await addRun(db, id, [second, ...more], first)
}

/** The last saves and those after them, as they stand: nothing is read for it. */
async function addRun(
  db: Db,
  id: Umid,
  saves: readonly [NewRevision, ...NewRevision[]],
  previous: Written,
): Promise<void> {
  await addRecentAnd(db, { id, ...runOf(saves, previous) })
}

/**
 * As `insertRevisions` of one save that follows on `previous`, if the draft's row says what is known of it. The caller stores
 * the head. @returns whether it did: else nothing was changed
 */
export function addRunAsKnown(db: Db, facts: DraftFacts, save: NewRevision, previous: Written): Answered<boolean> {
  return addRecentAsKnown(db, facts, runOf([save], previous))
}

/** What the last of some saves that go into the history together leaves there: the lines after `draft.recent`, and its facts. */
interface Run extends Omit<SaveFacts, 'version'> {
  readonly newest: Version
  readonly lines: string
  readonly bytes: number
  /** JSON. */
  readonly fields: string
}

function runOf(saves: readonly [NewRevision, ...NewRevision[]], previous: Written): Run {
  let lines = ''
  let before = previous
  let bytes = 0
  for (const save of saves) {
    const change = changeBetween(before.content, save.content)
    lines += lastLineOf(save, change)
    bytes = bytesOf(change)
    before = save
  }
  const { version, content, savedAt, device, by, fieldsChanged } = saves.at(-1) ?? saves[0]
  if (version % fullEvery === 0) lines += wholeLineOf(content)
  return { newest: version, lines, bytes, savedAt, device, by, fields: JSON.stringify(fieldsChanged) }
}

const addRecentAnd = prepared((db, row: Run & { readonly id: Umid }) =>
  intoHistory(db, recentAnd(db, row).where('id', '=', row.id)),
)

const addRecentAsKnown = changeAsKnown((db, run: Run, isRow) => intoHistory(db, recentAnd(db, run).where(isRow)))

function intoHistory(db: Db, row: ReturnType<typeof recentAnd>) {
  return db.insertInto('revision').columns(revisionColumns).expression(row)
}

function recentAnd(db: Db, row: Run) {
  return db
    .selectFrom('draft')
    .select([
      'id',
      sql<number>`cast(${row.newest} as integer)`.as('version'),
      sql.lit('run' satisfies Encoding).as('encoding'),
      sql<string>`recent || ${row.lines}`.as('content'),
      sql<number>`cast(${row.bytes} as integer)`.as('bytes'),
      sql<number>`cast(${row.savedAt} as bigint)`.as('saved_at'),
      sql<string>`cast(${row.device} as text)`.as('device'),
      sql<string>`cast(${row.by} as text)`.as('author'),
      sql<string>`cast(${row.fields} as text)`.as('fields_changed'),
    ])
}

const revisionColumns = [
  'draft_id',
  'version',
  'encoding',
  'content',
  'bytes',
  'saved_at',
  'device',
  'author',
  'fields_changed',
] as const satisfies readonly (keyof Schema['revision'])[]

/** So that what comes after it tells nothing of it. */
async function keepWhole(db: Db, id: Umid, { version, content }: Written): Promise<void> {
  const recent = await recentText(db, id)
  if (recent !== '') {
    await addRecent(db, id, recent, wholeLineOf(content))
    return
  }
  const [row] = await rowsFrom(db, { id, version, limit: 1 })
  if (row?.encoding !== 'run') {
    await encodeRevision(db, { id, version, ...wholly(content) })
  } else if (!isWhole(row)) {
    // With it stand those before it.
    await encodeRevision(db, { id, version, encoding: 'run', encoded: `${row.content}${wholeLineOf(content)}` })
  }
}

/** Takes the last saves into the history, and stores the head whole. */
export async function settleRecent(db: Db, id: Umid): Promise<void> {
  const recent = await recentText(db, id)
  if (recent === '') return
  const [row] = await contentRow(db, { id })
  const content = headContent({ id, content: row?.content ?? null, recent })
  await addRecent(db, id, recent, '')
  await setContent(db, id, content)
  await db.updateTable('draft').set({ recent: '' }).where('id', '=', id).execute()
}

const contentRow = prepared((db, input: { readonly id: Umid }) =>
  db.selectFrom('draft_content').select('content').where('draft_id', '=', input.id),
)

async function addRecent(db: Db, id: Umid, recent: string, more: string): Promise<void> {
  const last = undamaged(id, () => readLines(recent)).saves.at(-1)
  if (last === undefined) return
  await addRecord(db, { id, ...last, bytes: last.bytes(), encoding: 'run', encoded: `${recent}${more}` })
}

/** A revision by itself. */
export interface RevisionRecord extends Revision, Encoded<Exclude<Encoding, 'run'>> {}

interface StoredRow extends SaveFacts, Encoded {
  readonly fieldsChanged: readonly ContentField[]
  /** Of what it changed, as JSON. */
  readonly bytes: number
}

interface Encoded<Each = Encoding> {
  readonly encoding: Each
  /** Empty for the head. */
  readonly encoded: string
}

const inHead: Encoded<'head'> = { encoding: 'head', encoded: '' }

function wholly(content: DraftContent): Encoded<'full'> {
  return { encoding: 'full', encoded: JSON.stringify(content) }
}

function back(delta: Delta): Encoded<'reverse'> {
  return { encoding: 'reverse', encoded: JSON.stringify(delta) }
}

/** A history that was written elsewhere, as it is; oldest first, and the last one is the head. */
export async function insertHistory(db: Db, id: Umid, records: readonly RevisionRecord[]): Promise<void> {
  for (const record of records) await addRecord(db, { id, ...record })
}

async function addRecord(db: Db, record: StoredRow & { readonly id: Umid }): Promise<void> {
  const { id, version, encoding, encoded, bytes, savedAt, device, by } = record
  const fieldsChanged = JSON.stringify(record.fieldsChanged)
  await addRevision(db, { id, version, encoding, encoded, bytes, savedAt, device, by, fieldsChanged })
}

const addRevision = prepared(
  (db, row: Omit<StoredRow, 'fieldsChanged'> & { readonly id: Umid; readonly fieldsChanged: string }) =>
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

const encodeRevision = prepared((db, input: Encoded & { readonly id: Umid; readonly version: Version }) =>
  db
    .updateTable('revision')
    .set({ encoding: input.encoding, content: input.encoded })
    .where('draft_id', '=', input.id)
    .where('version', '=', input.version),
)

/** A row of the history; the last saves that are not part of it yet read as one. */
export type HistoryRow = Schema['revision']

/** Newest first: the last saves, where there are any. */
export async function recentRows(db: Db, id: Umid): Promise<readonly HistoryRow[]> {
  const content = await recentText(db, id)
  if (content === '') return []
  const last = undamaged(id, () => readLines(content)).saves.at(-1)
  if (last === undefined) return []
  const { version, savedAt: saved_at, device, by: author, fieldsChanged } = last
  const fields_changed = JSON.stringify(fieldsChanged)
  return [
    { draft_id: id, version, encoding: 'run', content, bytes: last.bytes(), saved_at, device, author, fields_changed },
  ]
}

/** Newest first. */
async function historyRows(db: Db, id: Umid): Promise<readonly HistoryRow[]> {
  return [...(await recentRows(db, id)), ...(await settledRows(db, { id })).toReversed()]
}

const settledRows = prepared((db, input: { readonly id: Umid }) =>
  db.selectFrom('revision').selectAll().where('draft_id', '=', input.id).orderBy('version'),
)

/** Of a run. @throws {DamagedDraftError} */
export function linesOf(row: Pick<HistoryRow, 'draft_id' | 'version' | 'content'>): Lines {
  return undamaged(row.draft_id, () => {
    const lines = readLines(row.content)
    if (lines.saves.at(-1)?.version !== row.version) throw new SyntaxError('a run that ends with another version')
    return lines
  })
}

/** Who saved the revisions in a row, and when; oldest first. */
export function factsIn(row: HistoryRow): readonly SaveFacts[] {
  return row.encoding === 'run' ? linesOf(row).saves : [factsOf(row)]
}

function factsOf({ version, saved_at: savedAt, device, author }: HistoryRow): SaveFacts {
  return { version: version as Version, savedAt, device: device as DeviceId, by: author as Author }
}

/** What is known of the revisions in a row, oldest first, without what they say. */
function savesIn(row: HistoryRow): readonly Revision[] {
  if (row.encoding !== 'run') {
    const fieldsChanged = JSON.parse(row.fields_changed) as ContentField[]
    return [{ ...factsOf(row), fieldsChanged, bytes: row.bytes }]
  }
  return linesOf(row).saves.map(({ version, savedAt, device, by, fieldsChanged, bytes }) => {
    return { version, savedAt, device, by, fieldsChanged, bytes: bytes() }
  })
}

/** What revisions say, newest first, from the newest row on; `newest` is what the head says. */
export function* walkBack(
  rows: Iterable<HistoryRow>,
  newest: DraftContent,
): Generator<SaveFacts & { readonly content: DraftContent }> {
  let content = newest
  for (const row of rows) {
    if (row.encoding === 'full') content = JSON.parse(row.content) as DraftContent
    if (row.encoding === 'reverse') content = applyDelta(content, JSON.parse(row.content) as Delta)
    if (row.encoding === 'run') {
      const { saves, whole } = linesOf(row)
      content = whole ?? content
      for (const line of saves.toReversed()) {
        const { version, savedAt, device, by } = line
        yield { version, savedAt, device, by, content }
        content = applyDelta(content, line.back())
      }
    } else {
      yield { ...factsOf(row), content }
    }
  }
}

/** Of rows newest first the revisions, each by itself; oldest first. */
export function recordsOf(rows: readonly HistoryRow[]): readonly RevisionRecord[] {
  const records: RevisionRecord[] = []
  /** Makes the one that comes next, going back, of the one before it. */
  let told: Encoded<RevisionRecord['encoding']> = inHead
  for (const row of rows) {
    const facts = savesIn(row).toReversed()
    if (row.encoding === 'run') {
      const { saves, whole } = linesOf(row)
      if (whole !== null) told = wholly(whole)
      for (const [place, line] of saves.toReversed().entries()) {
        records.push({ ...(facts[place] as Revision), ...told })
        told = back(line.back())
      }
    } else {
      const own = { encoding: row.encoding as RevisionRecord['encoding'], encoded: row.content }
      records.push({ ...(facts[0] as Revision), ...(own.encoding === 'head' ? told : own) })
      told = inHead
    }
  }
  return records.toReversed()
}

/** Oldest first; the last one is the head. */
export async function revisionRecords(db: Db, id: Umid): Promise<readonly RevisionRecord[]> {
  return recordsOf(await historyRows(db, id))
}

/** What the kept revisions say, newest first. */
export async function revisionContents(db: Db, id: Umid, head: DraftContent): Promise<readonly Written[]> {
  return [...walkBack(await historyRows(db, id), head)]
}

/** Newest first. */
export async function revisions(db: Db, id: Umid): Promise<readonly Revision[]> {
  const rows = [...(await recentRows(db, id)), ...(await rowsWithoutContents(db, id))]
  return rows.flatMap((row) => savesIn(row).toReversed())
}

/** Newest first: of the contents only those in which there are more revisions than one. */
async function rowsWithoutContents(db: Db, id: Umid): Promise<readonly HistoryRow[]> {
  return await db
    .selectFrom('revision')
    .select(['draft_id', 'version', 'encoding', 'bytes', 'saved_at', 'device', 'author', 'fields_changed'])
    .select((row) =>
      row
        .case()
        .when('encoding', '=', 'run' satisfies Encoding)
        .then(row.ref('content'))
        .else('')
        .end()
        .as('content'),
    )
    .where('draft_id', '=', id)
    .orderBy('version', 'desc')
    .execute()
}

/** The content of a revision that is kept; null where compaction took it, or it never was. */
export async function revisionContent(
  db: Db,
  id: Umid,
  version: Version,
  head: DraftContent,
): Promise<DraftContent | null> {
  const rows: HistoryRow[] = []
  for (;;) {
    const more = await rowsFrom(db, { id, version: (rows.at(-1)?.version ?? version - 1) + 1, limit: rowsAtOnce })
    rows.push(...more)
    // From the last of them on: either all is told there, or it is the newest there is.
    if (more.length < rowsAtOnce || more.some(isWhole)) break
  }
  const from = rows.findIndex(isWhole)
  const newestFirst =
    from === -1 ? [...(await recentRows(db, id)), ...rows.toReversed()] : rows.slice(0, from + 1).toReversed()
  for (const revision of walkBack(newestFirst, head)) if (revision.version === version) return revision.content
  return null
}

const rowsAtOnce = 16

interface RowsFrom {
  readonly id: Umid
  readonly version: number
  readonly limit: number
}

/** Rows that hold this version or later ones, oldest first. */
export async function rowsFrom(db: Db, input: RowsFrom): Promise<readonly HistoryRow[]> {
  return await rowsOf(db, input)
}

const rowsOf = prepared((db, input: RowsFrom) =>
  db
    .selectFrom('revision')
    .selectAll()
    .where('draft_id', '=', input.id)
    .where('version', '>=', input.version)
    .orderBy('version')
    .limit(input.limit),
)

/** Whether what it says is told without what came after it. */
function isWhole(row: HistoryRow): boolean {
  return row.encoding === 'full' || (row.encoding === 'run' && linesOf(row).whole !== null)
}

/**
 * Takes away the revisions that `keep` does not name, and tells the others by what is left. The head always stays.
 * The caller has settled the last saves.
 * @returns what the kept revisions say, newest first, for the caller to see what they refer to
 */
export async function compactRevisions(
  db: Db,
  id: Umid,
  head: Written,
  keep: ReadonlySet<Version>,
): Promise<readonly DraftContent[]> {
  const rows = await historyRows(db, id)
  const records = new Map(recordsOf(rows).map((record) => [record.version, record]))
  const kept: DraftContent[] = []
  /** What the walk back has come to among those that are left. */
  let next = head.content
  let sinceWhole = 0
  /** The newer row stays as it is, and tells what this one says last. */
  let isTold = true
  const contents = walkBack(rows, head.content)
  for (const row of rows) {
    const { length } = factsIn(row)
    const said: Written[] = []
    while (said.length < length) said.push(contents.next().value as Written)
    const left = said.filter(({ version }) => version === head.version || keep.has(version))
    kept.push(...left.map(({ content }) => content))
    const run = row.encoding === 'run' && left.length === said.length ? linesOf(row) : null
    isTold = run !== null && (isTold || run.whole !== null)
    if (run !== null && isTold) {
      sinceWhole = (run.whole === null ? sinceWhole : 0) + left.length
      next = beforeRun(run, said.at(-1)?.content ?? next)
      continue
    }
    await dropRevision(db, { id, version: row.version as Version })
    for (const { version, content } of left) {
      sinceWhole += 1
      const isFull = version !== head.version && sinceWhole % fullEvery === 0
      const told = version === head.version ? inHead : isFull ? wholly(content) : back(deltaBetween(next, content))
      await addRecord(db, { id, ...(records.get(version) as RevisionRecord), ...told })
      next = content
    }
  }
  return kept
}

function beforeRun({ saves: [first] }: Lines, content: DraftContent): DraftContent {
  return first === undefined ? content : applyDelta(content, first.back())
}

const dropRevision = prepared((db, input: { readonly id: Umid; readonly version: Version }) =>
  db.deleteFrom('revision').where('draft_id', '=', input.id).where('version', '=', input.version),
)
