import type { TaskDetails, TaskId, TaskState, TaskStep, TaskStepKind, TaskView } from '@everdraft/core'
import { z } from 'zod'

import type { App, Context } from '../app.ts'
import {
  accountIdSchema,
  accountPathSchema,
  lastErrorSchema,
  lastErrorToJson,
  pageQuerySchema,
  pageSchema,
  pageToJson,
  timeSchema,
  timeToJson,
  type LastErrorJson,
} from '../fields.ts'
import { ownAccount } from '../ownership.ts'

export interface TaskJson {
  readonly id: string
  readonly account_id: string
  readonly kind: string
  readonly key: string
  readonly state: TaskState
  readonly attempts: number
  readonly superseded: number
  readonly next_run_at: string | null
  readonly last_error: LastErrorJson | null
  readonly created_at: string
}

export interface TaskStepJson {
  readonly at: string
  readonly what: TaskStepKind
  readonly error: LastErrorJson | null
}

/** A task that has left the queue has its timeline, and what can be told from it. */
export interface TaskDetailsJson extends Omit<TaskJson, 'state' | 'superseded'> {
  readonly state: TaskState | 'done' | 'cancelled'
  readonly superseded: number | null
  readonly timeline: readonly TaskStepJson[]
}

const states = ['waiting', 'running', 'parked', 'failed'] as const

const taskShape = {
  id: z.string(),
  account_id: z.string(),
  kind: z.string(),
  key: z.string(),
  state: z.enum(states),
  attempts: z.int(),
  superseded: z.int(),
  next_run_at: timeSchema.nullable(),
  last_error: lastErrorSchema.nullable(),
  created_at: timeSchema,
}

const taskSchema: z.ZodType<TaskJson> = z.object(taskShape).meta({ id: 'Task' })

const stepKinds = [
  'planned',
  'started',
  'done',
  'retrying',
  'offline',
  'parked',
  'failed',
  'cancelled',
] as const satisfies readonly TaskStepKind[]

const stepSchema: z.ZodType<TaskStepJson> = z
  .object({ at: timeSchema, what: z.enum(stepKinds), error: lastErrorSchema.nullable() })
  .meta({ id: 'TaskStep' })

const taskDetailsSchema: z.ZodType<TaskDetailsJson> = z
  .object({
    ...taskShape,
    state: z.enum([...states, 'done', 'cancelled']),
    superseded: z.int().nullable(),
    timeline: z.array(stepSchema),
  })
  .meta({ id: 'TaskDetails' })

// A task's id is the queue's affair: any text is looked up as it is.
const taskIdSchema = z.string().min(1).max(200) as unknown as z.ZodType<TaskId>
const taskPathSchema = z.strictObject({ id: accountIdSchema, task_id: taskIdSchema })

export function taskRoutes(app: App, { engine }: Context): void {
  app.get(
    '/accounts/:id/tasks',
    {
      config: { access: 'read' },
      schema: {
        summary: 'The queue: what waits, runs, is parked or has failed',
        params: accountPathSchema,
        querystring: pageQuerySchema,
        response: { 200: pageSchema(taskSchema) },
      },
    },
    async (request) => {
      await ownAccount(engine, request, request.params.id)
      return pageToJson(await engine.tasks.list(request.params.id, request.query), taskToJson)
    },
  )

  app.get(
    '/accounts/:id/tasks/:task_id',
    {
      config: { access: 'read' },
      schema: {
        summary: 'A task and its timeline, oldest step first; also one that is done, for 30 days',
        description: 'Of a task that has left the queue `superseded` is null.',
        params: taskPathSchema,
        response: { 200: taskDetailsSchema },
      },
    },
    async (request) => {
      const { id, task_id: taskId } = request.params
      await ownAccount(engine, request, id)
      return taskDetailsToJson(await engine.tasks.get(id, taskId))
    },
  )

  app.post(
    '/accounts/:id/tasks/:task_id/retry',
    {
      config: { access: 'write' },
      schema: {
        summary: 'Run a task now, also when it is parked or failed',
        params: taskPathSchema,
        response: { 200: taskSchema },
      },
    },
    async (request) => {
      await ownAccount(engine, request, request.params.id)
      return taskToJson(await engine.tasks.retry(request.params.id, request.params.task_id))
    },
  )
}

// JSON ↔ engine.

function taskDetailsToJson(task: TaskDetails): TaskDetailsJson {
  const { state, superseded, timeline } = task
  return { ...commonToJson(task), state, superseded, timeline: timeline.map(stepToJson) }
}

function stepToJson({ at, what, error }: TaskStep): TaskStepJson {
  return { at: timeToJson(at), what, error: lastErrorToJson(error) }
}

function taskToJson(task: TaskView): TaskJson {
  return { ...commonToJson(task), state: task.state, superseded: task.superseded }
}

function commonToJson(task: TaskView | TaskDetails): Omit<TaskJson, 'state' | 'superseded'> {
  return {
    id: task.id,
    account_id: task.accountId,
    kind: task.kind,
    key: task.key,
    attempts: task.attempts,
    next_run_at: task.nextRunAt === null ? null : timeToJson(task.nextRunAt),
    last_error: lastErrorToJson(task.lastError),
    created_at: timeToJson(task.createdAt),
  }
}
