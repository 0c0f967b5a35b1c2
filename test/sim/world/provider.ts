import { headerOf, headOf } from './message-format.ts'
import type { Dice } from './dice.ts'
import type { Scheduler } from './scheduler.ts'
import { mailUser, type SimServer } from './server.ts'
import type { Trace } from './trace.ts'

/** What the server that takes mail does by itself. */
export interface ProviderHabits {
  /** How long after the acceptance it has filed a copy in Sent, in milliseconds; null: it files none. */
  readonly filesAfterMs: number | null
  /** What becomes of the Message-ID: kept; another, said in the answer to the dot, noted in a field, or not said at all. */
  readonly messageIds: 'kept' | 'said' | 'noted' | 'replaced'
  /** How often it will not have a recipient now. */
  readonly temporaryRate: number
  /** How often a login is refused. */
  readonly loginRefusalRate: number
}

export const plainHabits: ProviderHabits = {
  filesAfterMs: null,
  messageIds: 'kept',
  temporaryRate: 0,
  loginRefusalRate: 0,
}

/** One transaction that the server has answered 250, or would have, had the connection held. */
interface Delivery {
  /** By ENVID (RFC 3461 §4.4). */
  readonly sendId: string
  readonly recipients: readonly string[]
  readonly bytes: Uint8Array
  /** Of its own copy in Sent. */
  readonly messageId: string
  readonly atMs: number
}

/** The server that takes mail, and counts what it took from a device. */
export interface Provider {
  readonly deliveries: readonly Delivery[]
  /** From now on it takes all that it can. */
  heal(): void
  refusesLogin(): boolean
  /** A script may put its own in this place. */
  verdictOn: (address: string) => 'accepted' | 'refused' | 'temporary'
  /** The Message-ID that the answer names; null: none. */
  take(sendId: string, recipients: readonly string[], bytes: Uint8Array): string | null
}

/** Nobody has this address. */
export const unknownUser = 'nobody@example.org'

export function createProvider(
  habits: ProviderHabits,
  parts: {
    readonly dice: Dice
    readonly scheduler: Scheduler
    readonly server: SimServer
    readonly trace: Trace
    readonly nextNumber: () => number
  },
): Provider {
  const { dice, scheduler, server, trace, nextNumber } = parts
  const deliveries: Delivery[] = []
  let healed = false

  function file(bytes: Uint8Array): void {
    const store = server.through('provider', { verb: 'files', searchedForDeletedMs: 0 })
    const sent = store.find(mailUser.name, 'Sent')
    if (sent !== undefined) store.append(sent, { bytes, flags: ['\\Seen'], internalDateMs: scheduler.now() })
  }

  return {
    deliveries,
    heal() {
      healed = true
    },
    refusesLogin: () => !healed && dice.chance(habits.loginRefusalRate),
    verdictOn(address) {
      if (address === unknownUser) return 'refused'
      return !healed && dice.chance(habits.temporaryRate) ? 'temporary' : 'accepted'
    },
    take(sendId, recipients, bytes) {
      const original = headerOf(headOf(bytes), 'Message-ID') ?? ''
      const messageId = habits.messageIds === 'kept' ? original : `<provider-${nextNumber()}@example.net>`
      deliveries.push({ sendId, recipients, bytes, messageId, atMs: scheduler.now() })
      trace.add(`provider takes ${original} for ${recipients.join(' ')}: delivery ${deliveries.length}`)
      if (habits.filesAfterMs !== null) {
        const noted = habits.messageIds === 'noted' ? `X-Google-Original-Message-ID: ${original}\r\n` : ''
        const renamed = `${noted}${Buffer.from(bytes).toString('latin1').replace(original, messageId)}`
        scheduler.schedule(habits.filesAfterMs, 'provider files', () => file(Buffer.from(renamed, 'latin1')))
      }
      return habits.messageIds === 'said' ? messageId : null
    },
  }
}
