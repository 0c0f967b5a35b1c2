import type { Compilable, ExpressionBuilder, ExpressionWrapper, SqlBool } from 'kysely'

import type { ContentField, DraftContent } from '../draft/draft.ts'
import type { Umid, Version } from '../ids.ts'
import type { Db } from './db.ts'
import { type Answered, changedOne, directAnswer } from './direct.ts'
import { isStillSo, type Mark, markOf } from './known-rows.ts'
import { preparedChange } from './prepared.ts'
import type { SaveFacts } from './save-lines.ts'
import { type DraftFacts, draftFacts, type Schema } from './schema.ts'

/** As many as are saved in turns. */
const mostKept = 128
/** Of all of them together, in UTF-16 code units. */
const mostUnits = 4 * 1024 * 1024
const longestKept = mostUnits / 16

/** A draft's row as the last save of it left it. */
export interface HeadRow {
  readonly version: Version
  readonly updatedAt: number
}

interface Written extends HeadRow {
  readonly units: number
  /** What JSON says of the content without the texts. Nobody else has it: whoever reads it gets objects of their own. */
  readonly rest: DraftContent
  /** Those of its fields that are objects. */
  readonly objects: readonly ContentField[]
  readonly restUnits: number
  readonly text: string
  readonly html: string | null
  /** What was read of it last, and nobody changes: what comes of that by another text has the same rest. */
  lastRead: DraftContent | null
  /** All of the row, as it was read, and changed since by saves alone; null: it was not read. */
  facts: DraftFacts | null
  /** Of the facts, and of the line. */
  mark: Mark
  /** What the last line of `draft.recent` tells; null: there is none, or it is not known. */
  line: SaveFacts | null
}

interface Kept {
  readonly heads: Map<Umid, Written>
  units: number
}

/** By Kysely's adapter: that is one object for a database and all its transactions. */
const kept = new WeakMap<object, Kept>()

/**
 * A draft's new head, as it is being stored. The next save neither reads nor parses a long text again. Only where nobody
 * else can write: a database within the process, which is locked for it.
 */
export function rememberHead(db: Db, id: Umid, row: HeadRow, content: DraftContent): void {
  if (directAnswer(db) === null) return
  const { adapter } = db.getExecutor()
  const known = kept.get(adapter) ?? { heads: new Map<Umid, Written>(), units: 0 }
  kept.set(adapter, known)
  const before = known.heads.get(id) ?? null
  drop(known, id)
  const { version, updatedAt } = row
  const { text, html } = content
  const { rest, objects, restUnits } =
    before !== null && before.lastRead !== null && differsInTextsAlone(before.lastRead, content)
      ? before
      : restOf(content)
  const units = restUnits + text.length + (html?.length ?? 0)
  if (units > longestKept) return
  const facts = before === null || before.facts === null ? null : { ...before.facts, version, updated_at: updatedAt }
  known.heads.set(id, {
    version,
    updatedAt,
    units,
    rest,
    objects,
    restUnits,
    text,
    html,
    lastRead: null,
    facts,
    mark: null,
    line: null,
  })
  known.units += units
  while (known.heads.size > mostKept || known.units > mostUnits) {
    const oldest = known.heads.keys().next()
    if (oldest.done === true) break
    drop(known, oldest.value)
  }
}

function headOf(db: Db, id: Umid): Written | undefined {
  return kept.get(db.getExecutor().adapter)?.heads.get(id)
}

/** What was read of a draft's row, for a save that compares it with the row rather than reading it. */
export function rememberFacts(db: Db, id: Umid, facts: DraftFacts): void {
  const head = headOf(db, id)
  if (head?.version !== facts.version || head.updatedAt !== facts.updated_at) return
  // They tell nothing of the lines: something else may have taken those into the history.
  if (!isStillSo(db, head.mark)) head.line = null
  head.facts = facts
  head.mark = markOf(db)
}

/** The row is as the facts say. `line`: see `lineBefore`. */
export function confirmFacts(db: Db, id: Umid, line: SaveFacts | null): void {
  const head = headOf(db, id)
  if (head === undefined) return
  head.mark = markOf(db)
  head.line = line
}

/** Null: something that may have changed its row was written since it was known. */
function sureHead(db: Db, id: Umid): Written | null {
  const head = headOf(db, id)
  return head !== undefined && isStillSo(db, head.mark) ? head : null
}

