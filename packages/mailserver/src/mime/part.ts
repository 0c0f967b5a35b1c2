import { byteString, LF } from '../octets.ts'
import { fieldValue, headerEnd, parseHeader, type HeaderField } from './headers.ts'
import { parameter, parseParameterised, type ParameterisedValue } from './parameters.ts'

/** The structure of a message, as offsets into its octets (RFC 2045, RFC 2046). */
export type MimePart = {
  readonly fields: readonly HeaderField[]
  readonly headerStart: number
  /** Behind the blank line. */
  readonly bodyStart: number
  readonly end: number
  /** Lower case. */
  readonly type: string
  readonly subtype: string
  readonly contentType: ParameterisedValue
  readonly content:
    | { readonly kind: 'leaf' }
    | {
        readonly kind: 'multipart'
        readonly parts: readonly MimePart[]
        /** It ends with its closing delimiter: not even a line break is left behind it. */
        readonly closed: boolean
      }
    | { readonly kind: 'message'; readonly message: MimePart }
}

/** Deeper than any mail; a message that nests further is a leaf from there on. */
const MAX_DEPTH = 100

const TEXT_PLAIN: ParameterisedValue = { value: 'text/plain', parameters: [] }
const MESSAGE_RFC822: ParameterisedValue = { value: 'message/rfc822', parameters: [] }

const parseMessage = (bytes: Uint8Array): MimePart => parsePart(bytes, 0, bytes.length, TEXT_PLAIN, 0)

function parsePart(
  bytes: Uint8Array,
  start: number,
  end: number,
  defaultType: ParameterisedValue,
  depth: number,
): MimePart {
  const bodyStart = headerEnd(bytes, start, end)
  const fields = parseHeader(bytes, start, bodyStart)
  const declared = fieldValue(fields, 'content-type')
  const parsed = declared === undefined ? defaultType : parseParameterised(declared)
  // RFC 2045 §5.2: what cannot be understood is text/plain.
  const contentType = /^[^/]+\/[^/]+$/u.test(parsed.value) ? parsed : TEXT_PLAIN
  const [type = '', subtype = ''] = contentType.value.toLowerCase().split('/')
  const part = { fields, headerStart: start, bodyStart, end, type, subtype, contentType }
  const boundary = parameter(contentType, 'boundary')

  if (depth >= MAX_DEPTH) return { ...part, content: { kind: 'leaf' } }
  if (type === 'multipart') {
    // RFC 2046 §5.1.5: parts of a digest are messages unless they say otherwise.
    const partDefault = subtype === 'digest' ? MESSAGE_RFC822 : TEXT_PLAIN
    const { spans, closed } =
      boundary === undefined || boundary === ''
        ? { spans: [], closed: false }
        : splitAtBoundaries(bytes, bodyStart, end, boundary)
    // A multipart without parts has an empty one, as on Dovecot and Cyrus.
    const found: readonly Span[] = spans.length === 0 ? [{ from: end, to: end, lineBreak: end }] : spans
    const parts = found.map(({ from, to, lineBreak }) => {
      const child = parsePart(bytes, from, to, partDefault, depth + 1)
      return endsClosed(child) ? extendedTo(child, lineBreak) : child
    })
    return { ...part, content: { kind: 'multipart', parts, closed } }
  }
  if (type === 'message' && subtype === 'rfc822') {
    return { ...part, content: { kind: 'message', message: parsePart(bytes, bodyStart, end, TEXT_PLAIN, depth + 1) } }
  }
  return { ...part, content: { kind: 'leaf' } }
}

/**
 * Behind a closing delimiter the line break before the outer one counts to the inner multipart, as on Dovecot and Cyrus:
 * it has ended a line of its own.
 */
function endsClosed({ content }: MimePart): boolean {
  switch (content.kind) {
    case 'multipart':
      return content.closed
    case 'message':
      return endsClosed(content.message)
    case 'leaf':
      return false
  }
}

function extendedTo(part: MimePart, end: number): MimePart {
  const { content } = part
  if (content.kind !== 'message') return { ...part, end }
  return { ...part, end, content: { kind: 'message', message: extendedTo(content.message, end) } }
}

type Span = {
  readonly from: number
  readonly to: number
  /** Behind the line break that belongs to the next delimiter. */
  readonly lineBreak: number
}

function splitAtBoundaries(
  bytes: Uint8Array,
  start: number,
  end: number,
  boundary: string,
): { readonly spans: readonly Span[]; readonly closed: boolean } {
  const marker = `--${boundary}`
  const spans: Span[] = []
  let open: number | undefined
  let lineStart = start
  while (lineStart < end) {
    const newline = bytes.indexOf(LF, lineStart)
    const lineEnd = newline === -1 || newline >= end ? end : newline + 1
    if (bytes[lineStart] === 45 && bytes[lineStart + 1] === 45) {
      const line = byteString(bytes.subarray(lineStart, lineEnd)).trimEnd()
      const closing = line === `${marker}--`
      if (line === marker || closing) {
        // The line break before a delimiter belongs to the delimiter (RFC 2046 §5.1.1).
        if (open !== undefined)
          spans.push({ from: open, to: withoutLineBreak(bytes, open, lineStart), lineBreak: lineStart })
        open = closing ? undefined : lineEnd
        if (closing) return { spans, closed: newline === -1 || newline >= end }
      }
    }
    lineStart = lineEnd
  }
  // Not closed: the last part goes on to the end.
  if (open !== undefined) spans.push({ from: open, to: end, lineBreak: end })
  return { spans, closed: false }
}

function withoutLineBreak(bytes: Uint8Array, start: number, end: number): number {
  if (end <= start || bytes[end - 1] !== LF) return end
  return end - 2 >= start && bytes[end - 2] === 13 ? end - 2 : end - 1
}

const parsedMessages = new WeakMap<Uint8Array, MimePart>()

/** Parsed once per stored message: its octets never change. */
export function structureOf(bytes: Uint8Array): MimePart {
  const known = parsedMessages.get(bytes)
  if (known !== undefined) return known
  const parsed = parseMessage(bytes)
  parsedMessages.set(bytes, parsed)
  return parsed
}
