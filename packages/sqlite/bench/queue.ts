import { randomUUID } from 'node:crypto'
import { join } from 'node:path'

import type { AccountId } from '@everdraft/core'
import { sqlite } from '@everdraft/sqlite'
import Database from 'better-sqlite3'
import { better, defineQueue, defineWorker, JobStatus } from 'plainjob'

import { platformEnvironment } from '../../core/src/engine/platform.ts'
import { createQueue, type Queue } from '../../core/src/queue/queue.ts'
import { openStore } from '../../core/src/storage/store.ts'
import { uuidv7 } from '../../core/src/ids.ts'
import { wireTasks } from '../../core/src/tasks/registry.ts'
import type { FollowUp } from '../../core/src/tasks/task.ts'
import { benchFolder } from '../../testkit/bench/real-disk.ts'
import { quantile, ratios, spread } from '../../testkit/bench/statistics.ts'
import { count, ratio, ratioWithSpread, type Section, type Suite } from '../../testkit/bench/suite.ts'
import { redisVersion, runBullmq } from './bullmq-queue.ts'
import { runHandwritten } from './handwritten-queue.ts'
import { unreachable } from './unreachable.ts'

const plans = {
  full: { accounts: 1_000, each: 10, rounds: 5, idle: 300 },
  quick: { accounts: 20, each: 5, rounds: 2, idle: 10 },
} as const

export interface Plan {
  readonly accounts: number
  /** Tasks of each account. */
  readonly each: number
  readonly rounds: number
  readonly idle: number
}

/** Milliseconds for all to be stored, and from then until all are done. */
export interface Run {
  readonly enqueueMs: number
  readonly drainMs: number
}

/** Tasks that do nothing, from the request to the last one done. */
interface Contestant {
  readonly name: string
  /** How many times as fast as this one the engine is to be. Default: nothing is asked. */
  readonly wanted?: number
  run(file: string, plan: Plan): Promise<Run>
}

const always: readonly Contestant[] = [
  { name: 'engine', run: runEngine },
  { name: 'by hand, 100 in a transaction', run: runHandwritten },
  { name: 'plainjob, forced to FULL', wanted: 5, run: (file, plan) => runPlainjob(file, plan, 2) },
  { name: 'plainjob, its NORMAL', wanted: 2, run: (file, plan) => runPlainjob(file, plan, 1) },
]

const onRedis: readonly Contestant[] = [
  { name: 'BullMQ, AOF always, in order', wanted: 3, run: (folder, plan) => runBullmq(folder, plan, 1) },
  { name: 'BullMQ, AOF always, 100 jobs at a time, in no order', run: (folder, plan) => runBullmq(folder, plan, 100) },
]

/** How many tasks the queue takes in and does in a second, each account's in order. */
export const queue: Suite = {
  name: 'queue',
  async run({ quick, say }) {
    const plan = quick ? plans.quick : plans.full
    await using folder = await benchFolder()
    const redis = await redisVersion()
    const contestants = redis === null ? always : [...always, ...onRedis]
    const runs = contestants.map((): Run[] => [])
    for (let round = 0; round <= plan.rounds; round += 1) {
      say(`round ${round} of ${plan.rounds}`)
      for (let place = 0; place < contestants.length; place += 1) {
        const index = (round + place) % contestants.length
        const run = await contestants[index]?.run(join(folder.path, `${round}-${index}.db`), plan)
        // Round 0 warms up.
        if (round > 0 && run !== undefined) runs[index]?.push(run)
      }
    }
    say('idle')
    const idle = await idleStarts(join(folder.path, 'idle.db'), plan)
    return section({ contestants, runs, idle, redis }, plan, folder.fileSystem)
  },
}

interface OpenedQueue {
  readonly queue: Queue
  readonly enqueue: (followUps: readonly FollowUp[]) => Promise<void>
  /** All that is stored is done. */
  readonly empty: () => Promise<void>
  readonly close: () => Promise<void>
}

