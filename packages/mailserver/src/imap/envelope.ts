import { parseAddresses, type Address } from '../mime/address.ts'
import { fieldValue, type HeaderField } from '../mime/headers.ts'
import { parameter, parseParameterised } from '../mime/parameters.ts'
import type { MimePart } from '../mime/part.ts'
import { LF } from '../octets.ts'
import { imapString, nstring } from './format.ts'

function formatAddress(address: Address): string {
  switch (address.kind) {
    case 'group-start':
      return `(NIL NIL ${imapString(address.name)} NIL)`
    case 'group-end':
      return '(NIL NIL NIL NIL)'
    case 'mailbox': {
      const { name, route, local, host } = address
      // A NIL host would say that this is a group: what is missing is named, with Dovecot's words.
      return `(${nstring(name)} ${nstring(route)} ${imapString(local || 'MISSING_MAILBOX')} ${imapString(host || 'MISSING_DOMAIN')})`
    }
  }
}

function formatAddresses(value: string | undefined): string {
  const addresses = value === undefined ? [] : parseAddresses(value)
  return addresses.length === 0 ? 'NIL' : `(${addresses.map(formatAddress).join('')})`
}

/** RFC 3501 §7.4.2, ENVELOPE. */
export function formatEnvelope(fields: readonly HeaderField[]): string {
  // Of a field that should be there once, the last one counts, as on Dovecot and Cyrus.
  const latest = fields.toReversed()
  const value = (name: string): string | undefined => fieldValue(latest, name)
  const from = formatAddresses(value('from'))
  // Sender and Reply-To are those of From where there are none, by the same section.
  const orFrom = (name: string): string => {
    const own = formatAddresses(value(name))
    return own === 'NIL' ? from : own
  }
  return `(${[
    nstring(value('date')),
    nstring(value('subject')),
    from,
    orFrom('sender'),
    orFrom('reply-to'),
    formatAddresses(value('to')),
    formatAddresses(value('cc')),
    formatAddresses(value('bcc')),
    nstring(value('in-reply-to')),
    nstring(value('message-id')),
  ].join(' ')})`
}

function formatParameters(parameters: readonly (readonly [string, string])[]): string {
  if (parameters.length === 0) return 'NIL'
  return `(${parameters.map(([name, value]) => `${imapString(name)} ${imapString(value)}`).join(' ')})`
}

function formatDisposition(value: string | undefined): string {
  if (value === undefined) return 'NIL'
  const { value: disposition, parameters } = parseParameterised(value)
  return disposition === '' ? 'NIL' : `(${imapString(disposition)} ${formatParameters(parameters)})`
}

function formatLanguage(value: string | undefined): string {
  const tags = value?.split(/[\s,]+/u).filter((tag) => tag !== '') ?? []
  return tags.length === 0 ? 'NIL' : `(${tags.map((tag) => imapString(tag)).join(' ')})`
}

function countLines(bytes: Uint8Array, start: number, end: number): number {
  let lines = 0
  for (let at = bytes.indexOf(LF, start); at !== -1 && at < end; at = bytes.indexOf(LF, at + 1)) lines++
  return lines
}

/** BODYSTRUCTURE if `extended`, else BODY (RFC 3501 §7.4.2). */
export function formatBodyStructure(bytes: Uint8Array, part: MimePart, extended: boolean): string {
  const value = (name: string): string | undefined => fieldValue(part.fields, name)
  const disposition = formatDisposition(value('content-disposition'))
  const tail = `${disposition} ${formatLanguage(value('content-language'))} ${nstring(value('content-location'))}`
  const [typeAsWritten = '', subtypeAsWritten = ''] = part.contentType.value.split('/')

  if (part.content.kind === 'multipart') {
    const { parts } = part.content
    const inside = parts.map((each) => formatBodyStructure(bytes, each, extended)).join('')
    const end = extended ? ` ${formatParameters(part.contentType.parameters)} ${tail}` : ''
    return `(${inside} ${imapString(subtypeAsWritten)}${end})`
  }

  const { type, contentType, bodyStart, end } = part
  // RFC 2046 §4.1.2: text is US-ASCII unless it says otherwise.
  const implied =
    type === 'text' && parameter(contentType, 'charset') === undefined ? [['charset', 'us-ascii'] as const] : []
  const fields = [
    imapString(typeAsWritten),
    imapString(subtypeAsWritten),
    formatParameters([...contentType.parameters, ...implied]),
    nstring(value('content-id')),
    nstring(value('content-description')),
    imapString(parseParameterised(value('content-transfer-encoding') ?? '').value || '7bit'),
    String(end - bodyStart),
  ]
  if (part.content.kind === 'message') {
    const { message } = part.content
    fields.push(formatEnvelope(message.fields), formatBodyStructure(bytes, message, extended))
  }
  if (part.content.kind === 'message' || type === 'text') fields.push(String(countLines(bytes, bodyStart, end)))
  if (extended) fields.push(nstring(value('content-md5')), tail)
  return `(${fields.join(' ')})`
}
