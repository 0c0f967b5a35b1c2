import { PGlite } from '@electric-sql/pglite'
import { afterAll, beforeAll, describe } from 'vitest'

import { suiteStorage } from '../../sqlite/test/harness.ts'
import { exerciseEngine } from '../../sqlite/test/suites/engine.ts'
import { exerciseStore } from '../../sqlite/test/suites/store.ts'
import { pglite } from '../src/index.ts'
import { PostgresFailure } from '../src/postgres-errors.ts'

let database: PGlite
beforeAll(async () => {
  database = await PGlite.create()
})
afterAll(() => database.close())

describe('on PGlite,', () => {
  // Each device has a file of its own elsewhere; here its name is that of its schema.
  const storage = suiteStorage(
    (file) => pglite(database, { schema: file.slice(-63) }),
    () => new PostgresFailure('53100', 'injected'),
    { accounts: 60, lives: 4 },
  )
  exerciseStore(storage)
  exerciseEngine(storage)
})
