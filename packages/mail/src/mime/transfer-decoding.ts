/** RFC 2045 §6. Whatever does not belong into an encoding is passed over: broken ones never fail. */
export function decodeTransfer(encoded: AsyncIterable<Uint8Array>, encoding: string): AsyncIterable<Uint8Array> {
  if (encoding === 'base64') return decodeBase64(encoded)
  return encoding === 'quoted-printable' ? decodeQuotedPrintable(encoded) : encoded
}

/** Those whose decoded bytes we know. */
export function isKnownEncoding(encoding: string): boolean {
  return ['', '7bit', '8bit', 'binary', 'base64', 'quoted-printable'].includes(encoding)
}

async function* decodeBase64(encoded: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let rest = ''
  for await (const chunk of encoded) {
    const text =
      rest +
      Buffer.from(chunk)
        .toString('latin1')
        .replace(/[^A-Za-z0-9+/=]+/g, '')
    // Some programs put pieces together that were padded one by one.
    const pieces = text.split(/=+/)
    rest = pieces.pop() ?? ''
    const padded = pieces.map((piece) => Buffer.from(piece, 'base64'))
    const whole = rest.length - (rest.length % 4)
    const decoded = Buffer.concat([...padded, Buffer.from(rest.slice(0, whole), 'base64')])
    rest = rest.slice(whole)
    if (decoded.length > 0) yield decoded
  }
  const last = Buffer.from(rest, 'base64')
  if (last.length > 0) yield last
}

const longestHeldLine = 64 * 1024

/** RFC 2045 §6.7. */
async function* decodeQuotedPrintable(encoded: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let rest = ''
  for await (const chunk of encoded) {
    rest += Buffer.from(chunk).toString('latin1')
    let end = rest.lastIndexOf('\n') + 1
    // A line without an end: all but what may be an escape or blanks at its end.
    if (end === 0 && rest.length > longestHeldLine)
      end = rest.length - (/[=\t\r ][^=]{0,2}$|[\t\r ]+$/.exec(rest)?.[0].length ?? 0)
    if (end === 0) continue
    yield decodeLines(rest.slice(0, end))
    rest = rest.slice(end)
  }
  if (rest !== '') yield decodeLines(rest)
}

function decodeLines(lines: string): Buffer {
  const decoded = lines
    // Rule 3: blanks at the end of a line were added on the way.
    .replace(/[ \t]+(?=\r?\n|$)/g, '')
    .replace(/=(?:\r?\n|$)/g, '')
    .replace(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(decoded, 'latin1')
}
