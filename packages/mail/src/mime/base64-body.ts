const lineBytes = 57
const lineLength = 76
const separatorLength = 2

/** How long the base64 of `size` bytes is in lines of 76, with CRLF between them and none at the end. */
export function base64BodySize(size: number): number {
  const characters = Math.ceil(size / 3) * 4
  const lines = Math.ceil(characters / lineLength)
  return characters + Math.max(0, lines - 1) * separatorLength
}

/** That base64, whatever the chunks it comes in. */
export async function* encodeBase64Body(
  decoded: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let rest: Uint8Array = new Uint8Array(0)
  let isFirst = true
  for await (const chunk of decoded) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const whole = bytes.length - (bytes.length % lineBytes)
    if (whole > 0) {
      yield encodeLines(bytes.subarray(0, whole), isFirst)
      isFirst = false
    }
    // A copy, which a Buffer's own `slice` would not be: the source may use its memory again.
    rest = Uint8Array.from(bytes.subarray(whole))
  }
  if (rest.length > 0) yield encodeLines(rest, isFirst)
}

function encodeLines(bytes: Uint8Array, isFirst: boolean): Uint8Array {
  const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
  const lines = Math.ceil(base64.length / lineLength)
  const separators = isFirst ? lines - 1 : lines
  const body = Buffer.allocUnsafe(base64.length + separators * separatorLength)
  let at = 0
  for (let line = 0; line < lines; line += 1) {
    if (!(isFirst && line === 0)) at += body.write('\r\n', at, 'latin1')
    at += body.write(base64.slice(line * lineLength, (line + 1) * lineLength), at, 'latin1')
  }
  return body
}
