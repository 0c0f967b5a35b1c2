import { describe } from 'vitest'

import { nodeSqlite, sqlite } from '../src/index.ts'
import { sqliteError, suiteStorage } from './harness.ts'
import { exerciseEngine } from './suites/engine.ts'

describe('on better-sqlite3,', () => {
  exerciseEngine(suiteStorage(sqlite, () => sqliteError('SQLITE_FULL')))
})

describe('on node:sqlite,', () => {
  exerciseEngine(suiteStorage(nodeSqlite, () => sqliteError('SQLITE_FULL'), { accounts: 100, lives: 10 }))
})
