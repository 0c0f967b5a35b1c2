import { structureOf, type MimePart } from '../mime/part.ts'
import { decodedBody, transferEncoding } from '../mime/transfer-encoding.ts'
import { astring, pieces } from './format.ts'
import { ImapSyntaxError, type Scanner } from './scanner.ts'

/** Which octets of a message: what stands between the brackets of BODY[…] (RFC 3501 §6.4.5). */
export type Section = {
  readonly path: readonly number[]
  readonly text:
    | { readonly kind: 'all' | 'header' | 'text' | 'mime' }
    | { readonly kind: 'fields' | 'fields-not'; readonly names: readonly string[] }
}

export const WHOLE_MESSAGE: Section = { path: [], text: { kind: 'all' } }

/** Reads a section; `closing` is what stands behind it (`]` in FETCH, the end or a slash in a URL). */
export function parseSection(scanner: Scanner): Section {
  const path: number[] = []
  while (/[0-9]/u.test(scanner.peek() ?? '')) {
    const number = scanner.number()
    if (number === 0) throw new ImapSyntaxError('Invalid part number')
    path.push(number)
    if (!scanner.skip('.')) return { path, text: { kind: 'all' } }
  }
  const word = scanner.takeWhile(/[A-Za-z.]/u).toUpperCase()
  switch (word) {
    case '':
      if (path.length > 0) throw new ImapSyntaxError('Invalid section')
      return WHOLE_MESSAGE
    case 'HEADER':
      return { path, text: { kind: 'header' } }
    case 'TEXT':
      return { path, text: { kind: 'text' } }
    case 'MIME':
      if (path.length === 0) throw new ImapSyntaxError('MIME needs a part number')
      return { path, text: { kind: 'mime' } }
    case 'HEADER.FIELDS':
    case 'HEADER.FIELDS.NOT': {
      scanner.space()
      const names = scanner.list(() => scanner.astring())
      if (names.length === 0) throw new ImapSyntaxError('A header list must not be empty')
      return { path, text: { kind: word === 'HEADER.FIELDS' ? 'fields' : 'fields-not', names } }
    }
    default:
      throw new ImapSyntaxError(`Unknown section ${word}`)
  }
}

/** The part that a number path leads to; a message that is not multipart has itself as its part 1. */
function find(message: MimePart, path: readonly number[]): MimePart | undefined {
  const [number, ...rest] = path
  if (number === undefined) return message
  const { content } = message
  const part = content.kind === 'multipart' ? content.parts[number - 1] : number === 1 ? message : undefined
  if (part === undefined || rest.length === 0) return part
  switch (part.content.kind) {
    case 'multipart':
      return find(part, rest)
    case 'message':
      return find(part.content.message, rest)
    case 'leaf':
      return undefined
  }
}

function headerFields(part: MimePart, names: readonly string[], wanted: boolean): Uint8Array {
  const listed = new Set(names.map((name) => name.toLowerCase()))
  const chosen = part.fields.filter(({ name }) => listed.has(name.toLowerCase()) === wanted)
  return pieces(...chosen.map(({ raw }) => raw), '\r\n')
}

/** Undefined if the message has no such part: NIL to a client, BADURL to CATENATE. */
export function readSection(bytes: Uint8Array, section: Section): Uint8Array | undefined {
  const { path, text } = section
  if (path.length === 0 && text.kind === 'all') return bytes
  const root = structureOf(bytes)
  const part = find(root, path)
  if (part === undefined) return undefined
  if (text.kind === 'all') return bytes.subarray(part.bodyStart, part.end)
  if (text.kind === 'mime') return bytes.subarray(part.headerStart, part.bodyStart)
  // HEADER and TEXT are those of a message: the whole one, or one that is a part (RFC 3501 §6.4.5).
  const message = path.length === 0 ? root : part.content.kind === 'message' ? part.content.message : undefined
  if (message === undefined) return undefined
  switch (text.kind) {
    case 'header':
      return bytes.subarray(message.headerStart, message.bodyStart)
    case 'text':
      return bytes.subarray(message.bodyStart, message.end)
    case 'fields':
      return headerFields(message, text.names, true)
    case 'fields-not':
      return headerFields(message, text.names, false)
  }
}

/**
 * A part without its transfer encoding (RFC 3516 §4.2): undefined if there is no such part, and nothing decoded if its
 * encoding is unknown. What consists of parts or of a message comes as it is.
 */
export function readDecoded(
  bytes: Uint8Array,
  path: readonly number[],
): { readonly decoded: Uint8Array | undefined } | undefined {
  if (path.length === 0) return { decoded: bytes }
  const part = find(structureOf(bytes), path)
  if (part === undefined) return undefined
  const body = bytes.subarray(part.bodyStart, part.end)
  if (part.content.kind !== 'leaf') return { decoded: body }
  return { decoded: decodedBody(body, transferEncoding(part.fields)) }
}

export type Partial = { readonly offset: number; readonly length: number | undefined }

export const readPartial = (bytes: Uint8Array, partial: Partial | undefined): Uint8Array =>
  partial === undefined
    ? bytes
    : bytes.subarray(partial.offset, partial.length === undefined ? undefined : partial.offset + partial.length)

/** As a FETCH response repeats it. */
export function formatSection({ path, text }: Section): string {
  const prefix = path.length === 0 || text.kind === 'all' ? path.join('.') : `${path.join('.')}.`
  switch (text.kind) {
    case 'all':
      return prefix
    case 'header':
      return `${prefix}HEADER`
    case 'text':
      return `${prefix}TEXT`
    case 'mime':
      return `${prefix}MIME`
    case 'fields':
      return `${prefix}HEADER.FIELDS (${text.names.map(astring).join(' ')})`
    case 'fields-not':
      return `${prefix}HEADER.FIELDS.NOT (${text.names.map(astring).join(' ')})`
  }
}
