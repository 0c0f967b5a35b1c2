import type { SqliteDatabase, SqliteStatement } from 'kysely'

import type { SqliteHandle } from './sqlite-handle.ts'

/** Statements of the engine are some hundred; lists with `in (…)` of many lengths make more. */
const maxStatements = 500

interface CachingDatabase extends SqliteDatabase {
  /** The rows; of a statement that gives none, what it changed. */
  readonly answer: (text: string, parameters: readonly unknown[]) => readonly unknown[]
}

/** Kysely's driver prepares at every query: remembering the statements takes away most of its cost. */
export function withStatementCache(handle: SqliteHandle): CachingDatabase {
  const statements = new Map<string, SqliteStatement>()

  function prepare(text: string): SqliteStatement {
    const known = statements.get(text)
    if (known !== undefined) return known
    if (statements.size >= maxStatements) statements.clear()
    const statement = handle.prepare(text)
    statements.set(text, statement)
    return statement
  }

  return {
    prepare,
    answer(text, parameters) {
      const statement = prepare(text)
      if (statement.reader) return statement.all(parameters)
      return [statement.run(parameters)]
    },
    close() {
      statements.clear()
      handle.close()
    },
  }
}
