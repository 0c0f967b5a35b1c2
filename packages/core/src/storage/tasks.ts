import { type Selectable, sql } from 'kysely'

import type { LastError } from '../draft/draft.ts'
import { EverdraftError } from '../errors.ts'
import type { AccountId, TaskId } from '../ids.ts'
import type { TaskRow } from './schema.ts'
import { type Answered, whenAnswered } from './direct.ts'
import { endSaves, isPostponed, joinedAt, rememberWaiting, type TaskRequest } from './postponed.ts'
import { prepared, preparedForEach } from './prepared.ts'
import type { Db } from './db.ts'
import { firstStep, type Timeline } from './task-steps.ts'

/** The queue's rows, and how requests join them: part of the transaction with the data that they are about. */

export type StoredTaskState = 'waiting' | 'running' | 'parked' | 'failed'

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

export interface Enqueue extends TaskRequest {
  /** Of a new row; most requests join one that waits. */
  readonly newId: () => TaskId
  readonly lane: string
  readonly urgent: boolean
}

/**
 * Adds a task, or joins it with the one of the same kind and key that is not running: that one then runs for both, and
 * counts one superseded. A parked or failed one is woken up, as what it was to do has changed.
 * @returns all of this kind and key, as they are afterwards
 */
export function enqueueTask(db: Db, task: Enqueue): Answered<readonly TaskFace[]> {
  return whenAnswered(isPostponed(db, task), (postponed) =>
    postponed ? [newFace] : whenAnswered(endSaves(db), () => addOrJoin(db, task)),
  )
}

