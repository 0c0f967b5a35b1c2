import type { Sha256 } from '../ids.ts'
import type { Address } from './address.ts'
import { promisesAttachment } from './attachment-promise.ts'
import { blobsOf } from './content.ts'
import type { DraftContent } from './draft.ts'
import { missingAttachments } from './missing-attachments.ts'
import { wireAddress } from './wire-address.ts'

export type SendProblemCode =
  | 'NO_SENDER'
  | 'NO_RECIPIENTS'
  | 'BAD_ADDRESS'
  | 'BAD_HEADER'
  | 'MISSING_BLOB'
  | 'TOO_LARGE'
  | 'ATTACHMENT_FORGOTTEN'
  | 'EMPTY_SUBJECT'
  | 'EMPTY_TEXT'

export interface SendProblem {
  readonly code: SendProblemCode
  /** An error stands in the way; a warning is for the user to confirm. */
  readonly severity: 'error' | 'warning'
  /** The public spelling of the field: `to[0].address`. */
  readonly path: string
  /** No text of the user's is in it. */
  readonly message: string
}

export interface SendFacts {
  /** Of the attachments that the draft names, those whose bytes are not all here (hazard 14). */
  readonly missingBlobs: ReadonlySet<Sha256>
  /** Of the message as it would go; null: not known yet. */
  readonly messageBytes: number | null
  /** RFC 1870; null: the server says none. */
  readonly sizeLimitBytes: number | null
}

/** What stands against sending a draft, errors first. Empty: nothing does. */
export function checkSendable(content: DraftContent, facts: SendFacts): readonly SendProblem[] {
  return [
    ...checkSender(content),
    ...checkRecipients(content),
    ...checkHeader(content),
    ...checkBlobs(content, facts),
    ...checkSize(facts),
    ...warnings(content),
  ]
}

/** Everybody who is to get it, each once, for the envelope: Bcc is nowhere else (hazard 39). */
export function envelopeRecipients({ to, cc, bcc }: Pick<DraftContent, 'to' | 'cc' | 'bcc'>): readonly string[] {
  const byKey = new Map<string, string>()
  for (const { address } of [...to, ...cc, ...bcc]) {
    // RFC 5321 §2.4: domains have no case, and whether local parts do is known to their server alone.
    const at = address.lastIndexOf('@')
    const key = wireAddress(address.slice(0, at) + address.slice(at).toLowerCase())
    if (!byKey.has(key)) byKey.set(key, address)
  }
  return [...byKey.values()]
}

function checkSender({ from }: DraftContent): readonly SendProblem[] {
  if (from === null) return [error('NO_SENDER', 'from', 'there must be a sender')]
  return checkAddress(from, 'from')
}

function checkRecipients(content: DraftContent): readonly SendProblem[] {
  if (envelopeRecipients(content).length === 0) return [error('NO_RECIPIENTS', 'to', 'there must be a recipient')]
  return (['to', 'cc', 'bcc'] as const).flatMap((field) =>
    content[field].flatMap((address, index) => checkAddress(address, `${field}[${index}]`)),
  )
}

function checkAddress({ address, name }: Address, path: string): readonly SendProblem[] {
  const problem = addressProblem(address)
  return [
    ...(problem === null ? [] : [error('BAD_ADDRESS', `${path}.address`, problem)]),
    ...checkFieldText(name, `${path}.name`),
  ]
}

const dotAtom = /^[\p{L}\p{M}\p{N}\p{So}!#$%&'*+\-/=?^_`{|}~]+(?:\.[\p{L}\p{M}\p{N}\p{So}!#$%&'*+\-/=?^_`{|}~]+)*$/u
const quotedString = /^"(?:[^"\\\p{Cc}]|\\[\x20-\x7e])*"$/u
const label = /^[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}-]*[\p{L}\p{M}\p{N}])?$/u
const addressLiteral = /^\[(?:\d{1,3}(?:\.\d{1,3}){3}|IPv6:[0-9a-f:.]+)\]$/i

