import type { World } from '../world/world.ts'
import type { Checker } from './checker.ts'
import { ask, isOf, receiptAt, sendsOnDisk } from './stored.ts'

/**
 * Invariant 3 for what is sent: the last copy in Drafts goes only when a copy in Sent was seen (hazard 25).
 *
 * It catches: debts that are paid when the mail is accepted, not when its copy is confirmed.
 */
export function draftsWaitForFiling(world: World): Checker {
  const { server, disk } = world
  let judged = 0

  return {
    invariant: '3: the copies in Drafts wait for the one in Sent',
    check() {
      const fresh = server.losses.slice(judged).filter((loss) => loss.by === 'engine' && loss.folder !== 'Sent')
      judged = server.losses.length
      const touched = new Set(
        fresh.flatMap((loss) => loss.arrival.draftId ?? receiptAt(disk.database, loss)?.draft_id ?? []),
      )
      return [...touched].flatMap((draftId) => {
        const sql = "select 1 from draft where id = ? and status = 'sent'"
        if (ask(disk.database, sql, draftId).length === 0) return []
        const isThere = server
          .copies()
          .some((copy) => copy.folder !== 'Sent' && !copy.deleted && copy.arrival.draftId === draftId)
        // Where another hand has taken the newest, an older one is owed all the same.
        const isTaken = server.losses.some(
          ({ by, arrival }) => by === 'foreign' && isOf(disk.database, draftId, arrival),
        )
        if (isThere || isTaken) return []
        const sent = sendsOnDisk(disk.database).filter(
          (send) => send.draft_id === draftId && send.state.filing !== null,
        )
        const isSeen = sent.some(({ facts }) => facts.sentCopy !== null)
        return isSeen ? [] : [`the last copy of ${draftId} in Drafts went before one was seen in Sent`]
      })
    },
  }
}
