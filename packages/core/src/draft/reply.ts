import type { MessageId, Sha256 } from '../ids.ts'
import { type Address, checkHeaderText } from './address.ts'
import type { DraftContent } from './draft.ts'
import { escapeHtml, htmlTokens } from './html-tokens.ts'
import { htmlOf, quotedHtml, quotedText, textOf } from './quote.ts'
import { forwardSubject, replySubject, threadingOf } from './threading.ts'
import type { Unmodelled } from './unmodelled.ts'

export type ReplyMode = 'reply' | 'reply_all' | 'forward'

/** A message that is answered or passed on; what a message format reads of one has all of it. */
export interface OriginalMessage {
  readonly messageId: MessageId | null
  /** Milliseconds. */
  readonly date: number | null
  readonly from: Address | null
  readonly sender: Address | null
  readonly replyTo: readonly Address[]
  readonly to: readonly Address[]
  readonly cc: readonly Address[]
  readonly mailFollowupTo: readonly Address[]
  readonly listPost: string | null
  readonly subject: string
  readonly inReplyTo: MessageId | null
  readonly references: readonly MessageId[]
  readonly text: string
  readonly html: string | null
  readonly attachments: readonly OriginalAttachment[]
  /** Signed or encrypted: it can only be passed on as a whole. */
  readonly protection: 'signed' | 'encrypted' | null
  /** Parts that are no attachment, such as a signed message within: they too are only passed on with the whole. */
  readonly unmodelled?: Pick<Unmodelled, 'parts'> | null
}

export interface OriginalAttachment {
  readonly filename: string
  readonly contentType: string
  readonly size: number
  readonly sha256: Sha256
  readonly disposition: 'attachment' | 'inline'
  readonly contentId: string | null
  readonly section: string
  readonly encoding: string
}

/** An attachment of the original that the draft is to have: its bytes are still in the mailbox. */
export interface AttachmentToFetch {
  /** RFC 3501 §6.4.5; empty: the whole message, from which a Bcc is to be left out (hazard 39). */
  readonly section: string
  /** How the bytes under that section are encoded. */
  readonly encoding: string
  readonly filename: string
  readonly contentType: string
  readonly disposition: 'attachment' | 'inline'
  readonly contentId: string | null
  /** Of the decoded bytes; null for the whole message, which was not hashed as such. */
  readonly size: number | null
  readonly sha256: Sha256 | null
}

export interface ReplyRequest {
  readonly original: OriginalMessage
  readonly mode: ReplyMode
  /** The account's addresses, the preferred first. */
  readonly own: readonly Address[]
  /** Whether the draft has HTML beside its text. */
  readonly withHtml: boolean
  readonly phrases?: ReplyPhrases
}

/** In the language of who writes; `{date}` and `{name}` are filled in. */
export interface ReplyPhrases {
  readonly attribution: string
  /** Where the original says no date. */
  readonly attributionWithoutDate: string
  readonly forwarded: string
  readonly from: string
  readonly date: string
  readonly subject: string
  readonly to: string
  readonly cc: string
  readonly formatDate: (dateMs: number) => string
}

/** The same everywhere, whatever the platform's language and time zone. */
export const defaultPhrases: ReplyPhrases = {
  attribution: 'On {date}, {name} wrote:',
  attributionWithoutDate: '{name} wrote:',
  forwarded: '---------- Forwarded message ----------',
  from: 'From',
  date: 'Date',
  subject: 'Subject',
  to: 'To',
  cc: 'Cc',
  formatDate: (dateMs) => `${new Date(dateMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`,
}

export type ReplyFields = Pick<
  DraftContent,
  'from' | 'to' | 'cc' | 'subject' | 'text' | 'html' | 'inReplyTo' | 'references'
>

export interface Reply {
  readonly fields: ReplyFields
  /** Forward: all of the original's; else the pictures that the quote shows. */
  readonly attachments: readonly AttachmentToFetch[]
}