/** A Mailbox as of RFC 5321 §4.1.2, with the characters of RFC 6531 §3.3. Null: it is one. */
export function addressProblem(address: string): string | null {
  const at = address.lastIndexOf('@')
  if (at === -1) return 'must be an address such as ann@example.com: it has no @'
  const [local, domain] = [address.slice(0, at), address.slice(at + 1)]
  if (local === '') return 'has nothing before the @'
  if (domain === '') return 'has nothing after the @'
  if (!dotAtom.test(local) && !quotedString.test(local)) return 'is not written as an address before the @'
  // RFC 5321 §4.5.3.1, in octets.
  if (octets(local) > 64) return 'is longer than 64 octets before the @'
  if (octets(address) > 254) return 'is longer than 254 octets'
  if (addressLiteral.test(domain)) return null
  const labels = domain.split('.')
  if (!labels.every((one) => label.test(one) && octets(one) <= 63)) return 'is not written as a domain after the @'
  return null
}

function octets(text: string): number {
  return new TextEncoder().encode(text).length
}

/** CR, LF or NUL would begin a field of their own, or end the header. */
function checkHeader(content: DraftContent): readonly SendProblem[] {
  const { subject, inReplyTo, references, attachments, unmodelled } = content
  return [
    ...checkFieldText(subject, 'subject'),
    ...checkFieldText(inReplyTo ?? '', 'in_reply_to'),
    ...references.flatMap((id, index) => checkFieldText(id, `references[${index}]`)),
    ...attachments.flatMap(({ filename, contentType, contentId }, index) => [
      ...checkFieldText(filename, `attachments[${index}].filename`),
      ...checkFieldText(contentType, `attachments[${index}].content_type`),
      ...checkFieldText(contentId ?? '', `attachments[${index}].content_id`),
    ]),
    // These are whole fields of another program's, with their folds (RFC 5322 §2.2.3).
    ...(unmodelled?.headers ?? []).flatMap(({ raw }, index) =>
      checkFieldText(raw.replace(/\r\n(?=[ \t])/g, ''), `headers[${index}]`),
    ),
  ]
}

function checkFieldText(text: string, path: string): readonly SendProblem[] {
  return /[\r\n\0]/.test(text) ? [error('BAD_HEADER', path, 'must not contain CR, LF or NUL')] : []
}

function checkBlobs(content: DraftContent, { missingBlobs }: SendFacts): readonly SendProblem[] {
  const { length } = content.attachments
  const modelled = [
    ...content.attachments.flatMap(({ sha256 }, index) =>
      missingBlobs.has(sha256) ? [missing(`attachments[${index}]`)] : [],
    ),
    ...missingAttachments(content).map((_, index) => missing(`attachments[${length + index}]`)),
  ]
  if (modelled.length > 0) return modelled
  return blobsOf(content).some((blob) => missingBlobs.has(blob)) ? [missing('attachments')] : []
}

function missing(path: string): SendProblem {
  return error('MISSING_BLOB', path, 'is not here in whole: its bytes are missing')
}

function checkSize({ messageBytes, sizeLimitBytes }: SendFacts): readonly SendProblem[] {
  if (messageBytes === null || sizeLimitBytes === null || messageBytes <= sizeLimitBytes) return []
  const sizes = `the message has ${messageBytes} bytes, and the server takes ${sizeLimitBytes}`
  return [error('TOO_LARGE', 'attachments', sizes)]
}

function warnings(content: DraftContent): readonly SendProblem[] {
  const { subject, text, html, attachments, unmodelled } = content
  const hasAttachment = attachments.some(({ disposition }) => disposition === 'attachment')
  const hasForeignPart = (unmodelled?.parts.length ?? 0) > 0
  const isEmpty = text.trim() === '' && (html === null || html.replace(/<(?!img)[^>]*>|&nbsp;/gi, '').trim() === '')
  const found: SendProblem[] = []
  if (!hasAttachment && !hasForeignPart && promisesAttachment(content)) {
    found.push(warning('ATTACHMENT_FORGOTTEN', 'attachments', 'the text speaks of an attachment, and there is none'))
  }
  if (subject.trim() === '') found.push(warning('EMPTY_SUBJECT', 'subject', 'is empty'))
  if (isEmpty && attachments.length === 0 && !hasForeignPart) found.push(warning('EMPTY_TEXT', 'text', 'is empty'))
  return found
}

function error(code: SendProblemCode, path: string, message: string): SendProblem {
  return { code, severity: 'error', path, message: `${path}: ${message}` }
}

function warning(code: SendProblemCode, path: string, message: string): SendProblem {
  return { code, severity: 'warning', path, message: `${path}: ${message}` }
}
