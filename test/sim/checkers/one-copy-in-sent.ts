import type { World } from '../world/world.ts'
import type { Checker } from './checker.ts'
import { type SendOnDisk, sendsOnDisk } from './stored.ts'

/**
 * At quiescence a sent mail has one copy in Sent, whoever filed it: ours is there only where the server has filed none, and there
 * is none for what nobody has (hazards 25, 26, 27, 28).
 *
 * It catches: a second look that does not come; a copy of the server's that is not recognised under another Message-ID.
 */
export function oneCopyInSent(world: World): Checker {
  const { server, provider, disk, ledger } = world

  function judge(send: SendOnDisk): string | null {
    const there = server.copies().filter((copy) => copy.folder === 'Sent' && !copy.deleted)
    const ours = there.filter(({ arrival }) => arrival.by === 'engine' && arrival.messageId === send.message_id)
    const deliveries = provider.deliveries.filter(({ sendId }) => sendId === send.id)
    const names = new Set([send.message_id, ...deliveries.map(({ messageId }) => messageId)])
    const theirs = there.filter(({ arrival }) => arrival.by === 'provider' && names.has(arrival.messageId ?? ''))
    // Without UIDPLUS not even ours is removed, as another's would go with it: docs/adr/0015.
    const isStuck = !server.capabilities.has('UIDPLUS')
    if (ours.length > 1 && !isStuck) return `${send.id} has ${ours.length} copies of ours in Sent`
    const isSent = deliveries.length > 0 || ledger.saidSent.has(send.id) || send.state.filing !== null
    if (!isSent && ours.length > 0) return `${send.id} has a copy in Sent, and nobody has the mail`
    if (ours.length + theirs.length > Math.max(1, theirs.length) && !isStuck) {
      return `${send.id} has ${theirs.length} copies of the server's in Sent, and ours beside it`
    }
    if (send.phase !== 'cleaned' || ours.length + theirs.length > 0) return null
    return wasTaken(names) || isSentByAnother(send) ? null : `${send.id} is sent, and has no copy in Sent`
  }

  /** By another hand, or by a backup that does not have it. */
  function wasTaken(names: ReadonlySet<string>): boolean {
    return server.losses.some(
      ({ by, folder, arrival }) => by === 'foreign' && folder === 'Sent' && names.has(arrival.messageId ?? ''),
    )
  }

  function isSentByAnother({ draft_id: draftId }: SendOnDisk): boolean {
    return server.copies().some((copy) => copy.folder === 'Sent' && copy.arrival.draftId === draftId)
  }

  return {
    invariant: '4: at rest one copy in Sent',
    check: () => sendsOnDisk(disk.database).flatMap((send) => judge(send) ?? []),
  }
}
