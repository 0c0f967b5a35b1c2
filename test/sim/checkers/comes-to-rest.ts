import type { World } from '../world/world.ts'
import type { Checker } from './checker.ts'

interface TaskOnDisk {
  readonly kind: string
  readonly key: string
  readonly state: string
  readonly run_at: number
  readonly last_error: string | null
}

/** The part of invariant 8 that can be seen here: all work ends, and what is parked says why. */
export function comesToRest(world: World): Checker {
  const { database } = world.disk
  return {
    invariant: '8: quiescence is reached',
    check() {
      const complaints: string[] = []
      const count = (sql: string): number => database.prepare(sql).pluck().get() as number
      const tasks = database.prepare('select kind, key, state, run_at, last_error from task').all() as TaskOnDisk[]
      const parked = new Set(tasks.filter((task) => task.state === 'parked').map((task) => task.key))
      for (const task of tasks) {
        const due = task.state === 'waiting' && task.run_at <= world.scheduler.now()
        if (task.state === 'running' || task.state === 'failed' || due) {
          complaints.push(`${task.kind} ${task.key} is ${task.state}: ${task.last_error ?? 'no error'}`)
        }
        if (task.state === 'parked' && task.last_error === null)
          complaints.push(`${task.key} is parked without a reason`)
      }
      if (count("select count(*) from attempt where state = 'open'") > 0) complaints.push('an attempt is open')
      const owing = database
        .prepare(
          `select id from draft where (status = 'draft' and sync_state <> 'synchronized' and policy <> 'local-only')
           or id in (select draft_id from delete_debt)`,
        )
        .pluck()
        .all() as string[]
      for (const id of owing) if (!parked.has(id)) complaints.push(`${id} has work left, and no reason is shown`)
      return complaints
    },
  }
}
