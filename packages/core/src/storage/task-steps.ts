import type { LastError } from '../draft/draft.ts'
import type { AccountId, TaskId } from '../ids.ts'
import type { Db } from './db.ts'
import { prepared } from './prepared.ts'

/** What happens to a task, in the order in which it happens. */
export type TaskStepKind = 'planned' | 'started' | 'done' | 'retrying' | 'offline' | 'parked' | 'failed' | 'cancelled'

/** One line of a task's timeline. */
export interface TaskStep {
  readonly at: number
  readonly what: TaskStepKind
  readonly error: LastError | null
}

/**
 * A timeline as it is stored: JSON of the steps, without the brackets around. It stands in the task's row, which is
 * written at each step anyway, and goes to `task_log` when the task ends.
 */
export type Timeline = string & { readonly timeline: unique symbol }

/** A task that is tried for weeks keeps its first step and its latest. */
const longestTimeline = 16_384
const latestSteps = 50

export function firstStep(step: TaskStep): Timeline {
  return JSON.stringify(step) as Timeline
}

export function withStep(timeline: Timeline, step: TaskStep): Timeline {
  if (timeline === '') return firstStep(step)
  if (timeline.length <= longestTimeline) return `${timeline},${JSON.stringify(step)}` as Timeline
  const [first, ...later] = stepsOf(timeline)
  return [first, ...later.slice(-latestSteps), step].map((one) => JSON.stringify(one)).join(',') as Timeline
}

function stepsOf(timeline: Timeline): readonly TaskStep[] {
  return JSON.parse(`[${timeline}]`) as TaskStep[]
}

interface EndedTask {
  readonly id: TaskId
  readonly accountId: AccountId
  readonly kind: string
  readonly key: string
  readonly timeline: Timeline
}

/** The row of the task goes; this is what is told of it. */
export async function logTask(db: Db, { id, accountId, kind, key, timeline }: EndedTask, at: number): Promise<void> {
  await addToLog(db, { id, accountId, kind, key, timeline, at })
}

const addToLog = prepared((db, input: EndedTask & { readonly at: number }) =>
  db.insertInto('task_log').values({
    task_id: input.id,
    account_id: input.accountId,
    kind: input.kind,
    key: input.key,
    steps: input.timeline,
    ended_at: input.at,
  }),
)

/** A task as its steps tell of it. */
export interface TaskHistory {
  readonly kind: string
  readonly key: string
  /** Oldest first; at least one. */
  readonly steps: readonly TaskStep[]
}

/** Also of a task that is done, until the log is dropped by age. Null: there is none. */
export async function taskHistory(db: Db, accountId: AccountId, id: TaskId): Promise<TaskHistory | null> {
  const waiting = await db
    .selectFrom('task')
    .select(['kind', 'key', 'steps'])
    .where('id', '=', id)
    .where('account_id', '=', accountId)
    .executeTakeFirst()
  const row =
    waiting ??
    (await db
      .selectFrom('task_log')
      .select(['kind', 'key', 'steps'])
      .where('task_id', '=', id)
      .where('account_id', '=', accountId)
      .executeTakeFirst())
  if (row === undefined || row.steps === '') return null
  return { kind: row.kind, key: row.key, steps: stepsOf(row.steps as Timeline) }
}

/** Of tasks that ended before `at`. */
export async function dropTaskLogBefore(db: Db, at: number): Promise<void> {
  await db
    .deleteFrom('task_log')
    // Ids are in the order of time, and no task ends before it begins: so nobody reads what is newer.
    .where('task_id', '<', firstIdAt(at))
    .where('ended_at', '<', at)
    .execute()
}

/** Not above any UUIDv7 that is made at that time or later (RFC 9562 §5.7). */
function firstIdAt(ms: number): string {
  const hex = Math.max(0, Math.floor(ms)).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}`
}
