import { type AccountId, EverdraftError, type TaskId } from '@everdraft/core'
import { sql } from 'kysely'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import type { Store } from '../../core/src/storage/store.ts'
import {
  type Claim,
  claimTask,
  dueLanes,
  finishTask,
  freeLane,
  isRunnable,
  recoverTasks,
} from '../../core/src/storage/lanes.ts'
import {
  type Enqueue,
  enqueueTask,
  listTasks,
  retryTask,
  type StoredTask,
  tasksOfKey,
  wakeTasks,
} from '../../core/src/storage/tasks.ts'
import {
  dropTaskLogBefore,
  firstStep,
  taskHistory,
  type TaskStep,
  withStep,
} from '../../core/src/storage/task-steps.ts'
import { sqlite } from '../src/index.ts'
import { codeOf, openNotes, openStoreAt, sqliteError, suiteStorage, temporaryFolder } from './harness.ts'

const account = 'account' as AccountId
const lane = 'account/mailbox'
const error = { code: 'NO', message: 'the server said no', at: 5 }
let ids = 0

function request(over: Partial<Enqueue> = {}): Enqueue {
  ids += 1
  const id = `task-${ids}` as TaskId
  return {
    newId: () => id,
    accountId: account,
    lane,
    kind: 'draft_upload',
    key: 'draft',
    priority: 10,
    now: 1_000,
    delayMs: 100,
    join: { longestWaitMs: 1_000 },
    urgent: false,
    ...over,
  }
}

const enqueue = (store: Store, over: Partial<Enqueue> = {}) =>
  store.write(async ({ db }) => await enqueueTask(db, request(over)))
/** As a save does it, of which several follow one another. */
const save = (store: Store, over: Partial<Enqueue> = {}) =>
  store.write(({ db }) => enqueueTask(db, request(over)), 'save')
const refusedSave = (store: Store, now: number) =>
  codeOf(
    store.write(async ({ db }) => {
      await enqueueTask(db, request({ now }))
      throw new EverdraftError('NOT_FOUND', 'the save was refused')
    }, 'save'),
  )
const claim = (store: Store, now = 1_000_000) => store.write(({ db }) => claimTask(db, lane, now))
const rows = (store: Store) => store.read(async (db) => (await listTasks(db, account, { limit: 500, offset: 0 })).items)
const finish = (store: Store, one: Claim, end: Parameters<typeof finishTask>[2]) =>
  store.write(async ({ db }) => {
    await finishTask(db, one, end, { at: 2_000, what: 'done', error: null })
    await freeLane(db, one)
  })
const backOff = {
  kind: 'keep',
  state: 'waiting',
  runAt: 9_000,
  attempts: 1,
  connectFailures: 0,
  lastError: error,
} as const
const park = { ...backOff, state: 'parked' } as const

async function runDue(store: Store, now: number, end: Parameters<typeof finishTask>[2]): Promise<void> {
  const one = await claim(store, now + 10_000)
  if (one !== null) await finish(store, one, end)
}

const standing = ({ state, runAt, superseded, attempts, lastError }: StoredTask): object => ({
  state,
  runAt,
  superseded,
  attempts,
  lastError,
})

