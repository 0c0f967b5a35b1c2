import { EverdraftError, validationError } from '../errors.ts'
import { inChunks } from '../storage/chunks.ts'

/** RFC 1952 §2.3.1. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b
}

/** The memory of a piece is not to be used again; pieces of some ten thousand bytes are best. */
export function gzip(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  return through(source, new CompressionStream('gzip'))
}

export interface GunzipLimits {
  /** Of what comes out. */
  readonly totalBytes: number
  /** So many times what went in may come out … */
  readonly ratio: number
  /** … once it is more than this. */
  readonly freeBytes: number
}

/** Deflate makes at most 1,032 bytes of one: this much goes in before it is looked at what came out. */
const gulpBytes = 8 * 1024

/**
 * Never more than some megabytes ahead of who reads it, however much a few bytes may stand for.
 * @throws {EverdraftError} TOO_LARGE for a bomb; VALIDATION_ERROR for what is broken or ends too early
 */
export async function* gunzip(
  source: AsyncIterable<Uint8Array>,
  { totalBytes, ratio, freeBytes }: GunzipLimits,
): AsyncGenerator<Uint8Array, void, undefined> {
  let taken = 0
  let given = 0
  async function* counted(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const piece of inChunks(source, gulpBytes)) {
      taken += piece.length
      // The chunk's memory is used for the next one.
      yield piece.slice()
    }
  }
  for await (const piece of through(counted(), new DecompressionStream('gzip'))) {
    given += piece.length
    if (given > totalBytes) throw tooLarge(`holds more than ${totalBytes} bytes`)
    if (given > freeBytes && given > taken * ratio) throw tooLarge(`holds more than ${ratio} times its own size`)
    yield piece
  }
}

function tooLarge(message: string): EverdraftError {
  return new EverdraftError('TOO_LARGE', `gzip: ${message}`, { errors: [{ path: 'gzip', message }] })
}

/** What the source throws comes out as it is; what the stream throws is said of the bytes. */
async function* through(
  source: AsyncIterable<Uint8Array>,
  { readable, writable }: GenericTransformStream,
): AsyncGenerator<Uint8Array, void, undefined> {
  const writer = (writable as WritableStream<Uint8Array>).getWriter()
  const reader = (readable as ReadableStream<Uint8Array>).getReader()
  const failure: { error: unknown }[] = []
  let isOver = false
  async function feed(): Promise<void> {
    try {
      for await (const piece of source) {
        if (isOver) return
        await writer.write(piece)
      }
    } catch (error) {
      if (!isOver) failure.push({ error })
      await writer.abort(error).catch(() => {})
      return
    }
    await writer.close()
  }
  const fed = feed().catch(() => {})
  // It fails with the reader, which says why.
  writer.closed.catch(() => {})
  try {
    for (;;) {
      const next = await reader.read()
      if (next.done) return
      yield next.value
    }
  } catch (error) {
    const [first] = failure
    if (first !== undefined && first.error instanceof EverdraftError) throw first.error
    if (error instanceof EverdraftError) throw error
    throw validationError('gzip', 'is damaged, or ends in the middle')
  } finally {
    isOver = true
    await reader.cancel().catch(() => {})
    await fed
  }
}
