import type { World } from '../world/world.ts'
import type { Checker } from './checker.ts'
import { ask, type SendOnDisk, sendsOnDisk } from './stored.ts'

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
           and (t.key = d.id or t.key in (select id from send where draft_id = d.id) or (t.kind = 'mailbox_sync' and (t.state = 'running' or t.last_error is not null or t.run_at <= ?))))`,
        world.scheduler.now(),
      )
      const unsent = sendsOnDisk(disk.database).flatMap((send) => taskFor(send).map((kind) => ({ id: send.id, kind })))
      const withoutRow = unsent.filter(
        ({ id, kind }) =>
          ask(
            disk.database,
            // What is running ends with such a row, also when its end has to be stored again.
            "select 1 from task where key = ? and (kind = ? or (kind like 'outbox%' and state = 'running'))",
            id,
            kind,
          ).length === 0,
      )
      return [
        ...forgotten.map(({ id }) => `${id} needs something, and nothing in the queue stands for it`),
        ...withoutRow.map(({ id, kind }) => `${id} needs ${kind}, and no row of the queue stands for it`),
      ]
    },
  }
}

/** What is to run for it, by its phase. One of which nobody knows whether it was taken may be left to the user. */
function taskFor({ phase, state }: SendOnDisk): readonly string[] {
  const isLeft = state.recipients.some(({ status }) => status === 'pending' || status === 'temporary')
  switch (phase) {
    case 'queued':
      return isLeft && state.held === null ? ['outbox_check'] : []
    case 'checked':
    case 'frozen':
    case 'transmitting':
    case 'dotting':
      return ['outbox_send']
    case 'accepted':
    case 'filed':
    case 'verified':
      return ['outbox_file', ...(isLeft && state.held === null ? ['outbox_check'] : [])]
    case 'cleaned':
      return isLeft && state.held === null ? ['outbox_check'] : []
    default:
      return []
  }
}
