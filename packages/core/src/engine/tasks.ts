import { EverdraftError } from '../errors.ts'
import type { AccountId, TaskId } from '../ids.ts'
import { getAccount } from '../storage/accounts.ts'
import { taskHistory, type TaskHistory } from '../storage/task-steps.ts'
import { findTask, listTasks, retryTask, type StoredTask } from '../storage/tasks.ts'
import type { TaskDetails, Tasks, TaskView } from './api.ts'
import { checkPage } from './paging.ts'
import type { EngineParts } from './parts.ts'

export function createTasks({ store, queue, sessions, submissions, environment }: EngineParts): Tasks {
  return {
    async list(accountId, page = {}) {
      const checked = checkPage(page)
      await store.writeWhatIsLeft()
      return await store.read(async (db) => {
        await getAccount(db, accountId)
        const { items, total } = await listTasks(db, accountId, checked)
        return { items: items.map(taskView), total, ...checked }
      })
    },
    async get(accountId, taskId) {
      await store.writeWhatIsLeft()
      return await store.read(async (db) => {
        const task = await findTask(db, accountId, taskId)
        const history = await taskHistory(db, accountId, taskId)
        if (task !== null) return { ...taskView(task), timeline: history?.steps ?? [] }
        if (history === null) throw new EverdraftError('NOT_FOUND', `there is no task ${taskId}`)
        return endedTask(accountId, taskId, history)
      })
    },
    timeline: (accountId, taskId) => store.read(async (db) => (await taskHistory(db, accountId, taskId))?.steps ?? []),
    async retry(accountId, taskId) {
      sessions.allow(accountId)
      submissions.allow(accountId)
      const task = await store.write(({ db }) => retryTask(db, accountId, taskId, environment.now()))
      queue.wake()
      return taskView(task)
    },
  }
}

function taskView(task: StoredTask): TaskView {
  const { id, accountId, kind, key, state, attempts, superseded, runAt, lastError, createdAt } = task
  const nextRunAt = state === 'waiting' ? runAt : null
  return { id, accountId, kind, key, state, attempts, superseded, nextRunAt, lastError, createdAt }
}

function endedTask(accountId: AccountId, id: TaskId, { kind, key, steps }: TaskHistory): TaskDetails {
  return {
    id,
    accountId,
    kind,
    key,
    state: steps.at(-1)?.what === 'cancelled' ? 'cancelled' : 'done',
    attempts: steps.filter(({ what }) => what === 'started').length,
    superseded: null,
    nextRunAt: null,
    lastError: steps.findLast(({ error }) => error !== null)?.error ?? null,
    createdAt: steps[0]?.at ?? 0,
    timeline: steps,
  }
}
