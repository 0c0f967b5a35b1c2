import { sql } from 'kysely'

import type { LastError } from '../draft/draft.ts'
import { EverdraftError } from '../errors.ts'
import type { AccountId, TaskId } from '../ids.ts'
import type { TaskRow } from './schema.ts'
import { prepared } from './prepared.ts'
import type { Db } from './db.ts'
import { firstStep, logTask, type Timeline, type TaskStep, withStep } from './task-steps.ts'

/**
 * The queue's rows. A lane runs one task at a time; enqueue, claim and completion each are part of a transaction with
 * the data that they are about.
 */

type StoredTaskState = 'waiting' | 'running' | 'parked' | 'failed'

export interface StoredTask {
  readonly seq: number
  readonly id: TaskId
  readonly accountId: AccountId
  readonly lane: string
  readonly kind: string
  readonly key: string
  readonly state: StoredTaskState
  readonly attempts: number
  readonly connectFailures: number
  readonly superseded: number
  /** Somebody waits for it: see `wakeTasks`. */
  readonly urgent: boolean
  readonly runAt: number
  readonly lastError: LastError | null
  readonly createdAt: number
  readonly timeline: Timeline
}

/** What users see of a task that waits or runs. */
export type TaskFace = Pick<StoredTask, 'state' | 'attempts' | 'connectFailures' | 'lastError'>

/** What a request does with a row of the same kind and key that waits already. */
export type Join =
  /** A debounce: the wait starts anew, until this long after the first request. */
  | { readonly longestWaitMs: number }
  /** The sooner of the two times counts. */
  | 'sooner'
  /** Nothing: what waits, is parked or backs off stays as it is. */
  | 'keep'

export interface Enqueue {
  /** Of a new row; most requests join one that waits. */
  readonly newId: () => TaskId
  readonly accountId: AccountId
  readonly lane: string
  readonly kind: string
  readonly key: string
  readonly priority: number
  readonly now: number
  /** How long to wait before it runs. */
  readonly delayMs: number
  readonly join: Join
  readonly urgent: boolean
}

/**
 * Adds a task, or joins it with the one of the same kind and key that is not running: that one then runs for both, and
 * counts one superseded. A parked or failed one is woken up, as what it was to do has changed.
 * @returns all of this kind and key, as they are afterwards
 */
export async function enqueueTask(db: Db, task: Enqueue): Promise<readonly TaskFace[]> {
  const { accountId, kind, key } = task
  const rows = await tasksOfKey(db, { kind, key })
  const waiting = notRunning(rows, accountId)
  if (waiting === undefined) {
    await addTask(db, task)
    return [...rows.map(toTask), { state: 'waiting', attempts: 0, connectFailures: 0, lastError: null }]
  }
  if (task.join === 'keep') return rows.map(toTask)
  const wasWaiting = waiting.state === 'waiting'
  const requestedAt = wasWaiting ? waiting.requested_at : task.now
  // A back-off that runs is kept: a save must not make us knock sooner at a server that just failed.
  const backingOff = wasWaiting && waiting.attempts + waiting.connect_failures > 0
  const asked = task.now + task.delayMs
  const joined =
    task.join === 'sooner'
      ? Math.min(asked, wasWaiting ? waiting.run_at : asked)
      : Math.min(asked, Math.max(task.now, requestedAt + task.join.longestWaitMs))
  const runAt = backingOff ? waiting.run_at : joined
  const superseded = waiting.superseded + 1
  if (wasWaiting && waiting.priority >= task.priority) {
    await postponeTask(db, { seq: waiting.seq, runAt, superseded })
    return rows.map(toTask)
  }
  const past = wasWaiting ? waiting : { attempts: 0, connect_failures: 0, last_error: null }
  await joinTask(db, {
    seq: waiting.seq,
    runAt,
    requestedAt,
    priority: Math.max(waiting.priority, task.priority),
    superseded,
    attempts: past.attempts,
    connectFailures: past.connect_failures,
    lastError: past.last_error,
  })
  return rows.map((row) => toTask(row === waiting ? { ...row, ...past, state: 'waiting' } : row))
}

