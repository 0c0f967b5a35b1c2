import { byteString, concatBytes, fromByteString } from '../octets.ts'
import type { HeaderField } from './headers.ts'
import { structureOf, type MimePart } from './part.ts'
import { base64Lines, transferEncoding } from './transfer-encoding.ts'

/** These octets of a message are to become others. */
type Edit = { readonly start: number; readonly end: number; readonly octets: Uint8Array }

function encodingEdit(bytes: Uint8Array, part: MimePart, field: HeaderField): Edit {
  // At the beginning of a line: the name of another field may end like this one.
  const header = `\n${byteString(bytes.subarray(part.headerStart, part.bodyStart))}`
  const start = part.headerStart + header.indexOf(`\n${field.raw}`)
  const colon = field.raw.indexOf(':')
  const raw = field.raw.slice(0, colon) + field.raw.slice(colon).replace(/binary/iu, 'base64')
  return { start, end: start + field.raw.length, octets: fromByteString(raw) }
}

function editsOf(bytes: Uint8Array, part: MimePart): readonly Edit[] {
  switch (part.content.kind) {
    case 'multipart':
      return part.content.parts.flatMap((each) => editsOf(bytes, each))
    case 'message':
      return editsOf(bytes, part.content.message)
    case 'leaf': {
      if (transferEncoding(part.fields) !== 'binary') return []
      const field = part.fields.find(({ name }) => name.toLowerCase() === 'content-transfer-encoding')
      if (field === undefined) return []
      const { bodyStart, end } = part
      return [
        encodingEdit(bytes, part, field),
        { start: bodyStart, end, octets: base64Lines(bytes.subarray(bodyStart, end)) },
      ]
    }
  }
}

/**
 * A message without parts in the transfer encoding `binary`: they become base64, as both Dovecot and Cyrus store what came
 * in a literal8, so that clients without BINARY can read it (RFC 3516 §4.4). Its lines are those of
 * Dovecot; Cyrus has shorter ones, and one line break more.
 */
export function withoutBinaryParts(bytes: Uint8Array): Uint8Array {
  const pieces: Uint8Array[] = []
  let at = 0
  for (const { start, end, octets } of editsOf(bytes, structureOf(bytes))) {
    pieces.push(bytes.subarray(at, start), octets)
    at = end
  }
  return at === 0 ? bytes : concatBytes([...pieces, bytes.subarray(at)])
}
