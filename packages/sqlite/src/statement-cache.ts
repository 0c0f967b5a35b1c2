import type { SqliteDatabase, SqliteStatement } from 'kysely'

import type { SqliteHandle } from './sqlite-handle.ts'

/** Statements of the engine are some hundred; lists with `in (…)` of many lengths make more. */
const maxStatements = 500

/** Kysely's driver prepares at every query: remembering the statements takes away most of its cost. */
export function withStatementCache(handle: SqliteHandle): SqliteDatabase {
  const statements = new Map<string, SqliteStatement>()
  return {
    prepare(text) {
      const known = statements.get(text)
      if (known !== undefined) return known
      if (statements.size >= maxStatements) statements.clear()
      const statement = handle.prepare(text)
      statements.set(text, statement)
      return statement
    },
    close() {
      statements.clear()
      handle.close()
    },
  }
}
