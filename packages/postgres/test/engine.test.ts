import { PGlite } from '@electric-sql/pglite'
import type { Storage } from '@everdraft/core'
import { afterAll, beforeAll, describe, onTestFinished } from 'vitest'

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
import { type SchemasInTurns, schemasInTurns } from './schemas-in-turns.ts'

let database: PGlite
let schemas: SchemasInTurns
beforeAll(async () => {
  database = await PGlite.create()
  schemas = schemasInTurns(database)
})
afterAll(() => database.close())

/** Each device has a file of its own elsewhere; here it has a schema, until the test is over. */
const schemaOf = new Map<string, Promise<string>>()

function inSchemaOf(file: string): Storage {
  return {
    async open() {
      const known = schemaOf.get(file)
      const schema = known ?? schemas.take()
      if (known === undefined) {
        schemaOf.set(file, schema)
        onTestFinished(async () => {
          schemaOf.delete(file)
          schemas.giveBack(await schema)
        })
      }
      return await pglite(database, { schema: await schema }).open()
    },
  }
}

describe('on PGlite,', () => {
  const storage = suiteStorage(inSchemaOf, () => new PostgresFailure('53100', 'injected'), { accounts: 30, lives: 2 })
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
