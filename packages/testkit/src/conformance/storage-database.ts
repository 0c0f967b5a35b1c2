import type { Changed, Family } from '@everdraft/core'
import { CompiledQuery, type Kysely, sql } from 'kysely'
import { expect, test } from 'vitest'

import { onlyIf } from './mailbox-fixture.ts'
import { codeOf, oddTexts, type StorageExpectations, type StorageFixture, type Tables } from './storage-fixture.ts'

const columns = {
  sqlite: 'create table thing (id integer primary key, number integer, words text unique, bytes blob) strict',
  postgres: 'create table thing (id bigint primary key, number bigint, words text collate "C" unique, bytes bytea)',
} satisfies Record<Family, string>

const begin = { sqlite: 'begin immediate', postgres: 'begin' } satisfies Record<Family, string>

const run = (db: Kysely<Tables>, text: string): Promise<unknown> => db.executeQuery(CompiledQuery.raw(text))

const idsOf = async (db: Kysely<Tables>) =>
  (await db.selectFrom('thing').select('id').orderBy('id').execute()).map(({ id }) => id)

const numberOf = (rows: readonly unknown[] | undefined): number =>
  Number((rows as readonly Changed[])[0]?.lastInsertRowid)

const fails = (promise: Promise<unknown>): Promise<boolean> =>
  promise.then(
    () => false,
    () => true,
  )