describe('a request that finds one of its kind and key waiting', () => {
  test('joins it: one row, which counts how many it stands for', async () => {
    await using notes = await openNotes()
    for (let index = 0; index < 7; index += 1) await enqueue(notes.store)
    await enqueue(notes.store, { key: 'another draft' })
    expect(await rows(notes.store)).toMatchObject([{ key: 'draft', superseded: 6 }, { superseded: 0 }])
  })

  test('starts the wait anew, until the longest wait after the first request', async () => {
    await using notes = await openNotes()
    const runAt: number[] = []
    for (const now of [1_000, 1_050, 1_500, 1_950, 2_500]) {
      await enqueue(notes.store, { now })
      runAt.push((await rows(notes.store))[0]!.runAt)
    }
    expect(runAt).toEqual([1_100, 1_150, 1_600, 2_000, 2_500])
  })

  test('however it is asked for, it never waits beyond the longest wait, nor is moved into the past', async () => {
    await using notes = await openNotes()
    let key = 0
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 20 }), async (gaps) => {
        key += 1
        let now = 1_000
        for (const gap of gaps) {
          now += gap
          await enqueue(notes.store, { now, key: `draft ${key}` })
          const row = (await rows(notes.store)).at(-1)!
          expect(row.runAt).toBeGreaterThanOrEqual(now)
          expect(row.runAt).toBeLessThanOrEqual(Math.max(now, 1_000 + gaps[0]! + 1_000))
        }
        await notes.store.write(({ db }) => db.deleteFrom('task').execute())
      }),
      { numRuns: 30 },
    )
  })

  test('is joined as it is, whatever was done to it since the last request', async () => {
    const acts = {
      save: (store: Store, now: number) => save(store, { now }),
      'saved by what may do more': (store: Store, now: number) => enqueue(store, { now }),
      'saved together': (store: Store, now: number) =>
        Promise.all([save(store, { now }), save(store, { now: now + 1, key: 'other' }), save(store, { now: now + 2 })]),
      'saved beside one that is refused': (store: Store, now: number) =>
        Promise.all([save(store, { now }), refusedSave(store, now), save(store, { now })]),
      'saved beside one that is woken': (store: Store, now: number) =>
        Promise.all([
          save(store, { now }),
          store.write(({ db }) => wakeTasks(db, account, now, 'draft')),
          save(store, { now: now + 1 }),
        ]),
      'saved twice beside one that is refused': (store: Store, now: number) =>
        Promise.all([save(store, { now }), save(store, { now }), refusedSave(store, now), save(store, { now })]),
      'saved by what is more urgent': (store: Store, now: number) => save(store, { now, priority: 20 }),
      'kept as it is': (store: Store, now: number) => enqueue(store, { now, join: 'keep' }),
      'written out': (store: Store) => store.writeWhatIsLeft(),
      wanted: (store: Store, now: number) => enqueue(store, { now, delayMs: 0, join: 'sooner', priority: 20 }),
      woken: (store: Store, now: number) => store.write(({ db }) => wakeTasks(db, account, now, null)),
      'rolled back': refusedSave,
      'failed beside a save': async (store: Store, now: number) => {
        const one = await claim(store, now + 10_000)
        await enqueue(store, { now })
        await enqueue(store, { now })
        if (one !== null) await finish(store, one, { ...backOff, runAt: now + 200, attempts: 0 })
      },
      failed: (store: Store, now: number) => runDue(store, now, { ...backOff, runAt: now + 200 }),
      done: (store: Store, now: number) => runDue(store, now, { kind: 'remove' }),
    } as const
    const names = Object.keys(acts) as (keyof typeof acts)[]
    const often = fc.oneof({ weight: 12, arbitrary: fc.constant('save' as const) }, fc.constantFrom(...names))
    const step = fc.tuple(often, fc.constantFrom(0, 1, 60, 700))
    const steps = fc.array(step, { minLength: 4, maxLength: 24, size: 'max' })
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        await using notes = await openNotes()
        await using folder = await temporaryFolder()
        const file = `${folder.path}/forgetful.db`
        let now = 1_000
        for (const [name, gap] of list) {
          now += gap
          await acts[name](notes.store, now)
          // Opened anew it remembers nothing.
          const store = await openStoreAt(file)
          await acts[name](store, now)
          await store.close()
        }
        await notes.store.writeWhatIsLeft()
        const store = await openStoreAt(file)
        const [kept, read] = [await rows(notes.store), await rows(store)]
        await store.close()
        expect(kept.map(standing)).toEqual(read.map(standing))
      }),
      { numRuns: 10 },
    )
  })

  test('is not written each time where saves alone follow one another: before all else, and at each sixteenth, it is', async () => {
    await using notes = await openNotes()
    const stored = async (): Promise<readonly number[]> => (await rows(notes.store)).map(({ superseded }) => superseded)
    await enqueue(notes.store)
    const written: (readonly number[])[] = []
    for (let count = 0; count < 36; count += 1) {
      await save(notes.store)
      written.push(await stored())
    }
    const left = written.flat().map((row, place) => place + 1 - row)
    // The first reads the row, and the second compares it.
    expect(left).toEqual([0, ...Array.from({ length: 35 }, (_, place) => place % 16)])
    await notes.store.write(async ({ db }) => {
      expect((await tasksOfKey(db, { kind: 'draft_upload', key: 'draft' }))[0]?.superseded).toBe(36)
    })
    for (let count = 0; count < 5; count += 1) await save(notes.store)
    expect(await stored()).toEqual([37])
    await notes.store.close()
    const again = await openStoreAt(notes.file)
    expect(await rows(again)).toMatchObject([{ superseded: 41 }])
    await again.close()
  })

  test('counts what was saved, where a whole commit is refused as well', async () => {
    const disk = suiteStorage(sqlite, () => sqliteError('SQLITE_FULL')).fullDisk('commit')
    await using notes = await openNotes(disk.wrap)
    await enqueue(notes.store)
    for (let count = 0; count < 4; count += 1) await save(notes.store, { now: 1_010 })
    disk.full = true
    const refused = [save(notes.store, { now: 1_020 }), enqueue(notes.store, { now: 1_020 }), save(notes.store)]
    for (const one of await Promise.allSettled(refused)) expect(one.status).toBe('rejected')
    await expect(notes.store.writeWhatIsLeft()).rejects.toMatchObject({ code: 'STORAGE_ERROR' })
    disk.full = false
    await notes.store.writeWhatIsLeft()
    expect(await rows(notes.store)).toMatchObject([{ superseded: 4, runAt: 1_110 }])
  })

  test('“sooner” takes the sooner of the two times, and the higher priority stays', async () => {
    await using notes = await openNotes()
    await enqueue(notes.store, { delayMs: 5_000, join: 'sooner', priority: 20 })
    await enqueue(notes.store, { delayMs: 100, join: 'sooner', priority: 5 })
    await enqueue(notes.store, { delayMs: 9_000, join: 'sooner' })
    expect(await rows(notes.store)).toMatchObject([{ runAt: 1_100, superseded: 2 }])
    expect((await claim(notes.store))?.task.key).toBe('draft')
  })

  test('“keep” leaves it as it is: waiting, backing off, parked or failed', async () => {
    await using notes = await openNotes()
    for (const state of ['waiting', 'parked', 'failed'] as const) {
      await enqueue(notes.store, { key: state })
      const one = await claim(notes.store)
      await finish(notes.store, one!, { ...backOff, state })
    }
    const before = await rows(notes.store)
    for (const { key } of before) await enqueue(notes.store, { key, join: 'keep', now: 20_000 })
    expect(await rows(notes.store)).toEqual(before)
  })

  test('a back-off is not cut short by a save, nor lengthened', async () => {
    await using notes = await openNotes()
    await enqueue(notes.store)
    await finish(notes.store, (await claim(notes.store))!, backOff)
    for (const join of [{ longestWaitMs: 1 }, 'sooner'] as const) await enqueue(notes.store, { now: 2_000, join })
    expect(await rows(notes.store)).toMatchObject([{ runAt: 9_000, attempts: 1, superseded: 2, lastError: error }])
  })

  test.each(['parked', 'failed'] as const)(
    'one that is %s is woken by a new save, as if it were new',
    async (state) => {
      await using notes = await openNotes()
      await enqueue(notes.store)
      await finish(notes.store, (await claim(notes.store))!, { ...park, state })
      await enqueue(notes.store, { now: 50_000 })
      expect(await rows(notes.store)).toMatchObject([{ state: 'waiting', runAt: 50_100, attempts: 0, lastError: null }])
    },
  )
})