/** The draft that answers a message or passes it on. The user's text goes above what is there. */
export function replyDraft(request: ReplyRequest): Reply {
  const { original, mode, own, withHtml } = request
  const phrases = request.phrases ?? defaultPhrases
  const from = sendingAddress(original, own)
  const { inReplyTo, references } = threadingOf(original)
  if (mode === 'forward') {
    const fields = {
      ...forwardedBody(original, withHtml, phrases),
      from,
      to: [],
      cc: [],
      references,
      subject: forwardSubject(original.subject),
      // RFC 5322 §3.6.4 keeps it for replies; the references keep the two together.
      inReplyTo: null,
    }
    return { fields, attachments: forwardedAttachments(original, withHtml) }
  }
  const recipients = mode === 'reply' ? replyRecipients(original, own) : replyAllRecipients(original, own)
  const body = quotedBody(original, withHtml, phrases)
  return {
    fields: { from, ...recipients, ...body, subject: replySubject(original.subject), inReplyTo, references },
    attachments: body.html === null ? [] : shownPictures(original, body.html),
  }
}

/** Who wrote it, if that was the account; else the address that it was sent to; else the preferred one. */
function sendingAddress(original: OriginalMessage, own: readonly Address[]): Address | null {
  const received = [original.from, ...original.to, ...original.cc].filter((one) => one !== null)
  return received.map((one) => own.find((other) => isSame(other, one))).find(Boolean) ?? own[0] ?? null
}

interface Recipients {
  readonly to: readonly Address[]
  readonly cc: readonly Address[]
}

function replyRecipients(original: OriginalMessage, own: readonly Address[]): Recipients {
  if (isOwnMail(original, own)) {
    // A word more to the same people.
    const others = without(original.to, own)
    return clean(others.length > 0 ? others : original.to, [])
  }
  return clean(answerTo(original), [])
}

function replyAllRecipients(original: OriginalMessage, own: readonly Address[]): Recipients {
  const followUp = without(original.mailFollowupTo, own)
  if (followUp.length > 0) return clean(followUp, [])
  const isOwn = isOwnMail(original, own)
  const first = isOwn ? [] : answerTo(original)
  const list = original.listPost === null ? [] : [{ address: original.listPost, name: '' }]
  const everyone = clean(without([...first, ...original.to], own), without([...original.cc, ...list], own))
  if (everyone.to.length > 0) return everyone
  if (everyone.cc.length > 0) return { to: everyone.cc, cc: [] }
  // A note to oneself.
  return clean(isOwn ? original.to : first, [])
}

function isOwnMail({ from }: OriginalMessage, own: readonly Address[]): boolean {
  return from !== null && own.some((one) => isSame(one, from))
}

/** RFC 5322 §3.6.2. */
function answerTo({ replyTo: asked, from, sender }: OriginalMessage): readonly Address[] {
  if (asked.some(isAddress)) return asked
  return [from ?? sender].filter((one) => one !== null)
}

/** Each address once, `to` before `cc`, with a name if it has one anywhere; what is no address is left out. */
function clean(to: readonly Address[], cc: readonly Address[]): Recipients {
  const all = [...to, ...cc].filter(isAddress)
  const seen = new Set<string>()
  const once = (list: readonly Address[]): readonly Address[] =>
    list.filter(isAddress).flatMap((one) => {
      const key = keyOf(one)
      if (seen.has(key)) return []
      seen.add(key)
      const name =
        one.name === '' ? (all.find((other) => keyOf(other) === key && other.name !== '')?.name ?? '') : one.name
      return [{ address: one.address, name }]
    })
  return { to: once(to), cc: once(cc) }
}

function without(list: readonly Address[], own: readonly Address[]): readonly Address[] {
  return list.filter((one) => isAddress(one) && !own.some((other) => isSame(one, other)))
}

/** `undisclosed-recipients:;` and other names of groups are none. */
function isAddress({ address }: Address): boolean {
  return /^[^@\s]+(?:@[^@\s]+)+$/.test(address)
}

function isSame(a: Address, b: Address): boolean {
  return keyOf(a) === keyOf(b)
}

/** RFC 5321 §2.4 tells letter case apart before the `@`; no provider does. */
function keyOf({ address }: Address): string {
  return address.normalize('NFC').toLowerCase()
}

type Body = Pick<DraftContent, 'text' | 'html'>