/** At most one: requests join. */
function notRunning<Row extends { readonly account_id: string; readonly state: string }>(
  rows: readonly Row[],
  accountId: AccountId,
): Row | undefined {
  return rows.find((row) => row.account_id === accountId && row.state !== 'running')
}

/** What a save after a save does. A statement that names a column writes each index with it, changed or not. */
const postponeTask = prepared(
  (db, input: { readonly seq: number; readonly runAt: number; readonly superseded: number }) =>
    db.updateTable('task').set({ run_at: input.runAt, superseded: input.superseded }).where('seq', '=', input.seq),
)

const joinTask = prepared(
  (
    db,
    input: {
      readonly seq: number
      readonly runAt: number
      readonly requestedAt: number
      readonly priority: number
      readonly superseded: number
      readonly attempts: number
      readonly connectFailures: number
      readonly lastError: string | null
    },
  ) =>
    db
      .updateTable('task')
      .set({
        state: sql.lit('waiting'),
        run_at: input.runAt,
        requested_at: input.requestedAt,
        priority: input.priority,
        superseded: input.superseded,
        attempts: input.attempts,
        connect_failures: input.connectFailures,
        last_error: input.lastError,
      })
      .where('seq', '=', input.seq),
)

async function addTask(db: Db, task: Enqueue): Promise<void> {
  const id = task.newId()
  const { lane, accountId, kind, key, priority, now } = task
  await addLane(db, { lane, accountId })
  await addRow(db, {
    id,
    accountId,
    lane,
    kind,
    key,
    priority,
    urgent: task.urgent ? 1 : 0,
    runAt: now + task.delayMs,
    now,
    timeline: firstStep({ at: now, what: 'planned', error: null }),
  })
}

const addLane = prepared((db, input: { readonly lane: string; readonly accountId: AccountId }) =>
  db
    .insertInto('lane')
    .values({ id: input.lane, account_id: input.accountId, busy: sql.lit(0), fence: sql.lit(0) })
    .onConflict((conflict) => conflict.doNothing()),
)

const addRow = prepared(
  (
    db,
    input: Pick<Enqueue, 'accountId' | 'lane' | 'kind' | 'key' | 'priority' | 'now'> & {
      readonly id: TaskId
      readonly runAt: number
      readonly urgent: number
      readonly timeline: Timeline
    },
  ) =>
    db.insertInto('task').values({
      id: input.id,
      account_id: input.accountId,
      lane: input.lane,
      kind: input.kind,
      key: input.key,
      state: sql.lit('waiting' satisfies StoredTaskState),
      priority: input.priority,
      attempts: sql.lit(0),
      connect_failures: sql.lit(0),
      superseded: sql.lit(0),
      urgent: input.urgent,
      run_at: input.runAt,
      requested_at: input.now,
      last_error: sql.lit(null),
      created_at: input.now,
      steps: input.timeline,
    }),
)

export interface Claim {
  readonly task: StoredTask
  /** What every write of this run checks. */
  readonly fence: number
}

/** Takes the next due task of a lane that is not busy; null where there is none. */
export async function claimTask(db: Db, lane: string, now: number): Promise<Claim | null> {
  const [state] = await laneState(db, { lane })
  if (state === undefined || state.busy === 1) return null
  return await claimNext(db, lane, { now, fence: state.fence + 1 })
}

/** After `finishTask`, whose lane is still this run's: its next due task, or the lane is free. */
export async function claimAfter(db: Db, { task, fence }: Claim, now: number): Promise<Claim | null> {
  const claim = await claimNext(db, task.lane, { now, fence: fence + 1 })
  if (claim === null) await freeLane(db, { task, fence })
  return claim
}

export async function freeLane(db: Db, { task, fence }: Claim): Promise<void> {
  await setLane(db, { lane: task.lane, busy: 0, fence })
}