async function addOrJoin(db: Db, task: Enqueue): Promise<readonly TaskFace[]> {
  const { accountId, kind, key } = task
  const rows = await joinableRows(db, { kind, key })
  const waiting = notRunning(rows, accountId)
  if (waiting === undefined) {
    await addTask(db, task)
    return [...rows.map(toFace), newFace]
  }
  if (task.join === 'keep') return rows.map(toFace)
  const wasWaiting = waiting.state === 'waiting'
  const requestedAt = wasWaiting ? waiting.requested_at : task.now
  // A back-off that runs is kept: a save must not make us knock sooner at a server that just failed.
  const backingOff = wasWaiting && waiting.attempts + waiting.connect_failures > 0
  const asked = task.now + task.delayMs
  const joined =
    task.join === 'sooner'
      ? Math.min(asked, wasWaiting ? waiting.run_at : asked)
      : joinedAt(task, task.join, requestedAt)
  const runAt = backingOff ? waiting.run_at : joined
  const superseded = waiting.superseded + 1
  if (wasWaiting && waiting.priority >= task.priority) {
    const { seq, priority, last_error } = waiting
    await postponeTask(db, { seq, runAt, superseded })
    const isNew = rows.length === 1 && !backingOff && last_error === null
    if (isNew) rememberWaiting(db, task, { seq, accountId, priority, requestedAt, runAt, superseded })
    return rows.map(toFace)
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
  return rows.map((row) => toFace(row === waiting ? { ...row, ...past, state: 'waiting' } : row))
}

const newFace: TaskFace = { state: 'waiting', attempts: 0, connectFailures: 0, lastError: null }

/** What a request looks at; each column that is read costs as much as it takes SQLite to find the row. */
const joinableRows = prepared((db, input: { readonly kind: string; readonly key: string }) => {
  const rows = db
    .selectFrom('task')
    .select(['seq', 'account_id', 'state', 'priority', 'attempts', 'connect_failures', 'superseded'])
    .select(['run_at', 'requested_at', 'last_error'])
    .where('kind', '=', input.kind)
    .where('key', '=', input.key)
  return rows.where(isIdle).unionAll(rows.where(isRunning))
})

/** At most one: requests join. */
export function notRunning<Row extends { readonly account_id: string; readonly state: string }>(
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
  await addRow(db, {
    id,
    accountId,
    lane,
    laneSeq: await laneNumber(db, { lane, accountId }),
    kind,
    key,
    priority,
    urgent: task.urgent ? 1 : 0,
    runAt: now + task.delayMs,
    now,
    timeline: firstStep({ at: now, what: 'planned', error: null }),
  })
}

interface LaneName {
  readonly lane: string
  readonly accountId: AccountId
}

/** As the queue's rows name it; a lane that is not there yet is made. */
export async function laneNumber(db: Db, name: LaneName): Promise<number> {
  const [row] = await laneOfName(db, name)
  if (row !== undefined) return row.seq
  const [added] = await addLane(db, name)
  if (added === undefined) throw new EverdraftError('STORAGE_ERROR', 'the store took no lane')
  return added.seq
}

const laneOfName = prepared((db, input: LaneName) => db.selectFrom('lane').select('seq').where('id', '=', input.lane))

const addLane = prepared((db, input: LaneName) =>
  db
    .insertInto('lane')
    .values({ id: input.lane, account_id: input.accountId, busy: sql.lit(0), fence: sql.lit(0) })
    .returning('seq'),
)

const addRow = prepared(
  (
    db,
    input: Pick<Enqueue, 'accountId' | 'lane' | 'kind' | 'key' | 'priority' | 'now'> & {
      readonly id: TaskId
      readonly laneSeq: number
      readonly runAt: number
      readonly urgent: number
      readonly timeline: Timeline
    },
  ) =>
    db.insertInto('task').values({
      id: input.id,
      account_id: input.accountId,
      lane: input.lane,
      lane_seq: input.laneSeq,
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

/**
 * Debounce, byte budget and back-off are overridden: all that waits is due now, and what failed or is parked is tried
 * again.
 */
export async function wakeTasks(db: Db, accountId: AccountId, now: number, key: string | null): Promise<void> {
  const waiting = { state: 'waiting' satisfies StoredTaskState, run_at: now, urgent: 1 } as const
  const idle = db.updateTable('task').set(waiting)
  // One that runs may be about to decide that it can wait.
  const running = db.updateTable('task').set({ urgent: 1 }).where(isRunning).where('account_id', '=', accountId)
  if (key === null) {
    const lanes = lanesOf(db, accountId)
    await idle.where('lane_seq', 'in', lanes).where(isWaiting).execute()
    await idle.where('lane_seq', 'in', lanes).where(isStopped).execute()
    await running.execute()
  } else {
    // By the key: an account may have any number of tasks.
    await idle.where('key', '=', key).where(isIdle).where('account_id', '=', accountId).execute()
    await running.where('key', '=', key).execute()
  }
}

/** Written out, as the partial indices ask for it. */
const isWaiting = sql<boolean>`state = 'waiting'`
const isRunning = sql<boolean>`state = 'running'`
const isIdle = sql<boolean>`state <> 'running'`
/** Parked or failed. */
const isStopped = sql<boolean>`state <> 'running' and state <> 'waiting'`

function lanesOf(db: Db, accountId: AccountId) {
  return db.selectFrom('lane').select('lane.seq').where('lane.account_id', '=', accountId)
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
  const lanes = lanesOf(db, accountId)
  const ofAccount = db
    .selectFrom('task')
    .select('seq')
    .where('lane_seq', 'in', lanes)
    .where(isWaiting)
    .unionAll(db.selectFrom('task').select('seq').where('lane_seq', 'in', lanes).where(isStopped))
    .unionAll(db.selectFrom('task').select('seq').where('account_id', '=', accountId).where(isRunning))
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
      : (await rowsOfKeys(db, keys)).filter((row) => row.kind === kind)
  return Map.groupBy(rows.map(toTask), (task) => task.key)
}

/** In whatever account. */
export async function runsNow(db: Db, kind: string, key: string): Promise<boolean> {
  return (await runningRow(db, { kind, key })).length > 0
}

const runningRow = prepared((db, input: { readonly kind: string; readonly key: string }) =>
  db.selectFrom('task').select('seq').where('kind', '=', input.kind).where('key', '=', input.key).where(isRunning),
)

/** Whatever their state and account; at most one of an account runs, and at most one does not. */
export async function tasksOfKey(
  db: Db,
  { kind, key }: { readonly kind: string; readonly key: string },
): Promise<readonly Selectable<TaskRow>[]> {
  return await rowsOfKey(db, { kind, key })
}

const rowsOfKeys = preparedForEach((db, keys: readonly string[]) => {
  const rows = db.selectFrom('task').selectAll().where('key', 'in', keys)
  return rows.where(isIdle).unionAll(rows.where(isRunning))
})

const rowsOfKey = prepared((db, input: { readonly kind: string; readonly key: string }) => {
  const rows = db.selectFrom('task').selectAll().where('kind', '=', input.kind).where('key', '=', input.key)
  return rows.where(isIdle).unionAll(rows.where(isRunning))
})

type FaceRow = Pick<TaskRow, 'state' | 'attempts' | 'connect_failures' | 'last_error'>

function toFace(row: FaceRow): TaskFace {
  return {
    state: row.state as StoredTaskState,
    attempts: row.attempts,
    connectFailures: row.connect_failures,
    lastError: row.last_error === null ? null : (JSON.parse(row.last_error) as LastError),
  }
}

export function toTask(row: Omit<TaskRow, 'seq'> & { readonly seq: number }): StoredTask {
  return {
    seq: row.seq,
    id: row.id as TaskId,
    accountId: row.account_id as AccountId,
    lane: row.lane,
    kind: row.kind,
    key: row.key,
    ...toFace(row),
    superseded: row.superseded,
    urgent: row.urgent === 1,
    runAt: row.run_at,
    createdAt: row.created_at,
    timeline: row.steps as Timeline,
  }
}
