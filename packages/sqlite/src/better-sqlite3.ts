import Database from 'better-sqlite3'

import type { SqliteHandle } from './sqlite-handle.ts'

export function openBetterSqlite3(file: string): SqliteHandle {
  const database = new Database(file, { timeout: 0 })
  return {
    prepare: (text) => database.prepare(text),
    exec: (text) => void database.exec(text),
    backup: async (destination) => void (await database.backup(destination)),
    close: () => void database.close(),
  }
}
