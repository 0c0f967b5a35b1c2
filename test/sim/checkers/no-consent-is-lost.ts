import type { World } from '../world/world.ts'
import type { Checker } from './checker.ts'
import { hasTables, type SendOnDisk, sendsOnDisk } from './stored.ts'

/** Nobody has it, says the record; and nobody is in doubt. */
const notSent: ReadonlySet<string> = new Set(['pending', 'temporary', 'refused', 'cancelled'])

/**
 * Invariant 5, its other side: no consent is lost, and no record says what is not so: of who has the mail it never says
 * that they have it not, and of who has it not, never that they have it, but by the user's word or by evidence in Sent.
 *
 * It catches: a crash after the dot that takes the send back, or makes it fail, instead of leaving it in doubt.
 */
export function noConsentIsLost(world: World): Checker {
  const { provider, ledger, disk, server } = world
  let seen = ''

  function deliveriesTo(sendId: string, address: string): number {
    return provider.deliveries.filter((one) => one.sendId === sendId && one.recipients.includes(address)).length
  }

  /** Another program has sent this draft, or another mail of the same text in the same second: the engine takes it for this one. */
  function isSentByAnother({ draft_id: draftId }: SendOnDisk): boolean {
    return server.copies().some((copy) => copy.folder === 'Sent' && copy.arrival.draftId === draftId)
  }

  function judge(send: SendOnDisk): readonly string[] {
    return send.state.recipients.flatMap(({ address, status }) => {
      const count = deliveriesTo(send.id, address)
      if (notSent.has(status) && count > (ledger.sentAgain.get(send.id) ?? 0)) {
        return [`${send.id} says that ${address} is ${status}, who has it`]
      }
      if (status !== 'accepted' || count > 0 || ledger.saidSent.has(send.id) || isSentByAnother(send)) return []
      return [`${send.id} says that ${address} has it, who has it not`]
    })
  }

  return {
    invariant: '5: no consent is lost, and what its record says is so',
    check() {
      const now = `${disk.touched('send')} ${provider.deliveries.length} ${ledger.consents.size}`
      if (now === seen || !hasTables(disk.database)) return []
      seen = now
      const sends = sendsOnDisk(disk.database)
      const known = new Set(sends.map(({ id }) => id))
      const lost = [...ledger.consents.keys()].filter((id) => !known.has(id))
      return [...lost.map((id) => `the consent ${id} was acknowledged, and is gone`), ...sends.flatMap(judge)]
    },
  }
}
