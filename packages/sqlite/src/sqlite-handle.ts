import type { SqliteStatement } from 'kysely'

/** What the store needs of a driver of SQLite: better-sqlite3 or Node's own. */
export interface SqliteHandle {
  prepare(text: string): SqliteStatement
  /** Several statements, none of which answers. */
  exec(text: string): void
  /** Page by page, while the database is in use. False: a write was open as it was to begin, and nothing was copied. */
  backup(destination: string): Promise<boolean>
  close(): void
}

/** All at once: one by one each would be a statement of its own at every start. */
export function setPragmas(handle: SqliteHandle, texts: readonly string[]): void {
  handle.exec(texts.map((text) => `pragma ${text};`).join(''))
}

/** What the pragma answers; undefined for one that only sets. */
export function pragma(handle: SqliteHandle, text: string): unknown {
  const statement = handle.prepare(`pragma ${text}`)
  if (!statement.reader) {
    statement.run([])
    return undefined
  }
  const [row] = statement.all([]) as readonly Record<string, unknown>[]
  return row === undefined ? undefined : Object.values(row)[0]
}
