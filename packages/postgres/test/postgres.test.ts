import type { EverdraftError } from '@everdraft/core'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { renewEpoch, wasRestored } from '../../core/src/storage/epoch.ts'
import { openStore, type Store } from '../../core/src/storage/store.ts'
import { postgres } from '../src/index.ts'
import { postgresPrograms, startPostgres, type PostgresServer } from './postgres-server.ts'

const stillTime = { now: () => 0, schedule: () => () => {} }
const programs = postgresPrograms()
let schemas = 0

async function openTest(url: string): Promise<{ readonly store: Store; readonly schema: string }> {
  schemas += 1
  const schema = `test_${schemas}`
  const { store } = await openStore(postgres(url, { schema }), stillTime)
  return { store, schema }
}

const put = (store: Store, value: string) =>
  store.write(({ db }) => db.insertInto('meta').values({ key: value, value }).execute())
const values = (store: Store) =>
  store.read(async (db) => {
    const rows = await db
      .selectFrom('meta')
      .select('value')
      .where('key', '<>', 'schema_version')
      .orderBy('key')
      .execute()
    return rows.map(({ value }) => value)
  })
const failure = (promise: Promise<unknown>): Promise<EverdraftError> =>
  promise.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => error as EverdraftError,
  )

test('a server that is not there is a STORAGE_ERROR, with its name and without the password', async () => {
  const error = await failure(postgres('postgres://ann:sesame@localhost:1/mail').open())
  expect(error).toMatchObject({ code: 'STORAGE_ERROR' })
  expect(error.message).toContain('localhost:1/mail')
  expect(error.message).toContain('cannot be reached')
  expect(error.message).not.toContain('sesame')
})

// skipped: where PostgreSQL is not installed; CI installs it
describe.skipIf(programs === null)('a server', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres(programs ?? '')
  })
  afterAll(() => server.stop())

  test('gives a schema to one owner at a time, others to others', async () => {
    const { store, schema } = await openTest(server.url)
    expect(await failure(postgres(server.url, { schema }).open())).toMatchObject({ code: 'STORAGE_IN_USE' })
    const other = await openTest(server.url)
    await put(store, 'mine')
    expect(await values(other.store)).toEqual([])
    await other.store.close()
    await store.close()
    const again = await openStore(postgres(server.url, { schema }), stillTime)
    expect(await values(again.store)).toEqual(['mine'])
    await again.store.close()
  })

  test('knows by what stands beside it that it was put back', async () => {
    schemas += 1
    const schema = `test_${schemas}`
    let beside: string | null = null
    const epochFile = {
      read: async () => beside,
      write: async (text: string) => void (beside = text),
    }
    const open = () => openStore(postgres(server.url, { schema, epochFile }), stillTime)
    const first = await open()
    expect(first.open.epochFile).toBe(epochFile)
    expect(await wasRestored(first.store, epochFile)).toBe(false)
    await renewEpoch(first.store, epochFile, 'one')
    await first.store.close()
    const again = await open()
    expect(await wasRestored(again.store, epochFile)).toBe(false)
    beside = 'a later one'
    expect(await wasRestored(again.store, epochFile)).toBe(true)
    await again.store.close()
  })

  test('that ends in the middle fails what is under way, and serves what comes when it is back', async () => {
    const { store } = await openTest(server.url)
    await put(store, 'before')
    const entered = Promise.withResolvers<void>()
    const restarted = Promise.withResolvers<void>()
    const cut = store.write(async ({ db }) => {
      await db.insertInto('meta').values({ key: 'cut', value: 'cut' }).execute()
      entered.resolve()
      await restarted.promise
      await db.insertInto('meta').values({ key: 'too', value: 'too' }).execute()
    })
    const outcome = failure(cut)
    await entered.promise
    await server.restart()
    restarted.resolve()
    expect(await outcome).toMatchObject({ code: 'STORAGE_ERROR' })
    await put(store, 'after')
    expect(await values(store)).toEqual(['after', 'before'])
    await store.close()
  })

  test('whose connection went while another took the schema says STORAGE_IN_USE', async () => {
    const { store, schema } = await openTest(server.url)
    const admin = new Client({ connectionString: server.url })
    await admin.connect()
    await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'everdraft'`)
    await admin.end()
    const other = await openStore(postgres(server.url, { schema }), stillTime)
    // The first call may still meet the end of the connection, each later one the other's lock.
    await failure(put(store, 'first'))
    expect(await failure(put(store, 'second'))).toMatchObject({ code: 'STORAGE_IN_USE' })
    await other.store.close()
    await put(store, 'third')
    expect(await values(store)).toEqual(['third'])
    await store.close()
  })

  test('that does not synchronise its files is refused: it loses what was acknowledged', async () => {
    const careless = await startPostgres(programs ?? '', ['fsync=off'])
    try {
      const error = await failure(postgres(careless.url).open())
      expect(error).toMatchObject({ code: 'STORAGE_ERROR' })
      expect(error.message).toContain('fsync')
    } finally {
      await careless.stop()
    }
  })
})
