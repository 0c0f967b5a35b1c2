import type { World } from '../world/world.ts'
import type { Checker } from './checker.ts'
import { ask, hasTables } from './stored.ts'

/**
 * Invariant 7: there are no more drafts than somebody wrote here, and messages that others put into Drafts: none of these is taken
 * in twice, and none of ours comes back as another draft.
 *
 * It catches: a late copy of ours that is taken for somebody's draft.
 */
export function importsAreOfOthers(world: World): Checker {
  const { server, disk, ledger } = world
  let seen = -1
  return {
    invariant: '7: forks ≤ concurrent edits',
    check() {
      if (disk.touched('draft') === seen || !hasTables(disk.database)) return []
      seen = disk.touched('draft')
      // One without a Message-ID is another message after a restore from a backup: nothing names it.
      const sql = "select distinct draft_id as id from attempt where method = 'import' and message_id <> ''"
      const imported = ask<{ readonly id: string }>(disk.database, sql).filter(
        ({ id }) => !ledger.drafts.has(id as never),
      )
      const put = server.foreignArrivals
      return imported.length <= put ? [] : [`${imported.length} drafts were taken in, and others have written ${put}`]
    },
  }
}
