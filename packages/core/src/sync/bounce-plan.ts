import { wireAddress } from '../draft/wire-address.ts'
import type { SendEvent, SendReason, SendRecipient, SendState } from '../draft/send-state.ts'
import type { Bounce, BouncedRecipient } from '../wire/bounce.ts'

/** What a report says about a send of ours. */
export type BouncePlan =
  /** Its transmission still runs, and takes no word from elsewhere: the report is to be read again when it has ended. */
  { readonly kind: 'wait' } | { readonly kind: 'tell'; readonly events: readonly SendEvent[] }

/** A report that is about this send, brought into events of its machine. Recipients that the send does not know are passed over. */
export function bouncePlan(state: SendState, bounce: Bounce, at: number): BouncePlan {
  const told = bounce.recipients.flatMap((report) => {
    const recipient = recipientOf(state, report)
    return recipient === null ? [] : [{ recipient, report }]
  })
  if (state.recipients.some(({ status }) => status === 'in-flight')) return { kind: 'wait' }
  // Whoever reports about a mail has had it. One that waits here to be sent was sent by somebody: before a restored backup, say.
  const isProofAlone = state.filing === null && !told.some(({ recipient }) => wasTaken(recipient))
  const proof: readonly SendEvent[] = isProofAlone ? [{ type: 'found-sent', at }] : []
  return { kind: 'tell', events: [...proof, ...told.map(({ recipient, report }) => eventOf(recipient, report, at))] }
}

function wasTaken({ status }: SendRecipient): boolean {
  return status === 'accepted' || status === 'unknown'
}

function recipientOf({ recipients }: SendState, { address }: BouncedRecipient): SendRecipient | null {
  const exact = recipients.find((one) => one.address === address)
  const found = exact ?? recipients.find((one) => folded(one.address) === folded(address))
  // Where it was passed on, a report names whom it was passed on to. With one recipient there is nothing to choose.
  return found ?? (recipients.length === 1 ? (recipients[0] ?? null) : null)
}

/** A report tells what went over the wire. */
function folded(address: string): string {
  return wireAddress(address.toLowerCase())
}

function eventOf({ address }: SendRecipient, report: BouncedRecipient, at: number): SendEvent {
  const reason: SendReason = { code: codes[report.action], message: wordsOf(report) }
  return { type: report.action === 'failed' ? 'bounced' : 'reported', address, reason, at }
}

const codes = {
  failed: 'BOUNCED',
  delayed: 'DELAYED',
  delivered: 'DELIVERED',
  relayed: 'RELAYED',
  expanded: 'EXPANDED',
} satisfies Record<BouncedRecipient['action'], string>

const said = {
  failed: 'it came back',
  delayed: 'it is delayed: the server there keeps trying',
  delivered: 'it was delivered',
  relayed: 'it was passed on to a server that reports nothing more',
  expanded: 'it was passed on to several addresses',
} satisfies Record<BouncedRecipient['action'], string>

function wordsOf({ action, status, diagnostic }: BouncedRecipient): string {
  if (diagnostic === null) return status === null ? said[action] : `${said[action]} (${status})`
  return status === null || diagnostic.includes(status) ? diagnostic : `${status} ${diagnostic}`
}
