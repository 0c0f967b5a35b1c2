import type { Hand, Loss } from '../world/server.ts'
import type { World } from '../world/world.ts'
import type { Checker } from './checker.ts'
import { ask, draftsOnDisk, modelledIn, receiptAt, revisionsOnDisk, sameMessage } from './stored.ts'

/** Invariant 2: what we expunge is durable here, and the receipt is ours; nobody else's message is ever removed by us. */
export function expungeHasAReceipt(world: World): Checker {
  const { losses } = world.server
  const { database } = world.disk
  let judged = 0

  function judge(loss: Loss): string | null {
    const { arrival, uid, verb } = loss
    const what = `${verb} of UID ${uid} (${arrival.messageId ?? 'no Message-ID'})`
    const receipt = receiptAt(database, loss)
    if (receipt === undefined && arrival.by === 'foreign') {
      return couldNotKnow(loss) ? null : `${what}: the message is not ours`
    }
    // What a plain EXPUNGE takes of ours was marked before, and its receipt was looked at then.
    if (verb === 'EXPUNGE' && wasMarked(loss, 'engine', Number.NEGATIVE_INFINITY)) return null
    if (receipt === undefined) return `${what}: there is no receipt for it`
    if (receipt.message_id !== (arrival.messageId ?? '')) return `${what}: the receipt is for ${receipt.message_id}`
    const [attempt] = ask<{ readonly draft_id: string; readonly version: number }>(
      database,
      'select draft_id, version from attempt where id = ?',
      receipt.attempt_id,
    )
    if (attempt === undefined) return `${what}: no attempt of ours made it`
    const draft = draftsOnDisk(database).find((one) => one.id === attempt.draft_id)
    const held = draft === undefined ? undefined : revisionsOnDisk(database, draft).get(attempt.version)?.content
    if (held === undefined) return `${what}: revision ${attempt.version} of ${attempt.draft_id} is not held`
    return sameMessage(modelledIn(arrival.bytes), held) ? null : `${what}: what it says is not what is held`
  }

  /** Without UIDPLUS, somebody may mark a message between our look and our EXPUNGE: no client can close that gap. */
  function couldNotKnow(loss: Loss): boolean {
    return loss.verb === 'EXPUNGE' && wasMarked(loss, 'foreign', loss.searchedForDeletedMs)
  }

  function wasMarked({ arrival }: Loss, by: Hand, sinceMs: number): boolean {
    return losses.some(
      (other) =>
        other.by === by && other.how === 'marked-deleted' && other.arrival === arrival && other.atMs >= sinceMs,
    )
  }

  return {
    invariant: '2: what we expunge is durable here, and the receipt is ours',
    check() {
      // Sent has a rule of its own.
      const fresh = losses.slice(judged).filter((loss) => loss.by === 'engine' && loss.folder !== 'Sent')
      judged = losses.length
      return fresh.flatMap((loss) => judge(loss) ?? [])
    },
  }
}
