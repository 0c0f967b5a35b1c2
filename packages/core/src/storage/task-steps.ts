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

interface TaskOfStep {
  readonly id: TaskId
  readonly accountId: AccountId
  readonly kind: string
  readonly key: string
}

export async function insertTaskStep(db: Db, task: TaskOfStep, step: TaskStep): Promise<void> {
  const { id, accountId, kind, key } = task
  const error = step.error === null ? null : JSON.stringify(step.error)
  await addStep(db, { id, accountId, kind, key, at: step.at, what: step.what, error })
}

const addStep = prepared((db, input: TaskOfStep & Omit<TaskStep, 'error'> & { readonly error: string | null }) =>
  db.insertInto('task_step').values({
    task_id: input.id,
    account_id: input.accountId,
    kind: input.kind,
    key: input.key,
    at: input.at,
    what: input.what,
    error: input.error,
  }),
)

/** A task as its steps tell of it. */
export interface TaskHistory {
  readonly kind: string
  readonly key: string
  /** Oldest first; at least one. */
  readonly steps: readonly TaskStep[]
}

/** Also of a task that is done, until its steps are dropped by age. Null: there is none. */
export async function taskHistory(db: Db, accountId: AccountId, id: TaskId): Promise<TaskHistory | null> {
  const rows = await db
    .selectFrom('task_step')
    .selectAll()
    .where('task_id', '=', id)
    .where('account_id', '=', accountId)
    .orderBy('seq')
    .execute()
  const [first] = rows
  if (first === undefined) return null
  const steps = rows.map((row) => ({
    at: row.at,
    what: row.what as TaskStepKind,
    error: row.error === null ? null : (JSON.parse(row.error) as LastError),
  }))
  return { kind: first.kind, key: first.key, steps }
}
