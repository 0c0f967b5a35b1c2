import type { World } from '../world/world.ts'
import type { Checker } from './checker.ts'
import { ask, type DraftOnDisk, draftsOnDisk, isOf, modelledIn, receiptAt, sameMessage } from './stored.ts'

/** Invariant 4: at quiescence there is at most one un-`\Deleted` copy of a draft, and it is equal to the head. */
export function oneCopyAtRest(world: World): Checker {
  const { server, disk } = world

  function judge(draft: DraftOnDisk): string | null {
    const all = server.copies().filter((copy) => copy.folder !== 'Sent' && isCopyOf(copy, draft.id))
    const copies = all.filter((copy) => !copy.deleted)
    // In the outbox it has the copy that it had.
    const isQueued = draft.status === 'queued' || draft.status === 'sending'
    if (isQueued && draft.policy === 'sync' && copies.length <= 1) return null
    // Its copy goes when the one in Sent is confirmed, which a server may not take, as it is too large.
    if (draft.status === 'sent' && copies.length <= 1 && waitsForFiling(draft.id)) return null
    const wanted = draft.status === 'draft' && draft.policy === 'sync'
    if (!wanted) return copies.length === 0 ? null : `${draft.id} is ${draft.status}, and has ${copies.length} copies`
    if (copies.length > 1) return `${draft.id} has ${copies.length} copies`
    // The server would not have it, and the user is told why: then an older text stays there.
    if (isParked(draft.id)) return null
    const [copy] = copies
    if (copy === undefined) return isElsewhere(draft.id) ? null : `${draft.id} has no copy`
    return sameMessage(modelledIn(copy.arrival.bytes), draft.content) ? null : `the copy of ${draft.id} is not its head`
  }

  function waitsForFiling(draftId: string): boolean {
    const sql = "select 1 from send where draft_id = ? and phase = 'accepted' and state like '%\"APPENDLIMIT\"%'"
    return ask(disk.database, sql, draftId).length > 0
  }

  function isParked(draftId: string): boolean {
    return ask(disk.database, "select 1 from task where key = ? and state = 'parked'", draftId).length > 0
  }

  /** Stored by us, or by another program and taken in: then the receipt tells. */
  function isCopyOf(copy: ReturnType<World['server']['copies']>[number], draftId: string): boolean {
    if (copy.arrival.by === 'engine') return copy.arrival.draftId === draftId
    return receiptAt(disk.database, copy)?.draft_id === draftId
  }

  /** Another program took the copy away, and what it left says why: it is marked. What was sent is in the trash at rest. */
  function isElsewhere(draftId: string): boolean {
    const taken = server.losses.filter((loss) => loss.by === 'foreign' && isOf(disk.database, draftId, loss.arrival))
    return taken.some(({ how, arrival }) =>
      server.copies().some(
        (copy) =>
          (how === 'marked-deleted' && copy.arrival === arrival) ||
          // An edit of it, which kept the Message-ID, waits for somebody's EXPUNGE.
          (copy.deleted && arrival.messageId !== null && copy.arrival.messageId === arrival.messageId),
      ),
    )
  }

  return {
    invariant: '4: at rest one copy, equal to the head',
    check: () => draftsOnDisk(disk.database).flatMap((draft) => judge(draft) ?? []),
  }
}
