/** RFC 2045 §2.7 and §2.8. */
export type PlainEncoding = '7bit' | '8bit'

/** RFC 5322 §2.1.1, without CRLF. */
const longestLine = 998

/**
 * How a message inside a message can travel as it is: RFC 2046 §5.2.1 allows it no other encoding. Null where it cannot
 * (a bare CR or LF, a NUL, a line too long): then it is no message by RFC 5322 either.
 */
export async function scanMessagePart(bytes: AsyncIterable<Uint8Array>): Promise<PlainEncoding | null> {
  let isEightBit = false
  let line = 0
  let wasCarriageReturn = false
  for await (const chunk of bytes) {
    for (const byte of chunk) {
      if (byte === 0x00 || (byte === 0x0a) !== wasCarriageReturn) return null
      wasCarriageReturn = byte === 0x0d
      if (byte === 0x0a) line = 0
      else if (!wasCarriageReturn && ++line > longestLine) return null
      if (byte > 0x7f) isEightBit = true
    }
  }
  if (wasCarriageReturn) return null
  return isEightBit ? '8bit' : '7bit'
}
