/**
 * Octets and text. IMAP and SMTP are octet protocols: a command line is kept as a *byte string*, a string in which every
 * character is one octet (0–255), so that nothing is lost before the grammar says which charset applies.
 */
const utf8Decoder = new TextDecoder('utf-8')
const utf8Encoder = new TextEncoder()

export const LF = 10
export const CR = 13

const CHUNK = 8192

export function byteString(bytes: Uint8Array): string {
  let text = ''
  // fromCharCode takes its arguments on the stack: in slices, or a large header overflows it.
  for (let at = 0; at < bytes.length; at += CHUNK) text += String.fromCharCode(...bytes.subarray(at, at + CHUNK))
  return text
}

export function fromByteString(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at)
  return bytes
}

export const utf8 = (text: string): Uint8Array => utf8Encoder.encode(text)
export const fromUtf8 = (bytes: Uint8Array): string => utf8Decoder.decode(bytes)

/** A byte string read as UTF-8, e.g. a mailbox name or a search text that a client sent raw. */
export const utf8OfByteString = (text: string): string => fromUtf8(fromByteString(text))

/** The octets of a text, one per character, for replies: what is beyond Latin-1 goes out as UTF-8. */
export const utf8ByteString = (text: string): string => byteString(utf8(text))

export function concatBytes(pieces: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const piece of pieces) length += piece.length
  const whole = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

export function base64Bytes(text: string): Uint8Array | undefined {
  try {
    return fromByteString(atob(text))
  } catch {
    return undefined
  }
}
