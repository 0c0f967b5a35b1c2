import type { Loss } from '../world/server.ts'
import type { World } from '../world/world.ts'
import type { Checker } from './checker.ts'

/**
 * Invariant 2 in Sent: the only thing that ever goes there by us is what we filed ourselves, while an equal and distinct copy lies
 * beside it (hazard 8).
 *
 * It catches: the server's copy removed instead of ours.
 */
export function nothingGoesFromSent(world: World): Checker {
  const { server, provider } = world
  let judged = 0

  function judge({ arrival, uid, verb }: Loss): string | null {
    const what = `${verb} of UID ${uid} in Sent (${arrival.messageId ?? 'no Message-ID'})`
    if (arrival.by !== 'engine') return `${what}: it is not ours`
    // Whoever was not told whether it went may have sent it again, under its own id.
    const delivered = provider.deliveries.filter(({ bytes }) => idOf(bytes) === arrival.messageId)
    const names = new Set([arrival.messageId, ...delivered.map(({ messageId }) => messageId)])
    const beside = server
      .copies()
      .some(
        (copy) =>
          copy.folder === 'Sent' &&
          !copy.deleted &&
          copy.arrival !== arrival &&
          names.has(copy.arrival.messageId ?? ''),
      )
    return beside ? null : `${what}: no other copy lies beside it`
  }

  return {
    invariant: '2: nothing goes from Sent but our own second copy',
    check() {
      const fresh = server.losses.slice(judged).filter((loss) => loss.by === 'engine' && loss.folder === 'Sent')
      judged = server.losses.length
      return fresh.flatMap((loss) => judge(loss) ?? [])
    },
  }
}

function idOf(bytes: Uint8Array): string | null {
  return /^Message-ID: (.*)$/m.exec(Buffer.from(bytes).toString('latin1'))?.[1]?.trim() ?? null
}