/** The engine's own queue on its own store; only what its tasks do is replaced: `draft_upload` does nothing. */
async function openQueue(file: string, execute: (accountId: AccountId, key: string) => void): Promise<OpenedQueue> {
  const environment = platformEnvironment(undefined)
  const { store } = await openStore(sqlite(file), environment)
  const options = {
    store,
    environment,
    format: unreachable().format,
    sessions: {
      get: () => Promise.reject(new TypeError('nothing connects here')),
      release: () => {},
      retryAt: () => 0,
    } as never,
    watch: () => {},
    tasks: {
      ...wireTasks,
      draft_upload: {
        ...wireTasks.draft_upload,
        execute: async ({ accountId }: { readonly accountId: AccountId }, key: string) => {
          execute(accountId, key)
          return { kind: 'done', followUps: [] } as const
        },
      },
    },
    submissions: undefined as never,
    sentCopy: { waitMs: 0, lookAgainMs: 0 },
    bounces: { reader: null, forMs: 0 },
    responders: { draftOnly: true, ask: () => Promise.reject(new Error('not reached')) },
    watchInbox: () => {},
    concurrency: 128,
    pollMs: 3_600_000,
    taskBackOff: { firstMs: 1_000, longestMs: 60_000 },
    offlineBackOff: { firstMs: 1_000, longestMs: 60_000 },
  }
  const opened = createQueue(options)
  return {
    queue: opened,
    async enqueue(followUps) {
      await store.write((write) => opened.enqueue(write, followUps))
    },
    async empty() {
      for (;;) {
        const left = await store.write(({ db }) => db.selectFrom('task').select('seq').limit(1).execute())
        if (left.length === 0) return
      }
    },
    async close() {
      await opened.close(5_000)
      await store.close()
    },
  }
}

function upload(accountId: AccountId, key: string): FollowUp {
  return { task: 'draft_upload', accountId, key, delayMs: 0, join: 'keep' }
}

async function runEngine(file: string, { accounts, each }: Plan): Promise<Run> {
  const { random } = platformEnvironment(undefined)
  const newId = (): string => uuidv7(Date.now(), random)
  const last = new Map<AccountId, number>()
  /** By the draft that a task is about: which of its account it is. */
  const numberOf = new Map<string, number>()
  const all = Promise.withResolvers<void>()
  let done = 0
  const {
    queue: opened,
    enqueue,
    empty,
    close,
  } = await openQueue(file, (accountId, key) => {
    const number = numberOf.get(key) ?? -1
    if (number !== (last.get(accountId) ?? -1) + 1) all.reject(new Error('the tasks of an account ran out of order'))
    last.set(accountId, number)
    done += 1
    if (done === accounts * each) all.resolve()
  })
  try {
    const ids = Array.from({ length: accounts }, () => newId() as AccountId)
    const tasks = Array.from({ length: each }, (_each, number) =>
      ids.map((accountId) => {
        const draftId = newId()
        numberOf.set(draftId, number)
        return upload(accountId, draftId)
      }),
    ).flat()
    const started = performance.now()
    for (let index = 0; index < tasks.length; index += 100) {
      await Promise.all(tasks.slice(index, index + 100).map((task) => enqueue([task])))
    }
    const enqueued = performance.now()
    opened.wake()
    await all.promise
    await empty()
    return { enqueueMs: enqueued - started, drainMs: performance.now() - enqueued }
  } finally {
    await close()
  }
}

const silent = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} }

async function runPlainjob(file: string, { accounts, each }: Plan, synchronous: 1 | 2): Promise<Run> {
  const database = new Database(file)
  const jobs = defineQueue({ connection: better(database), logger: silent })
  // It sets NORMAL by itself.
  database.pragma(`synchronous = ${synchronous}`)
  const all = Promise.withResolvers<void>()
  let done = 0
  // One worker does one job after another: so an account's are in order.
  const worker = defineWorker('tiny', () => {}, {
    queue: jobs,
    logger: silent,
    onCompleted: () => {
      done += 1
      if (done === accounts * each) all.resolve()
    },
  })
  try {
    const started = performance.now()
    for (let key = 0; key < each; key += 1) {
      for (let account = 0; account < accounts; account += 1) jobs.add('tiny', { account, key })
    }
    const enqueued = performance.now()
    const stopped = worker.start()
    await all.promise
    if (jobs.countJobs({ status: JobStatus.Done }) !== accounts * each) throw new Error('some jobs are not done')
    const ended = performance.now()
    await worker.stop()
    await stopped
    return { enqueueMs: enqueued - started, drainMs: ended - enqueued }
  } finally {
    jobs.close()
    database.close()
  }
}

