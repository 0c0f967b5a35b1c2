import { type Selectable, sql } from 'kysely'

import type { LastError } from '../draft/draft.ts'
import { EverdraftError } from '../errors.ts'
import type { AccountId } from '../ids.ts'
import type { Db } from './db.ts'
import { prepared, preparedChange } from './prepared.ts'
import type { TaskRow } from './schema.ts'
import { logTask, type TaskStep, type Timeline, withStep } from './task-steps.ts'
import { notRunning, type StoredTask, type StoredTaskState, tasksOfKey, toTask } from './tasks.ts'

/** Who runs what: a lane runs one task at a time, and claim and completion are part of a transaction with the data. */

export interface Claim {
  readonly task: StoredTask
  readonly laneSeq: number
  /** What every write of this run checks. */
  readonly fence: number
}

/** Takes the next due task of a lane that is not busy; null where there is none. */
export async function claimTask(db: Db, lane: string, now: number): Promise<Claim | null> {
  const [taken] = await takeLane(db, { lane })
  if (taken === undefined) return null
  const { seq: laneSeq, fence } = taken
  const [row] = await dueTask(db, { laneSeq, now })
  if (row !== undefined) return await startTask(db, row, { now, fence })
  await setFree(db, { laneSeq })
  return null
}

/** After `finishTask`, whose lane is still this run's: its next due task, or the lane is free. */
export async function claimAfter(db: Db, claim: Claim, now: number): Promise<Claim | null> {
  const { laneSeq } = claim
  const [row] = await dueTask(db, { laneSeq, now })
  if (row !== undefined) return await startTask(db, row, { now, fence: claim.fence + 1 })
  await freeLane(db, claim)
  return null
}

export async function freeLane(db: Db, { laneSeq }: Claim): Promise<void> {
  await setFree(db, { laneSeq })
}

async function startTask(
  db: Db,
  row: Selectable<TaskRow>,
  { now, fence }: { readonly now: number; readonly fence: number },
): Promise<Claim> {
  const timeline = withStep(row.steps as Timeline, { at: now, what: 'started', error: null })
  await setRunning(db, { seq: row.seq, timeline })
  return { task: toTask({ ...row, state: 'running', steps: timeline }), laneSeq: row.lane_seq, fence }
}

const fenceOf = prepared((db, input: { readonly laneSeq: number }) =>
  db.selectFrom('lane').select('fence').where('seq', '=', input.laneSeq),
)

const dueTask = prepared((db, input: { readonly laneSeq: number; readonly now: number }) =>
  db
    .selectFrom('task')
    .selectAll()
    // In a query of its own, as SQLite plans a statement that orders anew each time such a value changes.
    .where('lane_seq', '=', sql<number>`(select cast(${input.laneSeq} as bigint))`)
    .where('state', '=', sql.lit('waiting'))
    // Not by the index of times: that would sort all that is due, for each claim.
    .where(sql<number>`+run_at`, '<=', input.now)
    .orderBy('priority', 'desc')
    .orderBy('seq')
    .limit(sql.lit(1)),
)

const takeLane = prepared((db, input: { readonly lane: string }) =>
  db
    .updateTable('lane')
    .set({ busy: sql.lit(1), fence: sql<number>`fence + 1` })
    .where('id', '=', input.lane)
    .where('busy', '=', sql.lit(0))
    .returning(['seq', 'fence']),
)

const setFree = prepared((db, input: { readonly laneSeq: number }) =>
  db
    .updateTable('lane')
    .set({ busy: sql.lit(0) })
    .where('seq', '=', input.laneSeq),
)

const passFence = preparedChange((db, input: { readonly laneSeq: number; readonly fence: number }) =>
  db
    .updateTable('lane')
    .set({ fence: sql<number>`fence + 1` })
    .where('seq', '=', input.laneSeq)
    .where('fence', '=', input.fence),
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
    .where('lane_seq', '=', sql<number>`(select lane.seq from lane where lane.id = ${input.lane})`)
    .where('state', '=', sql.lit('waiting')),
)

/** @throws {EverdraftError} CLOSED where somebody else has claimed the lane since */
export async function checkFence(db: Db, { laneSeq, fence }: Claim): Promise<void> {
  const [row] = await fenceOf(db, { laneSeq })
  if (row?.fence !== fence) throw takenOver()
}

function takenOver(): EverdraftError {
  return new EverdraftError('CLOSED', 'this work was taken over by another run')
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
 * Ends a run: its fence is passed. Its lane stays busy: `claimAfter` or `freeLane` comes in the same transaction. Where a
 * newer request of the same kind and key came while it ran, that one goes on alone, with this run's error and back-off, so
 * that one thing never has two rows that are to run.
 * @throws {EverdraftError} CLOSED where somebody else has claimed the lane since
 */
export async function finishTask(db: Db, claim: Claim, end: TaskEnd, step: TaskStep): Promise<void> {
  const { task, laneSeq, fence } = claim
  const { changes } = await passFence(db, { laneSeq, fence })
  if (Number(changes) !== 1) throw takenOver()
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
    const newer = notRunning(await tasksOfKey(db, row), row.account_id as AccountId)
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
            .whereRef('task.lane_seq', '=', 'lane.seq')
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
            .whereRef('task.lane_seq', '=', 'lane.seq')
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