async function running(store: Store) {
  await enqueue(store)
  const one = (await claim(store))!
  await enqueue(store, { now: 2_000 })
  return one
}

describe('a request that comes while its like is running', () => {
  test('waits beside it, and goes on alone when that one is done', async () => {
    await using notes = await openNotes()
    const one = await running(notes.store)
    expect((await rows(notes.store)).map(({ state }) => state)).toEqual(['running', 'waiting'])
    // The lane is busy: nothing else starts.
    expect(await claim(notes.store)).toBeNull()
    await finish(notes.store, one, { kind: 'remove' })
    expect(await rows(notes.store)).toMatchObject([{ state: 'waiting', attempts: 0 }])
    expect(await claim(notes.store)).not.toBeNull()
  })

  test('takes over its error and back-off when it fails, and is not parked with it', async () => {
    await using notes = await openNotes()
    await finish(notes.store, await running(notes.store), backOff)
    expect(await rows(notes.store)).toMatchObject([{ state: 'waiting', runAt: 9_000, attempts: 1, lastError: error }])
    await notes.store.write(({ db }) => db.deleteFrom('task').execute())
    await finish(notes.store, await running(notes.store), park)
    expect(await rows(notes.store)).toMatchObject([{ state: 'waiting', runAt: 2_100, lastError: null }])
  })
})

