import { EverdraftError, type EngineEvent } from '@everdraft/core'
import * as fc from 'fast-check'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'

import type { EventCursor } from '../../../core/src/ids.ts'
import type { Db } from '../../../core/src/storage/db.ts'
import { eventsAfter } from '../../../core/src/storage/events.ts'
import { codeOf, type SuiteStorage, texts, withStatementHook } from '../harness.ts'

const insert = (db: Db, text: string) => sql`insert into note (text) values (${text})`.execute(db)
const event = (name: string): EngineEvent => ({ type: 'account-added', accountId: name as never })
const names = (events: readonly EngineEvent[]) => events.map((one) => String(one.accountId))

/** The store: one writer, many who want something of it. */
export function exerciseStore({ openNotes, diskFull, reopen }: SuiteStorage): void {
  /** A store whose COMMITs are counted, and refused while `refuse` names an error. */
  async function openCounted() {
    const counter = { commits: 0, refuse: false }
    const notes = await openNotes((storage) =>
      withStatementHook(storage, (statement, when) => {
        if (statement !== 'commit') return
        if (when === 'before' && counter.refuse) throw diskFull()
        if (when === 'after') counter.commits += 1
      }),
    )
    counter.commits = 0
    return { notes, counter }
  }

  describe('group commit', () => {
    test('two hundred calls that arrive together take two commits, as one takes 128 at most', async () => {
      const { notes, counter } = await openCounted()
      await using _ = notes
      const written = Array.from({ length: 200 }, (_each, index) =>
        notes.store.write(({ db }) => insert(db, `note ${index}`)),
      )
      await Promise.all(written)
      expect(counter.commits).toBe(2)
      expect(await notes.notes()).toEqual(Array.from({ length: 200 }, (_each, index) => `note ${index}`))
    })

    test('a call is answered only when its commit is done', async () => {
      const { notes, counter } = await openCounted()
      await using _ = notes
      const answers = await Promise.all(
        Array.from({ length: 10 }, async (_each, index) => {
          await notes.store.write(({ db }) => insert(db, `note ${index}`))
          return counter.commits
        }),
      )
      expect(new Set(answers)).toEqual(new Set([1]))
    })

    test('one that fails takes nothing of the others with it, whatever fails and in what order', async () => {
      await using notes = await openNotes()
      const kind = fc.constantFrom('ok', 'throws-before', 'throws-after', 'violates', 'throws-late')
      let round = 0
      await fc.assert(
        fc.asyncProperty(fc.array(kind, { minLength: 1, maxLength: 40 }), async (kinds) => {
          round += 1
          const before = (await notes.notes()).length
          const heard = notes.events.length
          const name = (index: number) => `${round}/${index}`
          const outcomes = await Promise.allSettled(
            kinds.map((what, index) =>
              notes.store.write(async ({ db, emit }) => {
                emit(event(name(index)))
                if (what === 'throws-before') throw new Error('before')
                await insert(db, name(index))
                if (what === 'violates') await insert(db, name(index))
                if (what === 'throws-after') throw new EverdraftError('NOT_FOUND', 'after')
                await insert(db, `${name(index)} too`)
                if (what === 'throws-late') throw new Error('late')
                return index
              }),
            ),
          )
          const kept = kinds.flatMap((what, index) => (what === 'ok' ? [index] : []))
          expect(outcomes.map((outcome) => outcome.status)).toEqual(
            kinds.map((what) => (what === 'ok' ? 'fulfilled' : 'rejected')),
          )
          expect((await notes.notes()).slice(before)).toEqual(
            kept.flatMap((index) => [name(index), `${name(index)} too`]),
          )
          expect(names(notes.events.slice(heard))).toEqual(kept.map(name))
        }),
        { numRuns: 60 },
      )
    })

    test('pays for savepoints only where a call fails: then all are run anew, each in its own', async () => {
      const statements: string[] = []
      await using notes = await openNotes((storage) =>
        withStatementHook(storage, (statement, when) => {
          if (when === 'before') statements.push(statement)
        }),
      )
      const savepoints = () => statements.filter((statement) => statement.startsWith('savepoint')).length
      await Promise.all(['a', 'b', 'c'].map((text) => notes.store.write(({ db }) => insert(db, text))))
      expect(savepoints()).toBe(0)
      const runs: string[] = []
      await Promise.allSettled(
        ['d', 'e', 'f'].map((text) =>
          notes.store.write(async ({ db }) => {
            runs.push(text)
            await insert(db, text)
            if (text === 'e') throw new Error('not this one')
          }),
        ),
      )
      expect(savepoints()).toBe(3)
      expect(runs).toEqual(['d', 'e', 'd', 'e', 'f'])
      expect(await notes.notes()).toEqual(['a', 'b', 'c', 'd', 'f'])
    })

    test('a change that breaks a rule of the tables is a STORAGE_ERROR', async () => {
      await using notes = await openNotes()
      await notes.store.write(({ db }) => insert(db, 'once'))
      expect(await codeOf(notes.store.write(({ db }) => insert(db, 'once')))).toBe('STORAGE_ERROR')
      expect(await notes.notes()).toEqual(['once'])
    })
  })

  describe('a COMMIT that fails', () => {
    test('rejects every call of its batch, stores nothing, tells no event, and the next call goes well', async () => {
      const { notes, counter } = await openCounted()
      await using _ = notes
      counter.refuse = true
      const outcomes = await Promise.allSettled(
        ['a', 'b', 'c'].map((text) =>
          notes.store.write(async ({ db, emit }) => {
            await insert(db, text)
            emit(event(text))
          }),
        ),
      )
      for (const outcome of outcomes) {
        expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'STORAGE_ERROR' } })
        expect(String((outcome as PromiseRejectedResult).reason)).toContain('the disk is full')
      }
      counter.refuse = false
      await notes.store.write(({ db }) => insert(db, 'd'))
      expect(await notes.notes()).toEqual(['d'])
      expect(notes.events).toEqual([])
    })
  })

  describe('reading', () => {
    test('a read that comes in the middle of a write sees nothing of it', async () => {
      await using notes = await openNotes()
      const reads: Promise<readonly string[]>[] = []
      await notes.store.write(async ({ db }) => {
        await insert(db, 'first')
        // Asked for here; it cannot be awaited here, as it waits for this write to end.
        reads.push(notes.store.read(texts))
        await insert(db, 'second')
      })
      expect(await Promise.all(reads)).toEqual([['first', 'second']])
      const failing = notes.store.write(async ({ db }) => {
        await insert(db, 'third')
        reads.push(notes.store.read(texts))
        await insert(db, 'fourth')
        throw new Error('no')
      })
      await expect(failing).rejects.toThrow('no')
      expect((await Promise.all(reads)).at(-1)).toEqual(['first', 'second'])
    })

    test('all that one read asks is answered from one state: no commit falls between', async () => {
      await using notes = await openNotes()
      await fc.assert(
        fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 30 }), async (order) => {
          let stamp = 0
          const torn: string[] = []
          await Promise.all(
            order.map(async (isWrite) => {
              if (isWrite) {
                stamp += 1
                const text = `${Math.random()} ${stamp}`
                await notes.store.write(({ db }) => insert(db, text))
                return
              }
              const [before, after] = await notes.store.read(async (db) => [
                (await texts(db)).length,
                (await texts(db)).length,
              ])
              if (before !== after) torn.push(`${before} then ${after}`)
            }),
          )
          expect(torn).toEqual([])
        }),
        { numRuns: 50 },
      )
    })

    test('a query that is wrong is the failure of that read alone', async () => {
      await using notes = await openNotes()
      expect(await codeOf(notes.store.read((db) => sql`select nothing from nowhere`.execute(db)))).toBe('STORAGE_ERROR')
      expect(await notes.notes()).toEqual([])
    })
  })

  describe('events', () => {
    test('are told in order, after their commit: who hears one can read what it is about', async () => {
      const { notes, counter } = await openCounted()
      await using _ = notes
      const heard: { readonly name: string; readonly commits: number; readonly found: Promise<boolean> }[] = []
      notes.store.onEvents((events) => {
        for (const name of names(events)) {
          const found = notes.store.read(async (db) => (await texts(db)).includes(name))
          heard.push({ name, commits: counter.commits, found })
        }
      })
      await Promise.all(
        ['a', 'b', 'c'].map((text) =>
          notes.store.write(async ({ db, emit }) => {
            emit(event(text))
            await insert(db, text)
          }),
        ),
      )
      expect(heard.map(({ name }) => name)).toEqual(['a', 'b', 'c'])
      expect(heard.map(({ commits }) => commits)).toEqual([1, 1, 1])
      expect(await Promise.all(heard.map(({ found }) => found))).toEqual([true, true, true])
    })

    test.each(['all', 'all but one'])(
      'however many share a commit, and %s stay: each is told as the log has it',
      async (who) => {
        await using notes = await openNotes()
        const told: unknown[] = []
        notes.store.onEvents((events) => void told.push(...events))
        const emitted = Array.from({ length: 50 }, (_each, job) =>
          Array.from({ length: job % 4 }, (__, at) => `${job}.${at}`),
        )
        const writes = emitted.map((own, job) =>
          notes.store.write(async ({ emit }) => {
            for (const name of own) emit(event(name))
            if (who !== 'all' && job === 23) throw new TypeError('no')
          }),
        )
        await Promise.allSettled(writes)
        const stayed = emitted.filter((_own, job) => who === 'all' || job !== 23)
        const log = await notes.store.read((db) => eventsAfter(db, 0 as EventCursor, null, 1_000))
        expect(names(log)).toEqual(stayed.flat())
        expect(told).toEqual(log)
      },
    )

    test('a listener may write: that is a later commit, and no deadlock', async () => {
      await using notes = await openNotes()
      const answers: Promise<unknown>[] = []
      notes.store.onEvents((events) => {
        if (names(events).includes('a')) answers.push(notes.store.write(({ db }) => insert(db, 'from a listener')))
      })
      await notes.store.write(async ({ emit }) => emit(event('a')))
      await Promise.all(answers)
      expect(answers).toHaveLength(1)
      expect(await notes.notes()).toEqual(['from a listener'])
    })
  })

  describe('closing', () => {
    test('waits for what was accepted, and refuses what comes later with CLOSED', async () => {
      await using notes = await openNotes()
      const accepted = Array.from({ length: 300 }, (_each, index) =>
        notes.store.write(({ db }) => insert(db, `note ${index}`)),
      )
      const closing = notes.store.close()
      expect(await codeOf(notes.store.write(({ db }) => insert(db, 'late')))).toBe('CLOSED')
      expect(await codeOf(notes.store.read(texts))).toBe('CLOSED')
      const outcomes = await Promise.allSettled(accepted)
      expect(outcomes.every((outcome) => outcome.status === 'fulfilled')).toBe(true)
      await closing
      const again = await reopen(notes.file)
      expect((await again.read(texts)).length).toBe(300)
      await again.close()
    })

    test('a read that closing overtakes is answered, or fails with CLOSED', async () => {
      await using notes = await openNotes()
      const reads = Array.from({ length: 20 }, () =>
        notes.store.read(async (db) => {
          await texts(db)
          return (await texts(db)).length
        }),
      )
      const codes = Promise.all(reads.map(codeOf))
      await notes.store.close()
      expect((await codes).filter((code) => code !== 'no error' && code !== 'CLOSED')).toEqual([])
    })
  })
}