/** What `Storage` and `OpenStorage` say in their doc comments. */
export function exerciseDatabase(fixture: () => StorageFixture, expected: StorageExpectations): void {
  async function openThings() {
    const { db, open } = await fixture().database()
    await run(db, columns[open.family])
    return { db, open }
  }
  test('one opens it at a time: a second open is STORAGE_IN_USE, and the first goes on', async () => {
    const { db } = await openThings()
    expect(await codeOf(fixture().place.storage().open())).toBe('STORAGE_IN_USE')
    await db.insertInto('thing').values({ id: 1 }).execute()
    expect(await idsOf(db)).toEqual([1])
  })

  test('closed, it can be opened again, and what was committed is there', async () => {
    const first = await openThings()
    await first.db.insertInto('thing').values({ id: 1, words: 'kept' }).execute()
    await first.db.destroy()
    const { db } = await fixture().database()
    expect(await db.selectFrom('thing').select('words').execute()).toEqual([{ words: 'kept' }])
  })

  test('whole numbers come back as numbers, up to 2^53 - 1', async () => {
    const { db } = await openThings()
    const numbers = [0, 1, -1, 2 ** 31, 2 ** 32 + 1, Date.now(), Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, null]
    for (const [id, number] of numbers.entries()) await db.insertInto('thing').values({ id, number }).execute()
    const rows = await db.selectFrom('thing').select('number').orderBy('id').execute()
    expect(rows.map(({ number }) => number)).toEqual(numbers)
    const found = await db
      .selectFrom('thing')
      .select(({ fn }) => [fn.max('number').as('largest'), fn.countAll().as('rows')])
      .where('number', '>=', 2 ** 31)
      .executeTakeFirstOrThrow()
    expect(found).toEqual({ largest: Number.MAX_SAFE_INTEGER, rows: 4 })
  })

  test('any text comes back as it was, and is ordered by its bytes', async () => {
    const { db } = await openThings()
    const mark = expected.leadingByteOrderMark ? ['\uFEFFmark'] : []
    const texts = [...oddTexts, ...mark, 'Z', 'a', 'A', 'ä', '_', 'z', '\uFB00', '\u{1F600}']
    for (const [id, words] of texts.entries()) await db.insertInto('thing').values({ id, words }).execute()
    const rows = await db.selectFrom('thing').select('words').orderBy('words').execute()
    const sorted = texts.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    expect(rows.map(({ words }) => words)).toEqual(sorted)
    for (const words of texts) {
      expect(await db.selectFrom('thing').select('words').where('words', '=', words).execute()).toEqual([{ words }])
    }
  })

  test('all bytes come back as a Uint8Array of the same bytes', async () => {
    const { db } = await openThings()
    const every = Uint8Array.from({ length: 256 }, (_each, index) => index)
    const large = new Uint8Array(1024 * 1024).map((_each, index) => index % 251)
    for (const [id, bytes] of [every, new Uint8Array(), large].entries()) {
      await db.insertInto('thing').values({ id, bytes }).execute()
      const row = await db.selectFrom('thing').select('bytes').where('id', '=', id).executeTakeFirstOrThrow()
      expect(row['bytes']).toBeInstanceOf(Uint8Array)
      expect(Buffer.compare(row['bytes'] as Uint8Array, bytes)).toBe(0)
    }
  })

  test('a change says how many rows it was about, and gives back those that it made', async () => {
    const { db } = await openThings()
    const made = await db
      .insertInto('thing')
      .values([{ id: 1 }, { id: 2 }, { id: 3 }])
      .returning('id')
      .execute()
    expect(new Set(made.map(({ id }) => id))).toEqual(new Set([1, 2, 3]))
    const { numUpdatedRows } = await db
      .updateTable('thing')
      .set({ number: 1 })
      .where('id', '>', 1)
      .executeTakeFirstOrThrow()
    expect(Number(numUpdatedRows)).toBe(2)
    const { numDeletedRows } = await db.deleteFrom('thing').where('id', '=', 9).executeTakeFirstOrThrow()
    expect(Number(numDeletedRows)).toBe(0)
    const row = { id: 1, number: 7 }
    await db
      .insertInto('thing')
      .values(row)
      .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
      .execute()
    await db
      .insertInto('thing')
      .values(row)
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    expect(await db.selectFrom('thing').select('number').where('id', '=', 1).execute()).toEqual([{ number: 7 }])
  })

  onlyIf(expected.answersAtOnce)(
    'what is answered at once are rows, or what was changed and which row was added last',
    async () => {
      const { db, open } = await openThings()
      const answer = (text: string, parameters: readonly unknown[] = []) => open.answer?.(text, parameters)
      await db.connection().execute(async () => {
        expect(numberOf(answer('insert into thing (number) values (?)', [7]))).toBe(1)
        expect(numberOf(answer('insert into thing (id, number) values (?, ?)', [40, 7]))).toBe(40)
        expect(numberOf(answer('insert into thing (number) values (?)', [8]))).toBe(41)
        expect(answer('select id from thing where number = ?', [7])).toEqual([{ id: 1 }, { id: 40 }])
        expect(answer('select id from thing where number = ?', [9])).toEqual([])
        expect(answer('update thing set number = ? where number = ?', [9, 7])).toMatchObject([{ changes: 2 }])
        expect(answer('delete from thing where number = ?', [7])).toMatchObject([{ changes: 0 }])
      })
    },
  )

  test('a transaction that is rolled back leaves nothing, one that is committed all of it', async () => {
    const { db, open } = await openThings()
    for (const end of ['rollback', 'commit']) {
      await db.connection().execute(async (connection) => {
        await run(connection, begin[open.family])
        await connection
          .insertInto('thing')
          .values([{ id: 1 }, { id: 2 }])
          .execute()
        await run(connection, end)
      })
      expect(await idsOf(db)).toEqual(end === 'commit' ? [1, 2] : [])
    }
  })

  test('what fails in a savepoint takes nothing else with it', async () => {
    const { db, open } = await openThings()
    let refused = false
    await db.connection().execute(async (connection) => {
      await run(connection, begin[open.family])
      for (const id of [1, 2, 3]) {
        await run(connection, 'savepoint job')
        await connection
          .insertInto('thing')
          .values({ id, words: `words ${id}` })
          .execute()
        if (id === 2) {
          const again = connection.insertInto('thing').values({ id: 20, words: 'words 1' }).execute()
          refused = await fails(again)
          await run(connection, 'rollback to job')
        }
        await run(connection, 'release job')
      }
      await run(connection, 'commit')
    })
    expect(refused).toBe(true)
    expect(await idsOf(db)).toEqual([1, 3])
  })

  test('a COMMIT after a statement that failed stores all of the others, or fails', async () => {
    const { db, open } = await openThings()
    const committed = await db.connection().execute(async (connection) => {
      await run(connection, begin[open.family])
      await connection.insertInto('thing').values({ id: 1 }).execute()
      expect(await fails(connection.insertInto('thing').values({ id: 1 }).execute())).toBe(true)
      return !(await fails(run(connection, 'commit')))
    })
    expect(await idsOf(db)).toEqual(committed ? [1] : [])
    // Either way the connection is fit for the next.
    await db.insertInto('thing').values({ id: 2 }).execute()
    expect(await idsOf(db)).toContain(2)
  })

  test('one uses the connection at a time: what comes meanwhile waits, in order', async () => {
    const { db, open } = await openThings()
    const order: string[] = []
    const first = db.connection().execute(async (connection) => {
      await run(connection, begin[open.family])
      await connection.insertInto('thing').values({ id: 1 }).execute()
      order.push('written')
      await run(connection, 'commit')
    })
    const second = idsOf(db).then((ids) => order.push(`read ${ids.length}`))
    const third = db
      .connection()
      .execute(async () => Promise.reject(new Error('mine')))
      .catch(() => order.push('failed'))
    const fourth = idsOf(db).then((ids) => order.push(`read ${ids.length}`))
    await Promise.all([first, second, third, fourth])
    expect(order).toEqual(['written', 'read 1', 'failed', 'read 1'])
  })

  test('an error of the database is described without the values that it is about, any other is not', async () => {
    const { db, open } = await openThings()
    await db.insertInto('thing').values({ id: 1, words: 'a private word' }).execute()
    const failures: readonly Promise<unknown>[] = [
      db.insertInto('thing').values({ id: 2, words: 'a private word' }).execute(),
      sql`select nothing from nowhere`.execute(db),
    ]
    for (const failure of failures) {
      const error: unknown = await failure.then(
        () => null,
        (reason: unknown) => reason,
      )
      const description = open.describeError(error)
      expect(description).not.toBeNull()
      expect(description).not.toContain('private')
    }
    expect(open.describeError(new Error('a bug'))).toBeNull()
    expect(open.describeError(new TypeError('undefined is not a function'))).toBeNull()
    expect(open.describeError('text')).toBeNull()
  })

  onlyIf(expected.checkIntegrity)('it finds nothing wrong with itself', async () => {
    const { open } = await openThings()
    expect(await open.checkIntegrity?.()).toEqual([])
  })
}
