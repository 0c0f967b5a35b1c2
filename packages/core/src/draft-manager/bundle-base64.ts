import { validationError } from '../errors.ts'

const alphabet = new TextEncoder().encode('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')
const values: Int8Array = Int8Array.from({ length: 256 }, (_, byte) => alphabet.indexOf(byte))
const padding = 0x3d

/** RFC 4648 §4, as the ASCII that it is written in. */
export function toBase64(bytes: Uint8Array): Uint8Array {
  const encoded = new Uint8Array(Math.ceil(bytes.length / 3) * 4)
  let at = 0
  for (let index = 0; index < bytes.length; index += 3) {
    const left = bytes.length - index
    const group = ((bytes[index] ?? 0) << 16) | ((bytes[index + 1] ?? 0) << 8) | (bytes[index + 2] ?? 0)
    encoded[at] = alphabet[group >> 18] as number
    encoded[at + 1] = alphabet[(group >> 12) & 63] as number
    encoded[at + 2] = left > 1 ? (alphabet[(group >> 6) & 63] as number) : padding
    encoded[at + 3] = left > 2 ? (alphabet[group & 63] as number) : padding
    at += 4
  }
  return encoded
}

/** Strict: no blanks, with its padding, and no bits that mean nothing. @throws {EverdraftError} VALIDATION_ERROR naming `path` */
export function fromBase64(text: string, path: string): Uint8Array {
  const pads = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const length = text.length - pads
  if (text.length % 4 !== 0) throw notBase64(path)
  const bytes = new Uint8Array((text.length / 4) * 3 - pads)
  let at = 0
  let group = 0
  for (let index = 0; index < length; index += 1) {
    const value = values[text.charCodeAt(index)] ?? -1
    if (value === -1) throw notBase64(path)
    group = (group << 6) | value
    if (index % 4 !== 3) continue
    bytes[at] = group >> 16
    bytes[at + 1] = (group >> 8) & 255
    bytes[at + 2] = group & 255
    at += 3
    group = 0
  }
  if (pads === 2) {
    if ((group & 15) !== 0) throw notBase64(path)
    bytes[at] = group >> 4
  } else if (pads === 1) {
    if ((group & 3) !== 0) throw notBase64(path)
    bytes[at] = group >> 10
    bytes[at + 1] = (group >> 2) & 255
  }
  return bytes
}

function notBase64(path: string): Error {
  return validationError(path, 'is not base64')
}
