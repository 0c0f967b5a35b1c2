import type { World } from '../world/world.ts'
import type { Checker } from './checker.ts'
import { draftsOnDisk, sendsOnDisk } from './stored.ts'

/** What a minute, a request, an upload or an accident costs in commands. The worst of 1,000 lives comes to half of it. */
const commandBytes = 500

/**
 * Invariant 8: what goes over the wire is bounded by what people wrote and by what went wrong, whatever the seed (hazards 3, 4, 16).
 *
 * Stored is at most each version once, for each consent the copy in Sent and the draft that was taken back, and once more for each
 * accident: a fault of the network, a death of the process, a message that another hand moved or took. It catches: an upload for each
 * save although later ones supersede it, one that is repeated without a reason, and a question that is asked for ever.
 */
export function wireWithinBudget(world: World): Checker {
  const { server, disk, network, scheduler } = world
  const startedAtMs = scheduler.now()
  return {
    invariant: '8: the wire stays within its budget',
    check() {
      const versions = draftsOnDisk(disk.database).reduce((sum, { version }) => sum + version, 0)
      const accidents = network.disturbances + world.deaths + server.foreignChanges
      const { uploads, receivedBytes } = server
      const mostUploads = versions + 2 * sendsOnDisk(disk.database).length + accidents
      const sizes = uploads.map(({ bytes }) => bytes.length)
      const minutes = Math.ceil((scheduler.now() - startedAtMs) / 60_000)
      const mostBytes =
        sizes.reduce((sum, size) => sum + size, 0) +
        accidents * Math.max(0, ...sizes) +
        commandBytes * (uploads.length + world.requests + accidents + minutes)
      return [
        ...(uploads.length > mostUploads
          ? [`${uploads.length} messages were stored, at most ${mostUploads} need be`]
          : []),
        ...(receivedBytes > mostBytes ? [`${receivedBytes} bytes went to the server, at most ${mostBytes} need`] : []),
      ]
    },
  }
}
