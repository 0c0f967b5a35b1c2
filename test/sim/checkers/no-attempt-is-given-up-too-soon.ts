import type { World } from '../world/world.ts'
import type { Checker } from './checker.ts'
import { ask, hasTables } from './stored.ts'

interface Row {
  readonly id: string
  readonly message_id: string
  readonly folder: string
  readonly uid_validity: number
}

/**
 * Invariant 8, its bytes: an upload is called absent only when its copy is not there. Else it is sent once more, for
 * nothing (hazard 4).
 */
export function noAttemptIsGivenUpTooSoon(world: World): Checker {
  const { disk, server } = world
  const judged = new Set<string>()
  let seen = -1
  return {
    invariant: '8: no byte is sent for a copy that is there',
    check() {
      const { database } = disk
      if (disk.touched('attempt') === seen || !hasTables(database)) return []
      seen = disk.touched('attempt')
      const sql = "select id, message_id, folder, uid_validity from attempt where state = 'absent'"
      const fresh = ask<Row>(database, sql).filter((row) => !judged.has(row.id))
      for (const { id } of fresh) judged.add(id)
      return fresh.flatMap((row) => {
        const there = server.copies().find(
          (copy) =>
            copy.arrival.by === 'engine' &&
            copy.arrival.messageId === row.message_id &&
            copy.folder === row.folder &&
            // What came after the engine's last look, it could not see.
            copy.arrival.order < server.seenArrivals,
        )
        return there === undefined ? [] : [`${row.message_id} is called absent, and is UID ${there.uid}`]
      })
    },
  }
}
