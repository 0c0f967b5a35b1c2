import { createEngine } from '@everdraft/core'
import { sqlite } from '@everdraft/sqlite'
import type Database from 'better-sqlite3'

import { platformEnvironment } from '../../core/src/engine/platform.ts'
import { uuidv7 } from '../../core/src/ids.ts'
import { openAsTheEngine } from './as-the-engine.ts'
import type { Plan, Run } from './queue.ts'
import { unreachable } from './unreachable.ts'

const { random } = platformEnvironment(undefined)
const newId = (): string => uuidv7(Date.now(), random)

/** As many as the engine stores or ends in one transaction here. */
const together = 100

interface DueRow {
  readonly seq: number
  readonly id: string
  readonly account_id: string
  readonly kind: string
  readonly key: string
  readonly steps: string
}

/**
 * The same rows in the same tables, with their indices, as the engine's queue makes them: the lane, the task, its state
 * and its timeline at each step, the log of what has ended. Statements are prepared once; 100 tasks share a transaction;
 * nothing runs between the claim of a task and its end, and nobody is told of either.
 */
export async function runHandwritten(file: string, { accounts, each }: Plan): Promise<Run> {
  await (await createEngine({ storage: sqlite(file), mailbox: unreachable() })).close()
  const database = openAsTheEngine(file)
  try {
    const ids = Array.from({ length: accounts }, () => newId())
    const tasks = Array.from({ length: each }, () => ids.map((account) => ({ account, key: newId() })))
    const store = storing(database)
    const started = performance.now()
    for (const group of inGroups(tasks.flat())) store(group)
    const enqueued = performance.now()
    const { claim, finish } = draining(database)
    for (const group of inGroups(ids)) {
      let running = claim(group)
      while (running.length > 0) running = finish(running)
    }
    const ended = performance.now()
    const { left } = database.prepare('select count(*) as left from task').get() as { readonly left: number }
    if (left > 0) throw new Error('some tasks are not done')
    return { enqueueMs: enqueued - started, drainMs: ended - enqueued }
  } finally {
    database.close()
  }
}

function inGroups<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / together) }, (_, index) =>
    items.slice(index * together, (index + 1) * together),
  )
}

function step(what: string): string {
  return JSON.stringify({ at: Date.now(), what, error: null })
}

function storing(
  database: Database.Database,
): (tasks: readonly { readonly account: string; readonly key: string }[]) => void {
  const known = database.prepare(`select seq from task where key = ? and kind = ? and state <> 'running'`)
  const laneOf = database.prepare('select seq from lane where id = ?').pluck()
  const addLane = database.prepare('insert into lane (id, account_id, busy, fence) values (?, ?, 0, 0)')
  const add = database.prepare(
    `insert into task (id, account_id, lane, lane_seq, kind, key, state, priority, attempts, connect_failures, superseded,
       run_at, requested_at, created_at, steps)
     values (?, ?, ?, ?, 'draft_upload', ?, 'waiting', 10, 0, 0, 0, ?, ?, ?, ?)`,
  )
  const all = database.transaction((tasks: readonly { readonly account: string; readonly key: string }[]) => {
    for (const { account, key } of tasks) {
      if (known.get(key, 'draft_upload') !== undefined) throw new Error('this task is there already')
      const lane = `${account}/mailbox`
      const number = (laneOf.get(lane) as number | undefined) ?? addLane.run(lane, account).lastInsertRowid
      const now = Date.now()
      add.run(newId(), account, lane, number, key, now, now, now, step('planned'))
    }
  })
  return (tasks) => all.immediate(tasks)
}

interface Running {
  readonly lane: number
  readonly fence: number
  readonly task: DueRow
}

function draining(database: Database.Database) {
  const take = database.prepare(
    'update lane set busy = 1, fence = fence + 1 where id = ? and busy = 0 returning seq, fence',
  )
  const due = database.prepare(
    `select seq, id, account_id, kind, key, steps from task
     where lane_seq = (select cast(? as integer)) and state = 'waiting' and +run_at <= ? order by priority desc, seq limit 1`,
  )
  const start = database.prepare(`update task set state = 'running', steps = ? where seq = ?`)
  const pass = database.prepare('update lane set fence = fence + 1 where seq = ? and fence = ?')
  const free = database.prepare('update lane set busy = 0 where seq = ?')
  const remove = database.prepare('delete from task where seq = ?')
  const log = database.prepare(
    'insert into task_log (task_id, account_id, kind, key, steps, ended_at) values (?, ?, ?, ?, ?, ?)',
  )

  function next(lane: number, fence: number): readonly Running[] {
    const found = due.get(lane, Date.now()) as DueRow | undefined
    if (found === undefined) {
      free.run(lane)
      return []
    }
    const task = { ...found, steps: `${found.steps},${step('started')}` }
    start.run(task.steps, task.seq)
    return [{ lane, fence, task }]
  }

  const claim = database.transaction((accounts: readonly string[]) =>
    accounts.flatMap((account) => {
      const { seq, fence } = take.get(`${account}/mailbox`) as { readonly seq: number; readonly fence: number }
      return next(seq, fence)
    }),
  )
  const finish = database.transaction((running: readonly Running[]) =>
    running.flatMap(({ lane, fence, task }) => {
      if (pass.run(lane, fence).changes !== 1) throw new Error('another run has the lane')
      remove.run(task.seq)
      log.run(task.id, task.account_id, task.kind, task.key, `${task.steps},${step('done')}`, Date.now())
      return next(lane, fence + 1)
    }),
  )
  return {
    claim: (accounts: readonly string[]): readonly Running[] => claim.immediate(accounts),
    finish: (running: readonly Running[]): readonly Running[] => finish.immediate(running),
  }
}