async function claimNext(
  db: Db,
  lane: string,
  { now, fence }: { readonly now: number; readonly fence: number },
): Promise<Claim | null> {
  const [row] = await dueTask(db, { lane, now })
  if (row === undefined) return null
  const timeline = withStep(row.steps as Timeline, { at: now, what: 'started', error: null })
  await setLane(db, { lane, busy: 1, fence })
  await setRunning(db, { seq: row.seq, timeline })
  return { task: toTask({ ...row, state: 'running', steps: timeline }), fence }
}

const laneState = prepared((db, input: { readonly lane: string }) =>
  db.selectFrom('lane').select(['busy', 'fence']).where('id', '=', input.lane),
)

const dueTask = prepared((db, input: { readonly lane: string; readonly now: number }) =>
  db
    .selectFrom('task')
    .selectAll()
    // In a query of its own, as SQLite plans a statement that orders anew each time such a value changes.
    .where('lane', '=', sql<string>`(select ${input.lane})`)
    .where('state', '=', sql.lit('waiting'))
    // Not by the index of times: that would sort all that is due, for each claim.
    .where(sql<number>`+run_at`, '<=', input.now)
    .orderBy('priority', 'desc')
    .orderBy('seq')
    .limit(sql.lit(1)),
)

const setLane = prepared((db, input: { readonly lane: string; readonly busy: number; readonly fence: number }) =>
  db.updateTable('lane').set({ busy: input.busy, fence: input.fence }).where('id', '=', input.lane),
)

const setRunning = prepared((db, input: { readonly seq: number; readonly timeline: Timeline }) =>
  db
    .updateTable('task')
    .set({ state: sql.lit('running' satisfies StoredTaskState), steps: input.timeline })
    .where('seq', '=', input.seq),
)

/** When the lane has its next task; null where none waits. */
export async function laneDueAt(db: Db, lane: string): Promise<number | null> {
  const [row] = await firstOfLane(db, { lane })
  return row?.run_at ?? null
}

const firstOfLane = prepared((db, input: { readonly lane: string }) =>
  db
    .selectFrom('task')
    .select((first) => first.fn.min<number | null>('run_at').as('run_at'))
    .where('lane', '=', sql<string>`(select ${input.lane})`)
    .where('state', '=', sql.lit('waiting')),
)

/** @throws {EverdraftError} CLOSED where somebody else has claimed the lane since */
export async function checkFence(db: Db, lane: string, fence: number): Promise<void> {
  const [row] = await laneState(db, { lane })
  if (row?.fence !== fence) throw new EverdraftError('CLOSED', 'this work was taken over by another run')
}

/** How a run leaves its row. */
export type TaskEnd =
  | { readonly kind: 'remove' }
  | {
      readonly kind: 'keep'
      readonly state: Exclude<StoredTaskState, 'running'>
      readonly runAt: number
      readonly attempts: number
      readonly connectFailures: number
      readonly lastError: LastError | null
    }

/**
 * Ends a run. Its lane stays busy: `claimAfter` or `freeLane` comes in the same transaction. Where a newer request of the
 * same kind and key came while it ran, that one goes on alone, with this run's error and back-off, so that one thing never
 * has two rows that are to run.
 */
export async function finishTask(db: Db, { task, fence }: Claim, end: TaskEnd, step: TaskStep): Promise<void> {
  await checkFence(db, task.lane, fence)
  const timeline = withStep(task.timeline, step)
  const newer = end.kind === 'remove' ? undefined : notRunning(await tasksOfKey(db, task), task.accountId)
  if (end.kind === 'remove' || newer !== undefined) {
    await removeTask(db, { seq: task.seq })
    await logTask(db, { ...task, timeline }, step.at)
  }
  if (end.kind === 'remove') return
  const kept = {
    attempts: end.attempts,
    connect_failures: end.connectFailures,
    last_error: end.lastError === null ? null : JSON.stringify(end.lastError),
  }
  if (newer === undefined) {
    await db
      .updateTable('task')
      .set({ ...kept, state: end.state, run_at: end.runAt, steps: timeline })
      .where('seq', '=', task.seq)
      .execute()
    // Somebody came to wait for it while it decided to wait: then it runs at once.
    if (end.lastError === null && !task.urgent) await runUrgent(db, task.seq, task.runAt)
    return
  }
  // What was refused for good may be fine now that it has changed: only a back-off is handed on.
  if (end.state !== 'waiting' || (newer.urgent === 1 && end.lastError === null)) return
  await db
    .updateTable('task')
    .set({ ...kept, run_at: Math.max(newer.run_at, end.runAt) })
    .where('seq', '=', newer.seq)
    .execute()
}

