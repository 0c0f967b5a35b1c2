import { byteString, concatBytes, fromByteString } from '../octets.ts'
import { decodeBase64, decodeQuotedPrintable, fieldValue, type HeaderField } from './headers.ts'

/** In lower case; `7bit` where the part says nothing (RFC 2045 §6.1). */
export const transferEncoding = (fields: readonly HeaderField[]): string =>
  fieldValue(fields, 'content-transfer-encoding')?.trim().toLowerCase() ?? '7bit'

/** A body without its transfer encoding (RFC 2045 §6); undefined if the encoding is unknown. */
export function decodedBody(bytes: Uint8Array, encoding: string): Uint8Array | undefined {
  switch (encoding) {
    case '':
    case '7bit':
    case '8bit':
    case 'binary':
      return bytes
    case 'base64':
      return fromByteString(decodeBase64(byteString(bytes)))
    case 'quoted-printable':
      return fromByteString(decodeQuotedPrintable(byteString(bytes)))
    default:
      return undefined
  }
}

/** Octets in a line of base64, of which there are 76 characters (RFC 2045 §6.8). */
const LINE_OCTETS = 57
const BLOCK_OCTETS = LINE_OCTETS * 128

/** Base64 in lines, without a line break behind the last. */
export function base64Lines(bytes: Uint8Array): Uint8Array {
  const blocks: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += BLOCK_OCTETS) {
    const encoded = btoa(byteString(bytes.subarray(at, at + BLOCK_OCTETS)))
    blocks.push(fromByteString(encoded.replaceAll(/.{1,76}/gu, '$&\r\n')))
  }
  return concatBytes(blocks).subarray(0, -2)
}
