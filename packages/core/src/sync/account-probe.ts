import type { MessageId, Umid } from '../ids.ts'
import type { AccountProbe, ProbePlace, Survival } from '../storage/account-probes.ts'
import type { MailboxCapabilities, MessageDetails, MessageIdentity } from '../wire/mailbox.ts'
import { type UploadPlan, uploadPlan, type UploadQuestion } from './upload-plan.ts'

const againAfterMs = 24 * 3_600_000

/** Before an upload: is anything to be found out that is not known? */
export function needsProbe(
  known: AccountProbe | null,
  server: Pick<AccountProbe, 'serverId' | 'capabilities'>,
  now: number,
): boolean {
  if (known === null || known.left !== null) return true
  const isSame =
    known.serverId === server.serverId && JSON.stringify(known.capabilities) === JSON.stringify(server.capabilities)
  if (!isSame) return true
  return known.survival === null && now >= known.at + againAfterMs
}

/** In place of a draft's id. */
const probeId = 'probe' as Umid
const messageIdStart = '<everdraft-probe.'
export const probeKeyword = '$EverdraftProbe'

/** A probe's message, of this device or another one: nobody's draft. */
export function isProbe({ messageId, everdraftId }: Pick<MessageIdentity, 'messageId' | 'everdraftId'>): boolean {
  return everdraftId === probeId || messageId?.startsWith(messageIdStart) === true
}

export function probeMessageId(token: string, accountAddress: string): MessageId {
  const domain = /@([\w.-]+)$/.exec(accountAddress)?.[1] ?? 'everdraft.invalid'
  return `${messageIdStart}${token}@${domain}>` as MessageId
}

const bcc = 'everdraft-probe@example.invalid'

/** A message that has all that a server may do something to. `now`: milliseconds, of the Date field. */
export function probeMessage({ token, messageId }: Pick<ProbePlace, 'token' | 'messageId'>, now: number): Uint8Array {
  const header = [
    `Date: ${new Date(now).toUTCString().replace('GMT', '+0000')}`,
    'From: everdraft <everdraft-probe@example.invalid>',
    `Bcc: ${bcc}`,
    'Subject: everdraft looks at what this server does to drafts',
    `Message-ID: ${messageId}`,
    `X-Everdraft-Id: ${probeId}`,
    `X-Everdraft-Base: ${messageId}`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
  ]
  const text = ['This message is removed at once.', token, '8-bit: café', 'a blank at the end: ', '.', '']
  return new TextEncoder().encode(`${header.join('\r\n')}\r\n\r\n${text.join('\r\n')}`)
}

/** Compares what was stored with what the server gives back. */
export function survivalOf(stored: {
  readonly place: Pick<ProbePlace, 'messageId'>
  readonly sent: Uint8Array
  readonly received: Uint8Array
  readonly details: Pick<MessageDetails, 'flags' | 'internalDate'> | null
  /** With which it was stored, in milliseconds. */
  readonly internalDate: number
  readonly withKeyword: boolean
}): Survival {
  const { place, details } = stored
  const sent = split(stored.sent)
  const received = split(stored.received)
  const messageId = received.fields.get('message-id')
  const flags = details?.flags ?? []
  return {
    messageId: messageId === undefined ? 'dropped' : messageId === place.messageId ? 'kept' : 'rewritten',
    privateHeaders:
      received.fields.get('x-everdraft-id') === probeId && received.fields.get('x-everdraft-base') === place.messageId,
    bcc: received.fields.get('bcc')?.includes(bcc) === true,
    body: sent.body === received.body ? 'kept' : 'altered',
    draftFlag: flags.some((flag) => flag.toLowerCase() === '\\draft'),
    keywords: !stored.withKeyword ? 'refused' : keywordIn(flags),
    // To the second: it has no more (RFC 3501 §2.3.3).
    internalDate: details?.internalDate === Math.floor(stored.internalDate / 1000) * 1000,
  }
}

function keywordIn(flags: readonly string[]): Survival['keywords'] {
  if (flags.includes(probeKeyword)) return 'kept'
  return flags.some((flag) => flag.toLowerCase() === probeKeyword.toLowerCase()) ? 'lower-cased' : 'dropped'
}

/** Octets as characters, so that any text can be compared. */
function split(message: Uint8Array): { readonly fields: ReadonlyMap<string, string>; readonly body: string } {
  const text = Array.from(message, (octet) => String.fromCharCode(octet)).join('')
  const end = /\r?\n\r?\n/.exec(text)
  const header = end === null ? text : text.slice(0, end.index)
  const fields = new Map<string, string>()
  for (const line of header.replaceAll(/\r?\n(?=[ \t])/g, '').split(/\r?\n/)) {
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(colon, 0)).trim().toLowerCase()
    if (name !== '' && !fields.has(name)) fields.set(name, line.slice(colon + 1).trim())
  }
  return { fields, body: end === null ? '' : text.slice(end.index + end[0].length) }
}

/** What an edit of a few words costs. */
export interface EditCost {
  readonly method: Extract<UploadPlan, { kind: 'upload' }>['method']
  /** Message bytes that cross the wire, before they are compressed; null: the server takes no such message. */
  readonly bytes: number | null
}

/** A letter of a page, with the header that we give it. */
const textBytes = 2_800
const attachmentBytes = 10 * 1024 * 1024
/** base64 in lines of 76 characters (RFC 2045 §6.8). */
const encodedBytes = Math.ceil(Math.ceil(attachmentBytes / 3) * 4 * (78 / 76))

/** Of a draft that is text alone, and of one with an attachment of 10 MiB, once it is on the server. */
export function editCosts(capabilities: MailboxCapabilities): {
  readonly text: EditCost
  readonly withAttachment: EditCost
} {
  const part = {
    sha256: '',
    section: '2',
    size: attachmentBytes,
    encodedSize: encodedBytes,
  } as UploadQuestion['parts'][number]
  const cost = (parts: UploadQuestion['parts']): EditCost => {
    const older = { receipt: {} as NonNullable<UploadQuestion['older']>['receipt'], parts }
    const size = textBytes + parts.reduce((sum, one) => sum + one.encodedSize, 0)
    const question = { size, parts, older, capabilities, mayQuote: true, mayBeBinary: true }
    const plan = uploadPlan(question)
    if (plan.kind === 'refuse') return { method: 'append', bytes: null }
    return { method: plan.method, bytes: plan.bytesToSend }
  }
  return { text: cost([]), withAttachment: cost([part]) }
}