async function runUrgent(db: Db, seq: number, runAt: number): Promise<void> {
  await db.updateTable('task').set({ run_at: runAt }).where('seq', '=', seq).where('urgent', '=', 1).execute()
}

const removeTask = prepared((db, input: { readonly seq: number }) => db.deleteFrom('task').where('seq', '=', input.seq))

/** At open by the one owner of the file: what ran when the process ended is to run again, without waiting for a lease. */
export async function recoverTasks(db: Db, now: number): Promise<void> {
  // Written out, as the partial index asks for it.
  const running = await db.selectFrom('task').selectAll().where('state', '=', sql.lit('running')).execute()
  for (const row of running) {
    const newer = await db
      .selectFrom('task')
      .select('seq')
      .where('account_id', '=', row.account_id)
      .where('kind', '=', row.kind)
      .where('key', '=', row.key)
      .where('state', '<>', 'running')
      .executeTakeFirst()
    if (newer === undefined) {
      await db
        .updateTable('task')
        .set({ state: 'waiting' satisfies StoredTaskState })
        .where('seq', '=', row.seq)
        .execute()
    } else {
      await removeTask(db, { seq: row.seq })
      await logTask(db, toTask(row), now)
    }
  }
  await db
    .updateTable('lane')
    .set({ busy: 0, fence: sql<number>`fence + 1` })
    .where('busy', '=', 1)
    .execute()
}

/** When each free lane has its next task, the first due first. */
export async function dueLanes(db: Db): Promise<readonly { readonly lane: string; readonly runAt: number }[]> {
  const rows = await allDueLanes(db, {})
  return rows.map((row) => ({ lane: row.id, runAt: row.run_at }))
}

const allDueLanes = prepared((db, _input: object) =>
  db
    .selectFrom((lanes) =>
      lanes
        .selectFrom('lane')
        .select((lane) => [
          'lane.id',
          lane
            .selectFrom('task')
            .select((task) => task.fn.min<number>('task.run_at').as('run_at'))
            .whereRef('task.lane', '=', 'lane.id')
            .where('task.state', '=', sql.lit('waiting'))
            .as('run_at'),
        ])
        .where('lane.busy', '=', 0)
        .as('due'),
    )
    .select(['due.id', 'due.run_at'])
    .where('due.run_at', 'is not', null)
    .$narrowType<{ run_at: number }>()
    .orderBy('due.run_at'),
)

