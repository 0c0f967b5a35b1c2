import { type Kysely, sql } from 'kysely'

import type { Schema } from './schema.ts'

/**
 * A step of the migrations. Until schema version 31 a line of `draft.recent` told the way there alone:
 * `[version, savedAt, device, by, fieldsChanged, { set, splice: { text: [start, removed, inserted] } }]`. One that cannot be read
 * stays as it is: the doctor names it.
 */
export async function tellBothWays(db: Kysely<Schema>): Promise<void> {
  interface Row {
    readonly id: string
    readonly recent: string
    readonly content: string
  }
  for (let after = ''; ;) {
    const { rows } = await sql<Row>`
      select draft.id, draft.recent, draft_content.content
      from draft join draft_content on draft_content.draft_id = draft.id
      where draft.recent <> '' and draft.id > ${after} order by draft.id limit 100`.execute(db)
    for (const { id, recent, content } of rows) {
      after = id
      const lines = linesOf(recent, content)
      if (lines !== null) await sql`update draft set recent = ${lines} where id = ${id}`.execute(db)
    }
    if (rows.length === 0) return
  }
}

type Fields = Readonly<Record<string, unknown>>

interface Delta {
  readonly set: Fields
  readonly splice: Readonly<Record<string, readonly [start: number, removed: number, inserted: string]>>
}

/** Null: they cannot be read. */
function linesOf(recent: string, content: string): string | null {
  try {
    let before = JSON.parse(content) as Fields
    let lines = ''
    for (const line of recent.split('\n').slice(0, -1)) {
      const [version, savedAt, device, by, fieldsChanged, { set, splice }] = JSON.parse(line) as readonly [
        ...facts: readonly [unknown, unknown, unknown, unknown],
        fieldsChanged: readonly string[],
        delta: Delta,
      ]
      const after: Record<string, unknown> = { ...before, ...set }
      const change: Record<string, unknown> = {}
      for (const field of fieldsChanged) {
        const told = splice[field]
        if (told === undefined) {
          change[field] = { from: before[field] ?? null, to: set[field] ?? null }
          continue
        }
        const [start, removed, inserted] = told
        const text = before[field] as string
        change[field] = [start, text.slice(start, start + removed), inserted]
        after[field] = text.slice(0, start) + inserted + text.slice(start + removed)
      }
      lines += `${JSON.stringify([version, savedAt, device, by, change])}\n`
      before = after
    }
    return lines
  } catch {
    return null
  }
}
