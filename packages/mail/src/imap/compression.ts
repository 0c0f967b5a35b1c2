import type { Readable } from 'node:stream'
import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib'

// The sender chooses its window: with these it needs 48 KiB a connection instead of 256, and text shrinks nearly as well. Of
// smaller chunks two would share their memory.
const deflateOptions = { level: 6, windowBits: 13, memLevel: 5, chunkSize: 32 * 1024 }

export interface Deflater {
  /** All of it, so that the server can act on it: nothing is held back until more comes (RFC 4978 §4). */
  compress(pieces: readonly Uint8Array[]): Promise<readonly Uint8Array[]>
  /** What it gave is written. A collector of garbage would get round to a large message after some sixty megabytes of it. */
  release(compressed: readonly Uint8Array[]): void
  close(): void
}

export function createDeflater(): Deflater {
  const deflate = createDeflateRaw(deflateOptions)
  deflate.on('error', () => {})
  return {
    async compress(pieces) {
      const compressed: Buffer[] = []
      const take = (piece: Buffer): void => void compressed.push(piece)
      deflate.on('data', take)
      const { promise, resolve } = Promise.withResolvers<void>()
      deflate.once('close', resolve)
      for (const piece of pieces) deflate.write(piece)
      deflate.flush(constants.Z_SYNC_FLUSH, resolve)
      await promise
      deflate.off('close', resolve)
      deflate.off('data', take)
      return compressed
    },
    release(compressed) {
      for (const { buffer, byteLength } of compressed) {
        // What shares its memory with the next piece is left to the collector.
        if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength && !buffer.detached) buffer.transfer(0)
      }
    },
    close: () => void deflate.destroy(),
  }
}

/** What a server sends after its OK to COMPRESS: `first` and then what comes from `socket`. */
export async function* inflated(first: Uint8Array, socket: Readable): AsyncGenerator<Buffer, void, undefined> {
  const inflate = createInflateRaw({ chunkSize: 16 * 1024 })
  // After an orderly end there may be more to read from it, and `pipe` ends it.
  const end = (): void => {
    if (!socket.readableEnded) inflate.destroy()
  }
  socket.once('close', end)
  try {
    if (first.length > 0) inflate.write(first)
    socket.pipe(inflate)
    yield* inflate as AsyncIterable<Buffer>
  } finally {
    socket.off('close', end)
    inflate.destroy()
  }
}
