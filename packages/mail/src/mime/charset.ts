const utf8 = /^utf-?8$/i
// What programs call a text whose charset they do not know, or that has none.
const unnamed = /^(?:|us-?ascii|ansi_x3\.4-1968|7bit|8bit|unknown(?:-8bit)?|default(?:_charset)?|x-unknown)$/i

/**
 * Text from bytes; never throws. A charset that is missing, unknown or plainly wrong is taken for UTF-8 where it is
 * that, else for windows-1252, in which every byte is a character: nothing is lost.
 */
export function decodeCharset(bytes: Uint8Array, charset: string): string {
  // RFC 2231 §5: a language may follow.
  const label = charset.trim().replace(/\*.*$/s, '')
  if (utf8.test(label) || unnamed.test(label)) return guess(bytes)
  try {
    // A byte order mark is a character like any other here: what was written is read.
    return new TextDecoder(label, { ignoreBOM: true }).decode(bytes)
  } catch {
    return guess(bytes)
  }
}

function guess(bytes: Uint8Array): string {
  try {
    // U+FFFD itself may have been written: only bytes that are no UTF-8 say that this is another charset.
    return new TextDecoder('utf-8', { ignoreBOM: true, fatal: true }).decode(bytes)
  } catch {
    return guessBroken(bytes)
  }
}

function guessBroken(bytes: Uint8Array): string {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  // One broken character in a text that is UTF-8 otherwise must not spoil the rest.
  // eslint-disable-next-line no-control-regex -- ASCII begins with the controls
  const isMostlyUtf8 = text.replace(/[\x00-\x7f\u{fffd}]+/gu, '').length > 0
  return isMostlyUtf8 ? text : new TextDecoder('windows-1252').decode(bytes)
}

/** What stands in a header, a character for each byte: 8-bit ones have no charset there (RFC 6532: UTF-8). */
export function decodeRaw(binary: string): string {
  // eslint-disable-next-line no-control-regex -- ASCII begins with the controls
  return /^[\x00-\x7f]*$/.test(binary) ? binary : decodeCharset(Buffer.from(binary, 'latin1'), '')
}
