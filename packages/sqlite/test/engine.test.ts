import { describe } from 'vitest'

import { nodeSqlite } from '../src/index.ts'
import { sqliteError, suiteStorage } from './harness.ts'
import { exerciseEngine } from './suites/engine.ts'
import { withTables } from './with-tables.ts'

describe('on better-sqlite3,', () => {
  exerciseEngine(suiteStorage(withTables, () => sqliteError('SQLITE_FULL')))
})

describe('on node:sqlite,', () => {
  exerciseEngine(
    suiteStorage(
      (file) => withTables(file, nodeSqlite(file)),
      () => sqliteError('SQLITE_FULL'),
      { accounts: 100, lives: 10 },
    ),
  )
})