function quotedBody(original: OriginalMessage, withHtml: boolean, phrases: ReplyPhrases): Body {
  const attribution = attributionOf(original, phrases)
  return {
    text: `\n\n${quotedText(original, attribution)}`,
    html: withHtml ? `<p><br></p>\n${quotedHtml(original, attribution, original.messageId)}` : null,
  }
}

function attributionOf({ date, from, sender }: OriginalMessage, phrases: ReplyPhrases): string {
  const author = from ?? sender
  const name = author === null ? '' : author.name || author.address
  const template = date === null ? phrases.attributionWithoutDate : phrases.attribution
  const when = date === null ? '' : phrases.formatDate(date)
  return template
    .replace(/\{(date|name)\}/g, (_, field: string) => (field === 'date' ? when : name))
    .replace(/\s+/g, ' ')
    .trim()
}

function forwardedBody(original: OriginalMessage, withHtml: boolean, phrases: ReplyPhrases): Body {
  const lines = headerLines(original, phrases)
  const text = [phrases.forwarded, ...lines.map(([name, value]) => `${name}: ${value}`)].join('\n')
  const html = [phrases.forwarded, ...lines.map(([name, value]) => `${name}: ${value}`)].map(escapeHtml).join('<br>\n')
  return {
    text: `\n\n${text}\n\n${textOf(original)}`,
    html: withHtml ? `<p><br></p>\n<p>${html}</p>\n<div>${htmlOf(original)}</div>\n` : null,
  }
}

function headerLines(original: OriginalMessage, phrases: ReplyPhrases): readonly (readonly [string, string])[] {
  const people = (list: readonly Address[]): string => list.map(written).join(', ')
  const lines: (readonly [string, string])[] = [
    [phrases.from, original.from === null ? '' : written(original.from)],
    [phrases.date, original.date === null ? '' : phrases.formatDate(original.date)],
    [phrases.subject, original.subject],
    [phrases.to, people(original.to)],
    [phrases.cc, people(original.cc)],
  ]
  return lines.filter(([, value]) => value !== '')
}

function written({ address, name }: Address): string {
  if (name === '') return address
  return address === '' ? name : `${name} <${address}>`
}

function forwardedAttachments(original: OriginalMessage, withHtml: boolean): readonly AttachmentToFetch[] {
  const isWhole = original.protection !== null || (original.unmodelled?.parts.length ?? 0) > 0
  if (isWhole) return [wholeMessage(original)]
  return original.attachments.map((one) => {
    // Without HTML nothing shows it: it is a file like the others.
    const isShown = withHtml && one.disposition === 'inline'
    return toFetch(one, isShown ? 'inline' : 'attachment')
  })
}

function wholeMessage({ subject }: OriginalMessage): AttachmentToFetch {
  const name = checkHeaderText(subject, 'subject')
    .replace(/[/\\:*?"<>|]+/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
  return {
    section: '',
    encoding: '8bit',
    filename: `${beginning(name) || 'message'}.eml`,
    contentType: 'message/rfc822',
    disposition: 'attachment',
    contentId: null,
    size: null,
    sha256: null,
  }
}

/** Of a long subject; no character is cut, nor parted from its marks. */
function beginning(name: string): string {
  return (/^(?:\P{M}\p{M}{0,8}){0,80}/u.exec(name)?.[0] ?? '').trim()
}

/** RFC 2392: `cid:`, in any case (RFC 3986 §3.1), and the Content-ID, percent-encoded or as it is. */
function shownPictures({ attachments }: OriginalMessage, html: string): readonly AttachmentToFetch[] {
  const shown = new Set<string>()
  for (const token of htmlTokens(html)) {
    const source = token.kind === 'open' ? (token.attributes.get('src') ?? '') : ''
    if (!/^cid:/i.test(source)) continue
    const id = source.slice('cid:'.length)
    shown.add(id).add(percentDecoded(id))
  }
  return attachments
    .filter(({ contentId }) => contentId !== null && contentId !== '' && shown.has(contentId))
    .map((one) => toFetch(one, 'inline'))
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // A percent sign of its own.
    return text
  }
}

function toFetch(one: OriginalAttachment, disposition: 'attachment' | 'inline'): AttachmentToFetch {
  const { section, encoding, filename, contentType, contentId, size, sha256 } = one
  return { section, encoding, filename, contentType, disposition, contentId, size, sha256 }
}
