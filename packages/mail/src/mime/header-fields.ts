import type { MessageToCompose, RawField } from '@everdraft/core'

import { formatAddresses, needsUtf8 } from './address-field.ts'
import { encodedWords, isPlainHeaderText } from './encoded-word.ts'

// RFC 5322 §2.2: printable ASCII without the colon.
const fieldName = /^[\x21-\x39\x3b-\x7e]+$/
const encodedWord = /=\?[^?]+\?[BQ]\?[^?]*\?=/i
const fieldValue = /^[\t\x20-\x7e]*$/

/** Fields that the model holds, or that describe the body: written anew each time. */
const modelled: ReadonlySet<string> = new Set([
  'from',
  'to',
  'cc',
  'bcc',
  'subject',
  'date',
  'message-id',
  'in-reply-to',
  'references',
  'mime-version',
])

/**
 * Fields of another program's draft that are meant for those who get the message. All others stay in the draft: they are
 * that program's notes to itself, trace of a delivery, or would name people who are not to be named (hazards 38, 39).
 */
const meantForRecipients =
  /^(?:reply-to|sender|organi[sz]ation|keywords|comments|importance|priority|sensitivity|x-priority|x-msmail-priority|expires|expiry-date|auto-submitted|autocrypt|openpgp|face|x-face|disposition-notification-to|disposition-notification-options|return-receipt-to|mail-followup-to|mail-reply-to|content-language|thread-topic|thread-index|list-[a-z-]+|newsgroups|followup-to|supersedes|accept-language|require-recipient-valid-since)$/i

export function isModelledField({ name }: RawField): boolean {
  return modelled.has(name.toLowerCase()) || /^(?:content-|x-everdraft-)/i.test(name)
}

/** The header of the message itself; the fields of MIME are those of its parts and follow it. */
export function headerFields(message: MessageToCompose): Buffer {
  const { content, messageId, date, headers, includeBcc, includeNotes = includeBcc } = message
  const addresses = (list: MessageToCompose['content']['to']): string =>
    formatAddresses(list, message.utf8Addresses ?? false)
  const fields: [string, string][] = []
  if (content.from) fields.push(['From', addresses([content.from])])
  if (content.to.length > 0) fields.push(['To', addresses(content.to)])
  if (content.cc.length > 0) fields.push(['Cc', addresses(content.cc)])
  if (content.bcc.length > 0 && includeBcc) fields.push(['Bcc', addresses(content.bcc)])
  if (content.subject !== '') fields.push(['Subject', subject(content.subject)])
  fields.push(['Date', new Date(date).toUTCString().replace('GMT', '+0000')], ['Message-ID', messageId])
  if (content.inReplyTo !== null) fields.push(['In-Reply-To', ids([content.inReplyTo])])
  if (content.references.length > 0) fields.push(['References', ids(content.references)])
  for (const { name, value } of headers) {
    if (!fieldName.test(name) || !fieldValue.test(value)) {
      throw new TypeError(`The header field ${JSON.stringify(name)} has characters that cannot stand in a header`)
    }
    fields.push([name, value])
  }
  const given = new Set(headers.map(({ name }) => name.toLowerCase()))
  const others = (content.unmodelled?.headers ?? []).filter(
    (field) => (includeNotes || meantForRecipients.test(field.name)) && !given.has(field.name.toLowerCase()),
  )
  return Buffer.concat([
    Buffer.from(fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')),
    Buffer.from(others.map(rawField).join(''), 'latin1'),
  ])
}

/** Whether addresses stand there in raw UTF-8. */
export function isHeaderUtf8({ content, includeBcc, utf8Addresses = false }: MessageToCompose): boolean {
  const { from, to, cc, bcc } = content
  const written = [...(from === null ? [] : [from]), ...to, ...cc, ...(includeBcc ? bcc : [])]
  return utf8Addresses && written.some(needsUtf8)
}

function rawField({ name, raw }: RawField): string {
  // What was kept was read from a header; what comes back might not have been.
  if (!fieldName.test(name) || /\r\n(?![ \t])|\r(?!\n)|(?<!\r)\n|\0/.test(raw) || !raw.startsWith(name)) {
    throw new TypeError(`The header field ${JSON.stringify(name)} would break the header`)
  }
  return `${raw}\r\n`
}

/** With the name of its field it has a line of its own, which may have 998 octets (RFC 5322 §2.1.1). */
const longestId = 980

/** As they are. Those of a foreign message may hold anything, and must not become 8-bit or fields of their own here. */
function ids(given: readonly string[]): string {
  return given.every((id) => fieldValue.test(id) && !encodedWord.test(id) && id.length <= longestId)
    ? given.join('\r\n ')
    : encodedWords(given.join(' '))
}

function subject(text: string): string {
  // Longer ones would have to be folded at blanks, which readers do not all put back.
  return text.length <= 66 && isPlainHeaderText(text) ? text : encodedWords(text)
}
