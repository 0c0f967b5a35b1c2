import type { TaskId, TaskState, TaskView } from '@everdraft/core'
import { z } from 'zod'

import type { App, Context } from '../app.ts'
import {
  accountIdSchema,
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

const taskSchema: z.ZodType<TaskJson> = z
  .object({
    id: z.string(),
    account_id: z.string(),
    kind: z.string(),
    key: z.string(),
    state: z.enum(['waiting', 'running', 'parked', 'failed']),
    attempts: z.int(),
    superseded: z.int(),
    next_run_at: timeSchema.nullable(),
    last_error: lastErrorSchema.nullable(),
    created_at: timeSchema,
  })
  .meta({ id: 'Task' })

// A task's id is the queue's affair: any text is looked up as it is.
const taskIdSchema = z.string().min(1).max(200) as unknown as z.ZodType<TaskId>

export function taskRoutes(app: App, { engine }: Context): void {
  app.get(
    '/accounts/:id/tasks',
    {
      schema: {
        summary: 'The queue: what waits, runs, is parked or has failed',
        params: z.strictObject({ id: accountIdSchema }),
        querystring: pageQuerySchema,
        response: { 200: pageSchema(taskSchema) },
      },
    },
    async (request) => {
      await ownAccount(engine, request.params.id)
      return pageToJson(await engine.tasks.list(request.params.id, request.query), taskToJson)
    },
  )

  app.post(
    '/accounts/:id/tasks/:task_id/retry',
    {
      schema: {
        summary: 'Run a task now, also when it is parked or failed',
        params: z.strictObject({ id: accountIdSchema, task_id: taskIdSchema }),
        response: { 200: taskSchema },
      },
    },
    async (request) => {
      await ownAccount(engine, request.params.id)
      return taskToJson(await engine.tasks.retry(request.params.id, request.params.task_id))
    },
  )
}

// JSON ↔ engine.

function taskToJson(task: TaskView): TaskJson {
  return {
    id: task.id,
    account_id: task.accountId,
    kind: task.kind,
    key: task.key,
    state: task.state,
    attempts: task.attempts,
    superseded: task.superseded,
    next_run_at: task.nextRunAt === null ? null : timeToJson(task.nextRunAt),
    last_error: lastErrorToJson(task.lastError),
    created_at: timeToJson(task.createdAt),
  }
}
