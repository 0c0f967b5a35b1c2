import { PGlite } from '@electric-sql/pglite'
import { exerciseStorage, type StorageSubject } from '@everdraft/testkit'
import { afterAll, beforeAll, describe } from 'vitest'

import { pglite, postgres } from '../src/index.ts'
import { postgresPrograms, startPostgres, type PostgresServer } from './postgres-server.ts'
import { type SchemasInTurns, schemasInTurns } from './schemas-in-turns.ts'

const without = { backup: false, checkIntegrity: false, answersAtOnce: false, leadingByteOrderMark: true }
let schemas = 0

/** A schema for each test, as starting a database takes seconds. */
const inSchemas = (open: (schema: string) => ReturnType<typeof pglite>): StorageSubject => ({
  async create() {
    schemas += 1
    const schema = `test ${schemas}`
    return { storage: () => open(schema), remove: async () => {} }
  },
})

describe('PGlite', () => {
  let database: PGlite
  let inTurns: SchemasInTurns
  beforeAll(async () => {
    database = await PGlite.create()
    inTurns = schemasInTurns(database)
  })
  afterAll(() => database.close())
  const subject: StorageSubject = {
    async create() {
      const schema = await inTurns.take()
      return { storage: () => pglite(database, { schema }), remove: async () => inTurns.giveBack(schema) }
    },
  }
  exerciseStorage(() => subject, { ...without, leadingByteOrderMark: false })
})

const programs = postgresPrograms()

// skipped: where PostgreSQL is not installed; CI installs it
describe.skipIf(programs === null)('PostgreSQL', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres(programs ?? '')
  })
  afterAll(() => server.stop())
  exerciseStorage(() => inSchemas((schema) => postgres(server.url, { schema })), without)
})
