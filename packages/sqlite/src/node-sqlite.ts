import type { Storage } from '@everdraft/core'
import type { SqliteStatement } from 'kysely'

import type { SqliteHandle } from './sqlite-handle.ts'
import { type SqliteOptions, sqliteStorage } from './sqlite-storage.ts'

/** As `sqlite`, on the SQLite that is part of Node: nothing to install. One opens the other's files. */
export function nodeSqlite(path: string, options: SqliteOptions = {}): Storage {
  return sqliteStorage(openNodeSqlite, path, options)
}

async function openNodeSqlite(file: string): Promise<SqliteHandle> {
  // Here and not above: some versions of Node warn of it as soon as it is loaded.
  const { backup, DatabaseSync } = await import('node:sqlite')
  const database = new DatabaseSync(file, { timeout: 0 })
  return {
    prepare(text): SqliteStatement {
      const statement = database.prepare(text)
      type Values = Parameters<typeof statement.all>
      const spread = (parameters: readonly unknown[]): Values => parameters as Values
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...spread(parameters)),
        run: (parameters) => statement.run(...spread(parameters)),
        iterate: (parameters) => statement.iterate(...spread(parameters)),
      }
    },
    exec: (text) => database.exec(text),
    backup: (destination) => hasBegun(() => backup(database, destination)),
    close: () => database.close(),
  }
}

/** SQLite's number for “no error”: the first look met an open write, which Node takes for the end. */
async function hasBegun(backUp: () => Promise<unknown>): Promise<boolean> {
  try {
    await backUp()
    return true
  } catch (error) {
    if (error instanceof Error && 'errcode' in error && error.errcode === 0) return false
    throw error
  }
}