/** Is anything of the account running, or due now? */
export async function isRunnable(db: Db, accountId: AccountId, now: number): Promise<boolean> {
  const row = await db
    .selectFrom('lane')
    .select('id')
    .where('account_id', '=', accountId)
    .where((where) =>
      where.or([
        where('busy', '=', 1),
        where.exists(
          where
            .selectFrom('task')
            .select('seq')
            .whereRef('task.lane', '=', 'lane.id')
            // Written out, as the partial index asks for it.
            .where('task.state', '=', sql.lit('waiting'))
            .where('task.run_at', '<=', now),
        ),
      ]),
    )
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/**
 * Debounce, byte budget and back-off are overridden: all that waits is due now, and what failed or is parked is tried
 * again.
 */
export async function wakeTasks(db: Db, accountId: AccountId, now: number, key: string | null): Promise<void> {
  const waiting = { state: 'waiting' satisfies StoredTaskState, run_at: now, urgent: 1 } as const
  for (const [isRunning, change] of [
    [sql<boolean>`state <> 'running'`, waiting],
    // One that runs may be about to decide that it can wait.
    [sql<boolean>`state = 'running'`, { urgent: 1 }],
  ] as const) {
    let query = db.updateTable('task').set(change).where(isRunning)
    // By the key alone, where there is one: an account may have any number of tasks.
    query =
      key === null
        ? query.where('account_id', '=', accountId)
        : query.where('key', '=', key).where(sql<string>`account_id || ''`, '=', accountId)
    await query.execute()
  }
}

/** The network is back: what waits for it runs now. What failed for another reason keeps its back-off. */
export async function wakeOffline(db: Db, now: number): Promise<void> {
  await db
    .updateTable('task')
    .set({ run_at: now })
    .where('state', '=', 'waiting')
    .where('connect_failures', '>', 0)
    .execute()
}

export async function listTasks(
  db: Db,
  accountId: AccountId,
  page: { readonly limit: number; readonly offset: number },
): Promise<{ readonly items: readonly StoredTask[]; readonly total: number }> {
  // Each half written out, as its partial index asks for it.
  const ofAccount = db
    .selectFrom('task')
    .select('seq')
    .where('account_id', '=', accountId)
    .where('state', '<>', sql.lit('running'))
    .unionAll(
      db.selectFrom('task').select('seq').where('account_id', '=', accountId).where('state', '=', sql.lit('running')),
    )
  const rows = await db
    .selectFrom('task')
    .selectAll()
    .where(
      'seq',
      'in',
      db.selectFrom(ofAccount.as('own')).select('own.seq').orderBy('own.seq').limit(page.limit).offset(page.offset),
    )
    .orderBy('seq')
    .execute()
  const { total } = await db
    .selectFrom(ofAccount.as('own'))
    .select((count) => count.fn.countAll<number | string>().as('total'))
    .executeTakeFirstOrThrow()
  return { items: rows.map(toTask), total: Number(total) }
}

/** Null: it is not in the queue, or no more. */
export async function findTask(db: Db, accountId: AccountId, id: TaskId): Promise<StoredTask | null> {
  const row = await db
    .selectFrom('task')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('id', '=', id)
    .executeTakeFirst()
  return row === undefined ? null : toTask(row)
}

/** @throws {EverdraftError} NOT_FOUND */
export async function retryTask(db: Db, accountId: AccountId, id: TaskId, now: number): Promise<StoredTask> {
  const task = await findTask(db, accountId, id)
  if (task === null) throw new EverdraftError('NOT_FOUND', `there is no task ${id}`)
  if (task.state === 'running') return task
  const fresh = { state: 'waiting', run_at: now, attempts: 0, connect_failures: 0, urgent: 1 } as const
  await db.updateTable('task').set(fresh).where('seq', '=', task.seq).execute()
  return { ...task, state: 'waiting', runAt: now, attempts: 0, connectFailures: 0 }
}

/** The tasks that draft views are overlaid with, by key. */
export async function tasksByKey(
  db: Db,
  kind: string,
  keys: readonly string[],
): Promise<ReadonlyMap<string, readonly StoredTask[]>> {
  const [only] = keys
  if (only === undefined) return new Map()
  const rows =
    keys.length === 1
      ? await tasksOfKey(db, { kind, key: only })
      : await db.selectFrom('task').selectAll().where('kind', '=', kind).where('key', 'in', keys).execute()
  return Map.groupBy(rows.map(toTask), (task) => task.key)
}

const tasksOfKey = prepared((db, input: { readonly kind: string; readonly key: string }) =>
  db.selectFrom('task').selectAll().where('kind', '=', input.kind).where('key', '=', input.key),
)

function toTask(row: Omit<TaskRow, 'seq'> & { readonly seq: number }): StoredTask {
  return {
    seq: row.seq,
    id: row.id as TaskId,
    accountId: row.account_id as AccountId,
    lane: row.lane,
    kind: row.kind,
    key: row.key,
    state: row.state as StoredTaskState,
    attempts: row.attempts,
    connectFailures: row.connect_failures,
    superseded: row.superseded,
    urgent: row.urgent === 1,
    runAt: row.run_at,
    lastError: row.last_error === null ? null : (JSON.parse(row.last_error) as LastError),
    createdAt: row.created_at,
    timeline: row.steps as Timeline,
  }
}