describe('a lane', () => {
  test('is run by the highest priority first, then by age, and by nothing that is not due', async () => {
    await using notes = await openNotes()
    await enqueue(notes.store, { key: 'a' })
    await enqueue(notes.store, { key: 'b' })
    await enqueue(notes.store, { key: 'urgent', priority: 90 })
    await enqueue(notes.store, { key: 'later', priority: 99, delayMs: 2_000_000 })
    const order: string[] = []
    for (let one = await claim(notes.store); one !== null; one = await claim(notes.store)) {
      order.push(one.task.key)
      await finish(notes.store, one, { kind: 'remove' })
    }
    expect(order).toEqual(['urgent', 'a', 'b'])
  })

  test('of two that claim it at once only one gets it; another lane is free (H34)', async () => {
    await using notes = await openNotes()
    await enqueue(notes.store)
    await enqueue(notes.store, { key: 'b' })
    await enqueue(notes.store, { key: 'c', lane: 'account/submission' })
    const claims = await Promise.all(Array.from({ length: 5 }, () => claim(notes.store)))
    expect(claims.filter((one) => one !== null)).toHaveLength(1)
    expect(await notes.store.write(({ db }) => claimTask(db, 'account/submission', 9_000))).not.toBeNull()
  })

  test('that was taken over refuses every write of the run before (H35)', async () => {
    await using notes = await openNotes()
    await enqueue(notes.store)
    const stale = (await claim(notes.store))!
    await notes.store.write(({ db }) => recoverTasks(db, 5_000))
    const fresh = (await claim(notes.store))!
    expect(fresh.fence).toBeGreaterThan(stale.fence)
    expect(await codeOf(finish(notes.store, stale, { kind: 'remove' }))).toBe('CLOSED')
    expect(await rows(notes.store)).toMatchObject([{ state: 'running' }])
    await finish(notes.store, fresh, { kind: 'remove' })
    expect(await rows(notes.store)).toEqual([])
  })
})

describe('after a crash', () => {
  test('what ran runs again, with or without a newer request: one row, and the lane is free', async () => {
    for (const withNewer of [false, true]) {
      await using notes = await openNotes()
      await enqueue(notes.store)
      await claim(notes.store)
      if (withNewer) await enqueue(notes.store, { now: 3_000 })
      await notes.store.write(({ db }) => recoverTasks(db, 5_000))
      expect(await rows(notes.store)).toMatchObject([{ state: 'waiting' }])
      expect(await claim(notes.store)).not.toBeNull()
    }
  })

  test('recovering twice changes nothing more', async () => {
    await using notes = await openNotes()
    await enqueue(notes.store)
    await claim(notes.store)
    await notes.store.write(({ db }) => recoverTasks(db, 5_000))
    const before = await rows(notes.store)
    await notes.store.write(({ db }) => recoverTasks(db, 5_000))
    expect(await rows(notes.store)).toEqual(before)
  })
})

describe('every row', () => {
  test('is either running, or due, or due at a time the timer knows, or waits for a word; never two of these (H30)', async () => {
    await using notes = await openNotes()
    const now = 10_000
    const act = fc.record({
      key: fc.constantFrom('a', 'b', 'c'),
      what: fc.constantFrom('enqueue', 'claim', 'done', 'back-off', 'park', 'fail', 'recover', 'wake', 'retry'),
      delayMs: fc.constantFrom(0, 100, 50_000),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 25 }), async (acts) => {
        await notes.store.write(async ({ db }) => {
          await db.deleteFrom('task').execute()
          await db.deleteFrom('lane').execute()
        })
        let open: Claim | null = null
        for (const { key, what, delayMs } of acts) {
          if (what === 'enqueue') await enqueue(notes.store, { key, now, delayMs })
          if (what === 'claim') open = (await claim(notes.store, now)) ?? open
          if (open !== null && ['done', 'back-off', 'park', 'fail'].includes(what)) {
            const end = { ...backOff, runAt: now + delayMs }
            if (what === 'done') await finish(notes.store, open, { kind: 'remove' })
            else if (what === 'back-off') await finish(notes.store, open, end)
            else await finish(notes.store, open, { ...end, state: what === 'park' ? 'parked' : 'failed' })
            open = null
          }
          if (what === 'recover') {
            await notes.store.write(({ db }) => recoverTasks(db, 5_000))
            open = null
          }
          if (what === 'wake') await notes.store.write(({ db }) => wakeTasks(db, account, now, key))
          if (what === 'retry') {
            const [first] = await rows(notes.store)
            if (first !== undefined) await notes.store.write(({ db }) => retryTask(db, account, first.id, now))
          }
        }
        const all = await rows(notes.store)
        const due = await notes.store.read((db) => dueLanes(db))
        const { busy } = (await notes.store.read((db) => db.selectFrom('lane').select('busy').executeTakeFirst())) ?? {
          busy: 0,
        }
        const ran = all.filter((row) => row.state === 'running')
        const waiting = all.filter((row) => row.state === 'waiting')
        const stopped = all.filter((row) => row.state === 'parked' || row.state === 'failed')
        expect(ran.length + waiting.length + stopped.length).toBe(all.length)
        // A lane is busy exactly while something of it runs: else it would be stuck, or run two at once.
        expect(ran.length).toBe(busy)
        expect(ran.length).toBe(open === null ? 0 : 1)
        // Where nothing runs, the timer is told of the next row that waits.
        const next = Math.min(...waiting.map((row) => row.runAt))
        expect(due).toEqual(busy === 1 || waiting.length === 0 ? [] : [{ lane, runAt: next }])
        expect(await notes.store.read((db) => isRunnable(db, account, now))).toBe(busy === 1 || next <= now)
        // At most one row that is to run per thing to do.
        const keys = all.filter((row) => row.state !== 'running').map((row) => row.key)
        expect(new Set(keys).size).toBe(keys.length)
        // Every row that does not run can be had by a word of the user.
        await notes.store.write(({ db }) => wakeTasks(db, account, now, null))
        const woken = await rows(notes.store)
        expect(woken.every((row) => row.state === 'running' || (row.state === 'waiting' && row.runAt <= now))).toBe(
          true,
        )
      }),
      { numRuns: 150 },
    )
  })

  test('has a state that the tables’ users know: no other was ever written', async () => {
    await using notes = await openNotes()
    const { rows: found } = await notes.store.read((db) =>
      sql<{ sql: string }>`select sql from sqlite_schema where name in ('task_joined', 'task_due')`.execute(db),
    )
    expect(found.map((row) => /where (.*)$/.exec(row.sql)?.[1])).toEqual([`state <> 'running'`, `state = 'waiting'`])
  })
})

