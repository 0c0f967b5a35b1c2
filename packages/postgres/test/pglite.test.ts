import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { PGlite, types } from '@electric-sql/pglite'
import { type EverdraftError, inspectStore } from '@everdraft/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { openStore } from '../../core/src/storage/store.ts'
import { inAnotherProcess } from '../../sqlite/test/harness.ts'
import { pglite } from '../src/index.ts'

const stillTime = { now: () => 0, schedule: () => () => {} }
const failure = (promise: Promise<unknown>): Promise<EverdraftError> =>
  promise.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => error as EverdraftError,
  )

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'everdraft-pglite-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('a folder', () => {
  test('is locked while it is open, for this process and any other, and kept when it is closed', async () => {
    const place = join(folder, 'store')
    const { store } = await openStore(pglite(place), stillTime)
    await store.write(({ db }) => db.insertInto('meta').values({ key: 'epoch', value: 'kept' }).execute())
    expect(await failure(pglite(place).open())).toMatchObject({ code: 'STORAGE_IN_USE' })
    const opener = `
      import { pglite } from '${new URL('../src/index.ts', import.meta.url).href}'
      await pglite(process.argv[1]).open().then(() => console.log('opened'), (error) => console.log(error.code, error.message))
      process.exit(0)
    `
    const said = await inAnotherProcess(opener, place)
    expect(said).toContain('STORAGE_IN_USE')
    expect(said).toContain(place)
    await store.close()
    const again = await openStore(pglite(place), stillTime)
    const row = await again.store.read((db) =>
      db.selectFrom('meta').select('value').where('key', '=', 'epoch').execute(),
    )
    expect(row).toEqual([{ value: 'kept' }])
    await again.store.close()
    expect(await inspectStore(pglite(place))).toMatchObject({ findings: [] })
  })

  test('that cannot be made is a STORAGE_ERROR that names it', async () => {
    const error = await failure(pglite('/dev/null/store').open())
    expect(error.code).toBe('STORAGE_ERROR')
    expect(error.message).toContain('/dev/null/store')
  })
})

test('a PGlite of one’s own stays open, and is used by one store at a time, whatever else it makes of numbers', async () => {
  const database = await PGlite.create({ parsers: { [types.INT8]: (text: string) => `a large ${text}` } })
  const first = await openStore(pglite(database, { schema: 'one' }), stillTime)
  expect(await failure(pglite(database, { schema: 'two' }).open())).toMatchObject({ code: 'STORAGE_IN_USE' })
  await first.store.close()
  const second = await openStore(pglite(database, { schema: 'two' }), stillTime)
  const many = second.store.read((db) => db.selectFrom('meta').select(db.fn.countAll().as('many')).executeTakeFirst())
  expect(await many).toEqual({ many: expect.any(Number) })
  await second.store.close()
  const { rows } = await database.query<{ schemaname: string }>(
    `select schemaname from pg_tables where tablename = 'draft' order by 1`,
  )
  expect(rows.map(({ schemaname }) => schemaname)).toEqual(['one', 'two'])
  await database.close()
})