/** What the last line of `draft.recent` tells; null: there is none, or something else may have been written since. */
export function lineBefore(db: Db, id: Umid): SaveFacts | null {
  return sureHead(db, id)?.line ?? null
}

/** Null: the row is to be read. */
export function readFacts(db: Db, id: Umid): DraftFacts | null {
  return headOf(db, id)?.facts ?? null
}

type IsRow = (draft: ExpressionBuilder<Schema, 'draft'>) => ExpressionWrapper<Schema, 'draft', SqlBool>

/** Of the draft's row. What may be null, too: SQLite says so of any value. */
function isAsKnown(facts: DraftFacts): IsRow {
  return (draft) => draft.and(draftFacts.map((fact) => draft(fact, 'is', facts[fact] as null)))
}

/** As `isAsKnown`, where the facts are sure. */
function isAtVersion({ id, version }: DraftFacts): IsRow {
  return (draft) => draft.and([draft('id', '=', id), draft('version', '=', version)])
}

/**
 * A statement that changes something only where the draft's row is as the facts say: where they are sure, its version says so.
 * False: it is not, and nothing was changed.
 */
export function changeAsKnown<Input extends object>(
  build: (db: Db, input: Input & DraftFacts, isRow: IsRow) => Compilable,
): (db: Db, facts: DraftFacts, input: Input) => Answered<boolean> {
  const ofSure = preparedChange((db, input: Input & DraftFacts) => build(db, input, isAtVersion(input)))
  const compared = preparedChange((db, input: Input & DraftFacts) => build(db, input, isAsKnown(input)))
  return (db, facts, input) => {
    const change = sureHead(db, facts.id as Umid) === null ? compared : ofSure
    return changedOne(change(db, { ...facts, ...input }))
  }
}

/** The row says something else. */
export function forgetFacts(db: Db, id: Umid): void {
  const head = headOf(db, id)
  if (head !== undefined) head.facts = null
}

function restOf(content: DraftContent): Pick<Written, 'rest' | 'objects' | 'restUnits'> {
  const json = JSON.stringify({ ...content, text: '', html: null })
  const rest = JSON.parse(json) as DraftContent
  const fields = Object.keys(rest) as ContentField[]
  return {
    rest,
    objects: fields.filter((field) => typeof rest[field] === 'object' && rest[field] !== null),
    restUnits: json.length,
  }
}

/** Field by field the same object: what differs in any other way may be the same all the same. */
function differsInTextsAlone(before: DraftContent, after: DraftContent): boolean {
  const fields = Object.keys(after) as (keyof DraftContent)[]
  const known = Object.keys(before)
  if (known.length !== fields.length) return false
  return fields.every(
    (field, place) =>
      known[place] === field && (field === 'text' || field === 'html' || after[field] === before[field]),
  )
}

/** Of what JSON can say. */
function copyOf<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(copyOf) as Value
  const copy = { ...value }
  for (const key of Object.keys(copy) as (keyof Value)[]) {
    if (typeof copy[key] === 'object') copy[key] = copyOf(copy[key])
  }
  return copy
}

function drop(known: Kept, id: Umid): void {
  known.units -= known.heads.get(id)?.units ?? 0
  known.heads.delete(id)
}

/** Whether it is worth asking for the row without its content. */
export function isHeadKept(db: Db, id: Umid): boolean {
  return headOf(db, id) !== undefined
}

/** Null: the row says something else than was written last, or nothing is known of it. */
export function readHead(db: Db, id: Umid, row: HeadRow): DraftContent | null {
  const head = headOf(db, id)
  if (head?.version !== row.version || head.updatedAt !== row.updatedAt) return null
  const { rest, text, html } = head
  const content = { ...rest, text, html }
  for (const field of head.objects) (content as Record<string, unknown>)[field] = copyOf(rest[field])
  head.lastRead = content
  return content
}

/** Its row says something else from now on, at the same version. */
export function forgetHead(db: Db, id: Umid): void {
  const known = kept.get(db.getExecutor().adapter)
  if (known !== undefined) drop(known, id)
}

/** What was written last may be rolled back. */
export function forgetHeads(db: Db): void {
  kept.delete(db.getExecutor().adapter)
}
