import type { World } from '../world/world.ts'
import type { Checker } from './checker.ts'
import { sendsOnDisk } from './stored.ts'

/**
 * At rest whoever could not be reached is said to be, where a report of it lies in INBOX, and nobody else is: what is told of a mail
 * is what its server said.
 */
export function bouncesAreTold(world: World): Checker {
  const { provider, server, disk, ledger } = world
  return {
    invariant: 'what came back is told, and nothing else',
    check() {
      const there = new Set(server.copies().map(({ arrival }) => arrival.messageId))
      const complaints: string[] = []
      for (const { id, state } of sendsOnDisk(disk.database)) {
        const reports = provider.bounced.filter(({ sendId }) => sendId === id)
        for (const { address, status } of state.recipients) {
          const about = reports.filter((one) => one.address === address)
          if (status === 'bounced' && about.length === 0)
            complaints.push(`${address} of ${id} bounced, and nobody said so`)
          // Sent again, a report about the time before says nothing of this one.
          const isTold = status === 'bounced' || ledger.sentAgain.has(id)
          if (!isTold && about.some(({ messageId }) => there.has(messageId))) {
            complaints.push(`${address} of ${id} is ${status}, and a report says that it came back`)
          }
        }
      }
      return complaints
    },
  }
}
