import type { Arrival } from '../world/server.ts'
import type { World } from '../world/world.ts'
import type { Checker } from './checker.ts'
import { ask, isOf, receiptAt } from './stored.ts'

/** A task that was on the wire has ended after this: a few commands, each with its time-out. */
const longestRunMs = 120_000

/** Invariant 3: once uploaded, a wanted draft never has zero server copies through us. */
export function neverZeroCopies(world: World): Checker {
  const { server, disk, ledger, scheduler } = world
  let judged = 0

  function markedByHand(arrival: Arrival): boolean {
    return server.losses.some(
      (loss) => loss.by === 'foreign' && loss.how === 'marked-deleted' && loss.arrival === arrival,
    )
  }

  /** Of its text: copies may come late, or be put back, and then the order in which they came says nothing. */
  function versionOf({ messageId }: Arrival): number {
    const sql = 'select max(version) as version from attempt where message_id = ?'
    return ask<{ readonly version: number | null }>(disk.database, sql, messageId ?? '')[0]?.version ?? 0
  }

  /** The engine knows that its copy is gone, by another hand: an older one that is put back after it is owed all the same. */
  function isMissing(draftId: string): boolean {
    const sql = 'select 1 from server_name where draft_id = ? and missing_since is not null'
    return ask(disk.database, sql, draftId).length > 0
  }

  /** Of what another program stored and we took in, the receipt tells. */
  function ownerOf(place: Parameters<typeof receiptAt>[1], arrival: Arrival): string | null {
    if (arrival.by === 'engine') return arrival.draftId
    return receiptAt(disk.database, place)?.draft_id ?? null
  }

  return {
    invariant: '3: a wanted draft never has zero server copies through us',
    check() {
      // What another hand has marked goes by that hand, whoever sends the EXPUNGE.
      const fresh = server.losses
        .slice(judged)
        .filter((loss) => loss.by === 'engine' && !(loss.how === 'removed' && markedByHand(loss.arrival)))
      judged = server.losses.length
      const touched = new Set(fresh.flatMap((loss) => ownerOf(loss, loss.arrival) ?? []))
      const complaints: string[] = []
      for (const draftId of touched) {
        const sql = 'select status from draft where id = ?'
        const [row] = ask<{ readonly status: string }>(disk.database, sql, draftId)
        if (row === undefined || row.status === 'discarded' || row.status === 'sent') continue
        // Taken back while its removal was on the wire: nobody can call that back.
        const takenBackMs = ledger.takenBackMs.get(draftId) ?? Number.NEGATIVE_INFINITY
        if (scheduler.now() - takenBackMs < longestRunMs) continue
        const lost = fresh.filter((loss) => ownerOf(loss, loss.arrival) === draftId)
        const copies = server.copies().filter((copy) => ownerOf(copy, copy.arrival) === draftId)
        // One that another hand has marked is there all the same: what becomes of it is not our doing.
        if (copies.some((copy) => !copy.deleted || markedByHand(copy.arrival))) continue
        const newest = Math.max(...lost.map((loss) => versionOf(loss.arrival)))
        const last = Math.max(...lost.map((loss) => loss.arrival.order))
        // Another hand took what we held to be the copy, while these were there, and we could not know yet.
        const taken = server.losses.some(
          (loss) =>
            loss.by === 'foreign' &&
            (loss.arrivals >= last || isMissing(draftId)) &&
            isOf(disk.database, draftId, loss.arrival) &&
            versionOf(loss.arrival) >= newest,
        )
        if (!taken) complaints.push(`the last copy of ${draftId} went through us, and it is wanted`)
      }
      return complaints
    },
  }
}