const whatOf = (steps: readonly TaskStep[] | undefined) => steps?.map(({ what }) => what)

describe('the timeline of a task', () => {
  test('is told while it waits, runs and backs off, and after its end until it is old', async () => {
    await using notes = await openNotes()
    const id = '01a1fd81-5436-7f6c-ad6d-c0d5080ba6f5' as TaskId
    const endedAt = Number.parseInt('01a1fd815436', 16) + 60_000
    const told = () => notes.store.read(async (db) => whatOf((await taskHistory(db, account, id))?.steps))
    const end = (one: Claim, how: Parameters<typeof finishTask>[2], step: TaskStep) =>
      notes.store.write(async ({ db }) => {
        await finishTask(db, one, how, step)
        await freeLane(db, one)
      })
    await enqueue(notes.store, { newId: () => id })
    expect(await told()).toEqual(['planned'])
    await end((await claim(notes.store))!, backOff, { at: 8_000, what: 'retrying', error })
    expect(await told()).toEqual(['planned', 'started', 'retrying'])
    await end((await claim(notes.store))!, { kind: 'remove' }, { at: endedAt, what: 'done', error: null })
    expect(await rows(notes.store)).toEqual([])
    expect(await told()).toEqual(['planned', 'started', 'retrying', 'started', 'done'])
    await notes.store.write(({ db }) => dropTaskLogBefore(db, endedAt))
    expect(await told()).toHaveLength(5)
    await notes.store.write(({ db }) => dropTaskLogBefore(db, endedAt + 1))
    expect(await told()).toBeUndefined()
  })

  test('of one that goes on as a newer request is told with its end', async () => {
    await using notes = await openNotes()
    const { newId } = request()
    await enqueue(notes.store, { newId })
    const run = (await claim(notes.store))!
    await enqueue(notes.store)
    await finish(notes.store, run, backOff)
    expect(await notes.store.read(async (db) => whatOf((await taskHistory(db, account, newId()))?.steps))).toEqual([
      'planned',
      'started',
      'done',
    ])
  })

  test('of one that is tried for weeks keeps the first step and the latest, and stays short', () => {
    let timeline = firstStep({ at: 0, what: 'planned', error: null })
    for (let at = 1; at <= 20_000; at += 1) timeline = withStep(timeline, { at, what: 'offline', error })
    const steps = JSON.parse(`[${timeline}]`) as TaskStep[]
    expect(timeline.length).toBeLessThan(20_000)
    expect(steps[0]).toEqual({ at: 0, what: 'planned', error: null })
    expect(steps.slice(1).map(({ at }) => at)).toEqual(
      Array.from(steps.slice(1), (_, index) => 20_000 - steps.length + 2 + index),
    )
    expect(steps.length).toBeGreaterThan(50)
  })
})
