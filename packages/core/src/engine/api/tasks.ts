import type { LastError } from '../../draft/draft.ts'
import type { AccountId, TaskId } from '../../ids.ts'
import type { TaskStep } from '../../storage/task-steps.ts'
import type { Page, PageRequest } from './pages.ts'

export type TaskState = 'waiting' | 'running' | 'parked' | 'failed'

/** A row of the queue as users may see it. */
export interface TaskView {
  readonly id: TaskId
  readonly accountId: AccountId
  readonly kind: string
  /** What it is about: the draft's id for `draft_upload`. */
  readonly key: string
  readonly state: TaskState
  readonly attempts: number
  /** How many newer requests this one stands for. */
  readonly superseded: number
  readonly nextRunAt: number | null
  readonly lastError: LastError | null
  readonly createdAt: number
}

/** A task and what happened to it. */
export interface TaskDetails extends Omit<TaskView, 'state' | 'superseded'> {
  /** `done` and `cancelled` have left the queue. */
  readonly state: TaskState | 'done' | 'cancelled'
  /** Null once it has left the queue. */
  readonly superseded: number | null
  /** Oldest first. */
  readonly timeline: readonly TaskStep[]
}

export interface Tasks {
  /** What waits, runs, is parked or has failed; what is done leaves the queue. */
  list(accountId: AccountId, page?: PageRequest): Promise<Page<TaskView>>
  /** Also one that has left the queue, for 30 days. @throws {EverdraftError} NOT_FOUND */
  get(accountId: AccountId, taskId: TaskId): Promise<TaskDetails>
  /** Its timeline, oldest first; also of a task that is done, for 30 days. */
  timeline(accountId: AccountId, taskId: TaskId): Promise<readonly TaskStep[]>
  /** Runs it now, also when it is parked or failed; its attempts count from 0 again. @throws {EverdraftError} NOT_FOUND */
  retry(accountId: AccountId, taskId: TaskId): Promise<TaskView>
}
