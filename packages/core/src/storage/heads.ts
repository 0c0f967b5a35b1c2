import type { DraftContent } from '../draft/draft.ts'
import type { Umid } from '../ids.ts'
import type { Db } from './db.ts'

/** As many as are saved in turns, all of them together in a few megabytes. */
const mostKept = 128
const longestKept = 16_384

interface Written {
  /** As it stands in the draft's row. */
  readonly json: string
  /** The same without the texts. JSON, too: whoever reads it has objects of their own. */
  readonly rest: string
  readonly text: string
  readonly html: string | null
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
  kept.delete(id)
  if (json.length > longestKept) return json
  const { text, html } = content
  kept.set(id, { json, rest: JSON.stringify({ ...content, text: '', html: null }), text, html })
  if (kept.size > mostKept) dropOldest(kept)
  return json
}

function dropOldest(kept: Map<Umid, Written>): void {
  const oldest = kept.keys().next()
  if (oldest.done !== true) kept.delete(oldest.value)
}

/** What the row says, whoever has written it: what is kept counts only where the row has exactly that. */
export function readHead(db: Db, id: Umid, json: string): DraftContent {
  const kept = written.get(db.getExecutor().adapter)?.get(id)
  if (kept?.json !== json) return JSON.parse(json) as DraftContent
  return { ...(JSON.parse(kept.rest) as DraftContent), text: kept.text, html: kept.html }
}
