import type { World } from '../world/world.ts'
import type { Checker } from './checker.ts'
import { ask } from './stored.ts'

/**
 * Invariant 8, that rest can be reached at all: whatever a draft still needs, a row of the queue stands for it while the
 * engine runs (hazard 30). A round over the folder ends with such rows, also when it has to be tried again.
 */
export function workHasAMarker(world: World): Checker {
  const { disk } = world
  let seen = -1
  return {
    invariant: '8: no work without a row of the queue',
    check() {
      if (world.engine === null || disk.commits === seen) return []
      seen = disk.commits
      const forgotten = ask<{ readonly id: string }>(
        disk.database,
        `select d.id from draft d
         where ((d.status = 'draft' and d.sync_state <> 'synchronized' and d.policy <> 'local-only')
           or exists (select 1 from delete_debt b where b.draft_id = d.id)
           or exists (select 1 from attempt a where a.draft_id = d.id and a.state = 'open'))
         and not exists (select 1 from task t where t.account_id = d.account_id
           and (t.key = d.id or (t.kind = 'mailbox_sync' and (t.state = 'running' or t.last_error is not null or t.run_at <= ?))))`,
        world.scheduler.now(),
      )
      return forgotten.map(({ id }) => `${id} needs something, and nothing in the queue stands for it`)
    },
  }
}
