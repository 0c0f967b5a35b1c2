import { byteString, concatBytes, fromByteString, LF } from '../octets.ts'
import { headerEnd, parseHeader, type HeaderField } from './headers.ts'

/** A message with each field of its header replaced by what this gives; an empty text takes it away. */
function withFields(bytes: Uint8Array, replace: (field: HeaderField) => string): Uint8Array {
  const end = headerEnd(bytes, 0, bytes.length)
  const fields = parseHeader(bytes, 0, end)
  const kept = fields.map(({ raw }) => raw).join('')
  // What is no field, the blank line above all, stays at the end.
  const rest = byteString(bytes.subarray(kept.length, end))
  return concatBytes([fromByteString(fields.map(replace).join('') + rest), bytes.subarray(end)])
}

const isNamed = ({ name }: HeaderField, wanted: string): boolean => name.toLowerCase() === wanted

/** With another Message-ID; the old one is kept in a field of this name, if one is given. */
export function withMessageId(bytes: Uint8Array, messageId: string, originalIn?: string): Uint8Array {
  return withFields(bytes, (field) => {
    if (!isNamed(field, 'message-id')) return field.raw
    const original = originalIn === undefined ? '' : originalIn + field.raw.slice(field.raw.indexOf(':'))
    return `Message-ID: ${messageId}\r\n${original}`
  })
}

/** Without the fields whose names begin with `X-`. */
export const withoutPrivateFields = (bytes: Uint8Array): Uint8Array =>
  withFields(bytes, ({ name, raw }) => (/^x-/iu.test(name) ? '' : raw))

/** Every line ends in CRLF. */
export function withLineEnds(bytes: Uint8Array): Uint8Array {
  let bare = false
  for (let at = bytes.indexOf(LF); at !== -1 && !bare; at = bytes.indexOf(LF, at + 1)) bare = bytes[at - 1] !== 13
  return bare ? fromByteString(byteString(bytes).replaceAll(/\r?\n/gu, '\r\n')) : bytes
}
