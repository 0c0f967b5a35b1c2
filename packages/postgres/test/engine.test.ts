import { PGlite } from '@electric-sql/pglite'
import { afterAll, beforeAll, describe } from 'vitest'

import { suiteStorage } from '../../sqlite/test/harness.ts'
import { exerciseBundles } from '../../sqlite/test/suites/bundles.ts'
import { exerciseEngine } from '../../sqlite/test/suites/engine.ts'
import { exerciseOwners } from '../../sqlite/test/suites/owners.ts'
import { exerciseRepeatedRequests } from '../../sqlite/test/suites/repeated.ts'
import { exerciseStore } from '../../sqlite/test/suites/store.ts'
import { exerciseWebhooks } from '../../sqlite/test/suites/webhooks.ts'
import { pglite, postgres } from '../src/index.ts'
import { PostgresFailure } from '../src/postgres-errors.ts'
import { postgresPrograms, type PostgresServer, startPostgres } from './postgres-server.ts'

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
    { accounts: 30, lives: 2 },
  )
  exerciseStore(storage)
  exerciseEngine(storage)
  exerciseBundles(storage)
})

const programs = postgresPrograms()

// skipped: where PostgreSQL is not installed; CI installs it
describe.skipIf(programs === null)('on a PostgreSQL server,', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres(programs ?? '')
  })
  afterAll(() => server.stop())
  // What a daemon keeps for programs. Of the rest the statements are those of PGlite, and a server is slower to be asked.
  const storage = suiteStorage(
    (file) => postgres(server.url, { schema: file.slice(-63) }),
    () => new PostgresFailure('53100', 'injected'),
  )
  exerciseOwners(storage)
  exerciseWebhooks(storage)
  exerciseRepeatedRequests(storage)
})
