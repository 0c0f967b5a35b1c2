import type { DraftContent } from '../draft/draft.ts'
import type { Umid } from '../ids.ts'
import type { Db } from './db.ts'

/** As many as are saved in turns, all of them together in a few megabytes. */
const mostKept = 128
const longestKept = 16_384

interface Written {
  /** As it stands in the draft's row. */
  readonly json: string
  /** What JSON says of the same without the texts. Nobody else has it: whoever reads it gets objects of their own. */
  readonly rest: DraftContent
  readonly text: string
  readonly html: string | null
  /** What was read of it last, and nobody changes: what comes of that by another text has the same rest. */
  lastRead: DraftContent | null
}

/** By Kysely's adapter: that is one object for a database and all its transactions. */
const written = new WeakMap<object, Map<Umid, Written>>()

/** The content of a draft's new head as its row has it. The next save reads it again, and is not to parse a long text for that. */
export function writeHead(db: Db, id: Umid, content: DraftContent): string {
  const json = JSON.stringify(content)
  const { adapter } = db.getExecutor()
  let kept = written.get(adapter)
  if (kept === undefined) {
    kept = new Map()
    written.set(adapter, kept)
  }
  const before = kept.get(id)
  kept.delete(id)
  if (json.length > longestKept) return json
  const { text, html } = content
  const rest =
    before !== undefined && before.lastRead !== null && differsInTextsAlone(before.lastRead, content)
      ? before.rest
      : (JSON.parse(JSON.stringify({ ...content, text: '', html: null })) as DraftContent)
  kept.set(id, { json, rest, text, html, lastRead: null })
  if (kept.size > mostKept) dropOldest(kept)
  return json
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

function dropOldest(kept: Map<Umid, Written>): void {
  const oldest = kept.keys().next()
  if (oldest.done !== true) kept.delete(oldest.value)
}

/** What the row says, whoever has written it: what is kept counts only where the row has exactly that. */
export function readHead(db: Db, id: Umid, json: string): DraftContent {
  const kept = written.get(db.getExecutor().adapter)?.get(id)
  if (kept?.json !== json) return JSON.parse(json) as DraftContent
  const { text, html } = kept
  const content = { ...copyOf(kept.rest), text, html }
  kept.lastRead = content
  return content
}
