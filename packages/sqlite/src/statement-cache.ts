import type Database from 'better-sqlite3'
import type { SqliteDatabase, SqliteStatement } from 'kysely'

/** Statements of the engine are some hundred; lists with `in (…)` of many lengths make more. */
const maxStatements = 500

/** Kysely's driver prepares at every query: remembering the statements takes away most of its cost. */
export function withStatementCache(database: Database.Database): SqliteDatabase {
  const statements = new Map<string, SqliteStatement>()
  return {
    prepare(text) {
      const known = statements.get(text)
      if (known !== undefined) return known
      if (statements.size >= maxStatements) statements.clear()
      const statement = database.prepare(text) as unknown as SqliteStatement
      statements.set(text, statement)
      return statement
    },
    close() {
      statements.clear()
      database.close()
    },
  }
}
