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
  /** What is no whole line yet; a copy, as the source may use its memory again. */
  const line = new Uint8Array(lineBytes)
  let held = 0
  let isFirst = true
  for await (const chunk of decoded) {
    const size = held + chunk.length
    let taken = 0
    if (size >= lineBytes) {
      const lines = new EncodedLines(size - (size % lineBytes), isFirst)
      if (held > 0) {
        taken = lineBytes - held
        line.set(chunk.subarray(0, taken), held)
        lines.add(line)
        held = 0
      }
      const whole = chunk.length - ((chunk.length - taken) % lineBytes)
      lines.add(chunk.subarray(taken, whole))
      taken = whole
      yield lines.body
      isFirst = false
    }
    line.set(chunk.subarray(taken), held)
    held += chunk.length - taken
  }
  if (held === 0) return
  const last = new EncodedLines(held, isFirst)
  last.add(line.subarray(0, held))
  yield last.body
}

const alphabet = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')

/** The two characters of each twelve bits, as they lie in memory. */
const pairs = new Uint16Array(
  Uint8Array.from({ length: 2 * 64 * 64 }, (_, at) => alphabet[at % 2 === 0 ? at >> 7 : (at >> 1) & 63] ?? 0).buffer,
)
const [crlf] = new Uint16Array(Uint8Array.of(0x0d, 0x0a).buffer) as unknown as readonly [number]

/** Without strings in between: of a large file they would be many times its size in garbage. */
class EncodedLines {
  readonly body: Buffer
  /** Everything in it is of an even length. */
  readonly #out: Uint16Array
  #at = 0
  #isAtStart: boolean

  constructor(size: number, isFirst: boolean) {
    this.body = Buffer.allocUnsafe(base64BodySize(size) + (isFirst ? 0 : separatorLength))
    this.#out = new Uint16Array(this.body.buffer, this.body.byteOffset, this.body.length / 2)
    this.#isAtStart = isFirst
  }

  /** Whole lines; only the last may be shorter. */
  add(bytes: Uint8Array): void {
    const out = this.#out
    const whole = bytes.length - (bytes.length % 3)
    let at = this.#at
    for (let line = 0; line < bytes.length; line += lineBytes) {
      if (!this.#isAtStart) out[at++] = crlf
      this.#isAtStart = false
      const end = Math.min(line + lineBytes, whole)
      for (let index = line; index < end; index += 3) {
        const group =
          ((bytes[index] as number) << 16) | ((bytes[index + 1] as number) << 8) | (bytes[index + 2] as number)
        out[at++] = pairs[group >> 12] as number
        out[at++] = pairs[group & 0xfff] as number
      }
    }
    this.#at = at
    if (whole < bytes.length) {
      this.body.write(Buffer.from(bytes.subarray(whole)).toString('base64'), at * 2, 'latin1')
    }
  }
}
