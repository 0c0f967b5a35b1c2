import Database from 'better-sqlite3'

import type { SqliteHandle } from './sqlite-handle.ts'

export function openBetterSqlite3(file: string): SqliteHandle {
  const database = new Database(file, { timeout: 0 })
  return {
    prepare: (text) => database.prepare(text),
    exec: (text) => void database.exec(text),
    async backup(destination) {
      // Where the first look met an open write, better-sqlite3 takes that for the end, and says that it was well.
      const { totalPages } = await database.backup(destination)
      return totalPages > 0
    },
    close: () => void database.close(),
  }
}
