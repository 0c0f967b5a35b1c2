import { EverdraftError } from '../errors.ts'
import type { BundleLimits } from './bundle.ts'
import { checkSignal } from './export-records.ts'
import type { ImportOptions } from './import-options.ts'

/** What an import reads from, and how far it has come. */
export interface Reading {
  readonly source: AsyncIterable<Uint8Array>
  progress(): { readonly bytesRead: number; readonly bytesUncompressed: number }
  /** What came out of a compression counts here. */
  uncompressed(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>
  /** Lets go of the source, wherever it is. */
  end(): Promise<void>
}

export function createReading(source: AsyncIterable<Uint8Array>, { signal }: ImportOptions): Reading {
  let bytesRead = 0
  let bytesUncompressed = 0
  async function* counted(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const piece of source) {
      checkSignal(signal)
      bytesRead += piece.length
      yield piece
    }
    checkSignal(signal)
  }
  async function* uncompressed(plain: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const piece of plain) {
      checkSignal(signal)
      bytesUncompressed += piece.length
      yield piece
    }
  }
  const pieces = counted()
  return {
    source: pieces,
    progress: () => ({ bytesRead, bytesUncompressed }),
    uncompressed,
    end: async () => void (await pieces.return()),
  }
}

/** After the mark that some programs write before UTF-8, and blanks. */
export function firstOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).trimStart().slice(0, 1)
}

export async function* withinTotal(
  source: AsyncIterable<Uint8Array>,
  { totalBytes }: BundleLimits,
): AsyncGenerator<Uint8Array, void, undefined> {
  let total = 0
  for await (const piece of source) {
    total += piece.length
    if (total > totalBytes) {
      const message = `is larger than ${totalBytes} bytes`
      throw new EverdraftError('TOO_LARGE', `bundle: ${message}`, { errors: [{ path: 'bundle', message }] })
    }
    yield piece
  }
}

/** As many bytes as tell what it is, and all of it from its beginning. */
export async function beginning(
  source: AsyncIterable<Uint8Array>,
): Promise<{ readonly bytes: Uint8Array; readonly source: AsyncIterable<Uint8Array> }> {
  const iterator = source[Symbol.asyncIterator]()
  const pieces: Uint8Array[] = []
  let length = 0
  while (length < 64) {
    const next = await iterator.next()
    if (next.done === true) break
    // Its memory may be used for the next one.
    pieces.push(next.value.slice())
    length += next.value.length
  }
  const bytes = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  async function* whole(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      if (length > 0) yield bytes
      for (;;) {
        const next = await iterator.next()
        if (next.done === true) return
        yield next.value
      }
    } finally {
      await iterator.return?.()
    }
  }
  return { bytes, source: whole() }
}
