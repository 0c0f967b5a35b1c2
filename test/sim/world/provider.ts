import { headerOf, headOf, reportOf, sectionOf } from './message-format.ts'
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
  /** The longest that it holds a mail until its hour (RFC 4865), in seconds; null: it holds none. */
  readonly holdsForSeconds: number | null
  /** It fetches parts of the mailbox by URLs (RFC 4468). */
  readonly fetches: boolean
  /** How often a recipient whom it has accepted turns out to be nobody, and a report comes back. */
  readonly bounceRate: number
}

export const plainHabits: ProviderHabits = {
  filesAfterMs: null,
  messageIds: 'kept',
  temporaryRate: 0,
  loginRefusalRate: 0,
  holdsForSeconds: null,
  fetches: false,
  bounceRate: 0,
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
  /** Until then nobody has it. */
  readonly leavesAtMs: number
}

/** A report that was written about one recipient. */
interface Bounced {
  readonly sendId: string
  readonly address: string
  /** Of the report, in INBOX. */
  readonly messageId: string
}

/** The server that takes mail, and counts what it took from a device. */
export interface Provider {
  readonly habits: ProviderHabits
  readonly deliveries: readonly Delivery[]
  /** Whose reports have come back. */
  readonly bounced: readonly Bounced[]
  /** From now on it takes all that it can. */
  heal(): void
  refusesLogin(): boolean
  /** A script may put its own in this place. */
  verdictOn: (address: string) => 'accepted' | 'refused' | 'temporary'
  /** The body of a part, as it lies in the mailbox now; null: there is none under that URL. */
  fetch(url: string): Uint8Array | null
  /** The Message-ID that the answer names; null: none. `holdUntil` in milliseconds; null, the default: at once. */
  take(sendId: string, recipients: readonly string[], bytes: Uint8Array, holdUntil?: number | null): string | null
}

/** As it names the mailbox whose parts it can fetch. */
export const mailboxHost = 'mail.example'

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
  const bounced: Bounced[] = []
  let healed = false

  function file(bytes: Uint8Array): void {
    const store = server.through('provider', { verb: 'files', searchedForDeletedMs: 0 })
    const sent = store.find(mailUser.name, 'Sent')
    if (sent !== undefined) store.append(sent, { bytes, flags: ['\\Seen'], internalDateMs: scheduler.now() })
  }

  function bounce(sendId: string, address: string): void {
    const store = server.through('provider', { verb: 'reports', searchedForDeletedMs: 0 })
    const inbox = store.find(mailUser.name, 'INBOX')
    if (inbox === undefined) return
    const messageId = `<report-${nextNumber()}@example.net>`
    bounced.push({ sendId, address, messageId })
    store.append(inbox, {
      bytes: reportOf({ messageId, envid: sendId, address }),
      flags: [],
      internalDateMs: scheduler.now(),
    })
  }

  /** Where the mail has left, a moment later. */
  function bounceSome(sendId: string, recipients: readonly string[], leavesAtMs: number): void {
    if (healed || habits.bounceRate === 0) return
    for (const address of recipients) {
      if (!dice.chance(habits.bounceRate)) continue
      const delayMs = leavesAtMs - scheduler.now() + dice.between(100, 60_000)
      scheduler.schedule(delayMs, 'provider reports', () => bounce(sendId, address))
    }
  }

  return {
    habits,
    deliveries,
    bounced,
    heal() {
      healed = true
    },
    refusesLogin: () => !healed && dice.chance(habits.loginRefusalRate),
    verdictOn(address) {
      if (address === unknownUser) return 'refused'
      return !healed && dice.chance(habits.temporaryRate) ? 'temporary' : 'accepted'
    },
    fetch(url) {
      const [, folder = '', validity, uid, section = '', expires] =
        /^imap:\/\/[^/]+\/(.+);UIDVALIDITY=(\d+)\/;UID=(\d+)\/;SECTION=([\d.]+);EXPIRE=(\d+)$/.exec(url) ?? []
      const mailbox = server.store.find(mailUser.name, folder)
      if (mailbox?.uidValidity !== Number(validity) || Number(expires) < scheduler.now()) return null
      const message = mailbox.messages().find((one) => one.uid === Number(uid))
      return message === undefined ? null : sectionOf(message.bytes, section)
    },
    take(sendId, recipients, bytes, holdUntil = null) {
      const original = headerOf(headOf(bytes), 'Message-ID') ?? ''
      const messageId = habits.messageIds === 'kept' ? original : `<provider-${nextNumber()}@example.net>`
      const atMs = scheduler.now()
      const leavesAtMs = Math.max(atMs, holdUntil ?? 0)
      deliveries.push({ sendId, recipients, bytes, messageId, atMs, leavesAtMs })
      bounceSome(sendId, recipients, leavesAtMs)
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
