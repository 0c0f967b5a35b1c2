import type { Storage } from '@everdraft/core'

import { openBetterSqlite3 } from './better-sqlite3.ts'
import { type SqliteOptions, sqliteStorage } from './sqlite-storage.ts'

/** The engine's store in an SQLite file, by better-sqlite3; what it promises says `sqliteStorage`. */
export function sqlite(path: string, options: SqliteOptions = {}): Storage {
  return sqliteStorage(openBetterSqlite3, path, options)
}
