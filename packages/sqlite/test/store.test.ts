import type { EngineEvent } from '@everdraft/core'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'

import type { Db } from '../../core/src/storage/db.ts'
import { nodeSqlite, sqlite } from '../src/index.ts'
import { codeOf, openNotes as openNotesOn, sqliteError, suiteStorage } from './harness.ts'
import { exerciseStore } from './suites/store.ts'

const insert = (db: Db, text: string) => sql`insert into note (text) values (${text})`.execute(db)
const event = (name: string): EngineEvent => ({ type: 'account-added', accountId: name as never })

describe.each([
  ['better-sqlite3', sqlite],
  ['node:sqlite', nodeSqlite],
] as const)('on %s,', (_driver, storageAt) => {
  exerciseStore(suiteStorage(storageAt, () => sqliteError('SQLITE_FULL')))

  const openNotes = () => openNotesOn(undefined, storageAt)

  test('what need not be durable waits for the disk as soon as it shares a commit with what must be', async () => {
    await using notes = await openNotes()
    let asked = 0
    const ask = async (db: Db): Promise<unknown> => {
      const { rows } = await sql<{ synchronous: number }>`pragma synchronous`.execute(db)
      await insert(db, `note ${(asked += 1)}`)
      return rows[0]?.synchronous
    }
    const { store } = notes
    const [normal, full] = [1, 2]
    expect(await store.writeAhead(({ db }) => ask(db))).toBe(normal)
    expect(await store.write(({ db }) => ask(db))).toBe(full)
    const together = [store.writeAhead(({ db }) => ask(db)), store.write(({ db }) => ask(db))]
    expect(await Promise.all(together)).toEqual([full, full])
    expect(await store.writeAhead(({ db }) => ask(db))).toBe(normal)
    // Also after one that failed.
    const failed = store.writeAhead(async ({ db }) => {
      await ask(db)
      throw new TypeError('no')
    })
    await expect(failed).rejects.toThrow('no')
    expect(await store.write(({ db }) => ask(db))).toBe(full)
  })

  describe('a COMMIT that fails', () => {
    test('SQLite itself refuses it: a reference that dangles at the end', async () => {
      await using notes = await openNotes()
      const dangling = notes.store.write(async ({ db }) => {
        await sql`pragma defer_foreign_keys = on`.execute(db)
        await insert(db, 'dangling')
        await sql`insert into revision values ('nobody', 1, '{}', 0, 'd', 'user', '[]')`.execute(db)
      })
      expect(await codeOf(dangling)).toBe('STORAGE_ERROR')
      await notes.store.write(({ db }) => insert(db, 'next'))
      expect(await notes.notes()).toEqual(['next'])
    })

    test('a full disk is told as a full disk, also where SQLite has rolled back by itself', async () => {
      await using notes = await openNotes()
      await notes.store.write(({ db }) => insert(db, 'kept'))
      const limit = async (pages: number) =>
        await notes.store.read((db) => sql.raw(`pragma max_page_count = ${pages}`).execute(db))
      await limit(1)
      const big = 'x'.repeat(1_000_000)
      const failed = await Promise.allSettled([
        notes.store.write(({ db }) => insert(db, `1${big}`)),
        notes.store.write(({ db }) => insert(db, `2${big}`)),
        notes.store.write(async ({ db, emit }) => {
          emit(event('lost'))
          await insert(db, `3${big}`)
        }),
      ])
      for (const outcome of failed) {
        expect(outcome.status).toBe('rejected')
        expect(String((outcome as PromiseRejectedResult).reason)).toContain('the disk is full')
      }
      await limit(1_000_000)
      await notes.store.write(({ db }) => insert(db, 'after'))
      expect(await notes.notes()).toEqual(['kept', 'after'])
      expect(notes.events).toEqual([])
    })
  })
})