/** Milliseconds from the request until the task begins, with nothing else to do. */
async function idleStarts(file: string, { accounts, idle }: Plan): Promise<readonly number[]> {
  let begun = Promise.withResolvers<number>()
  const { queue: opened, enqueue, empty, close } = await openQueue(file, () => begun.resolve(performance.now()))
  try {
    const ids = Array.from({ length: accounts }, () => randomUUID() as string as AccountId)
    const times: number[] = []
    for (let index = 0; index < idle; index += 1) {
      const task = upload(ids[index % accounts] as AccountId, String(index))
      begun = Promise.withResolvers()
      const started = performance.now()
      await enqueue([task])
      opened.wakeFor([task])
      times.push((await begun.promise) - started)
      await empty()
    }
    return times
  } finally {
    await close()
  }
}

/** What the same rows cost SQLite bounds what the engine can make of one that keeps no order. */
function bullmqOutOfOrder(
  contestants: readonly Contestant[],
  totals: readonly (readonly number[])[],
): readonly string[] {
  const [, byHand] = totals
  const index = contestants.findIndex(({ name }) => name.endsWith('in no order'))
  const bullmq = totals[index]
  if (byHand === undefined || bullmq === undefined) return []
  return [
    `Of the two rows of BullMQ the one in order does what the engine does. With 100 jobs at a time BullMQ keeps no order, and no timeline; the rows that the engine keeps, written by hand, make ${ratioWithSpread(ratios(byHand, bullmq))} of that.`,
  ]
}

interface Measured {
  readonly contestants: readonly Contestant[]
  readonly runs: readonly (readonly Run[])[]
  /** Milliseconds. */
  readonly idle: readonly number[]
  /** Null: BullMQ was not measured. */
  readonly redis: string | null
}

function section(
  { contestants, runs, idle, redis }: Measured,
  { accounts, each, rounds }: Plan,
  fileSystem: string,
): Section {
  const tasks = accounts * each
  const totals = runs.map((own) => own.map(({ enqueueMs, drainMs }) => 1 / (enqueueMs + drainMs)))
  const perSecond = (times: readonly number[]): string => count((tasks / spread(times).median) * 1000)
  return {
    title: 'The queue',
    intro: `${count(tasks)} tasks that do nothing, of ${count(accounts)} accounts, each account's in order: all are stored, then all are done. Medians over ${rounds} rounds in turns.`,
    settings: [
      'engine: its own queue and store (`sqlite(file)` as it comes: synchronous=FULL); 100 requests at a time, each a transaction of its own as far as anybody can tell; every task leaves its timeline (planned, started, done)',
      'by hand: better-sqlite3 with statements prepared once, the same pragmas, tables, indices and rows as the engine has; 100 tasks are stored, claimed or ended in one transaction, and nothing lies between a claim and its end',
      'plainjob 0.0.14 on better-sqlite3: one `add` after another, one worker; in its own setting (NORMAL) what was acknowledged can be lost in a power cut',
      ...(redis === null
        ? []
        : [
            `BullMQ 6.7.0 on Redis ${redis} with appendonly and appendfsync always, over a socket of the machine: 100 \`add\` at a time, one worker; an account's jobs are done in order only where it does one at a time, as groups are not in the free edition`,
          ]),
      `all files in one folder on ${fileSystem}`,
    ],
    tables: [
      {
        caption: 'Stored and done',
        columns: ['', 'stored/s', 'done/s', 'engine ÷ this, both together (min–max)', 'wanted'],
        rows: contestants.map(({ name, wanted = null }, index) => {
          const own = runs[index] ?? []
          return [
            name,
            perSecond(own.map(({ enqueueMs }) => enqueueMs)),
            perSecond(own.map(({ drainMs }) => drainMs)),
            index === 0 ? '1' : ratioWithSpread(ratios(totals[0] ?? [], totals[index] ?? [])),
            wanted === null ? '' : `≥ ${wanted}`,
          ]
        }),
      },
    ],
    notes: [
      `With nothing else to do, a task begins ${ratio(quantile(idle, 0.5))} ms after the request for it (p50; p99 ${ratio(quantile(idle, 0.99))} ms), stored durably before. plainjob looks for new jobs once a second.`,
      ...bullmqOutOfOrder(contestants, totals),
      ...(redis === null ? ['BullMQ was not measured: redis-server is not installed on the machine of this run.'] : []),
    ],
  }
}
