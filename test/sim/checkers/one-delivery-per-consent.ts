import type { World } from '../world/world.ts'
import type { Checker } from './checker.ts'
import { draftsOnDisk, hasTables, modelledIn, revisionsOnDisk, sameMessage, sendsOnDisk } from './stored.ts'

/**
 * Invariant 5: accepted DATA per (consent, recipient) ≤ 1, unless the user said that it is to be sent again; and what is
 * delivered is the revision that was consented to, without Bcc and private fields (hazards 21, 24, 33, 38, 39).
 *
 * It catches: a crash between the dot and its answer that is taken for one before the dot, which `noConsentIsLost` sees before.
 */
export function oneDeliveryPerConsent(world: World): Checker {
  const { provider, ledger, disk } = world
  let judged = 0

  function judge(index: number): readonly string[] {
    const delivery = provider.deliveries[index]
    if (delivery === undefined) return []
    const { sendId, recipients, bytes } = delivery
    const send = sendsOnDisk(disk.database).find(({ id }) => id === sendId)
    if (send === undefined) return [`a mail was delivered for ${sendId}, and nobody consented`]
    const allowed = 1 + (ledger.sentAgain.get(sendId) ?? 0)
    const upToNow = provider.deliveries.slice(0, index + 1).filter((other) => other.sendId === sendId)
    const often = recipients.filter(
      (address) => upToNow.filter((other) => other.recipients.includes(address)).length > allowed,
    )
    const unasked = recipients.filter((address) => !send.state.recipients.some((one) => one.address === address))
    const draft = draftsOnDisk(disk.database).find(({ id }) => id === send.draft_id)
    const held = draft && revisionsOnDisk(disk.database, draft).get(send.state.version)?.content
    const head = Buffer.from(bytes).toString('latin1').split('\r\n\r\n')[0] ?? ''
    const told = /^(?:Bcc|X-Everdraft-[A-Za-z]+):/im.exec(head)?.[0]
    return [
      ...often.map((address) => `${sendId} was delivered to ${address} more than ${allowed} times`),
      ...unasked.map((address) => `${sendId} was delivered to ${address}, who is not in the consent`),
      ...(held && sameMessage(modelledIn(bytes), { ...held, bcc: [] })
        ? []
        : [`what was delivered for ${sendId} is not revision ${send.state.version}`]),
      ...(told === undefined ? [] : [`what was delivered for ${sendId} has the field ${told}`]),
    ]
  }

  return {
    invariant: '5: one delivery per consent and recipient, of what was consented to',
    check() {
      if (provider.deliveries.length === judged || !hasTables(disk.database)) return []
      const complaints: string[] = []
      for (; judged < provider.deliveries.length; judged += 1) complaints.push(...judge(judged))
      return complaints
    },
  }
}
