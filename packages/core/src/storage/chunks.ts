/**
 * Chunks of exactly `size` bytes, the last one shorter; none for an empty source. One is to be used before the next is
 * asked for: they share their memory.
 */
export async function* inChunks(
  source: AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let buffer: Uint8Array | null = null
  let filled = 0
  for await (const piece of source) {
    let offset = 0
    while (offset < piece.length) {
      if (filled === 0 && piece.length - offset >= size) {
        yield piece.subarray(offset, offset + size)
        offset += size
        continue
      }
      buffer ??= new Uint8Array(size)
      const taken = Math.min(size - filled, piece.length - offset)
      buffer.set(piece.subarray(offset, offset + taken), filled)
      filled += taken
      offset += taken
      if (filled === size) {
        yield buffer
        filled = 0
      }
    }
  }
  if (buffer !== null && filled > 0) yield buffer.subarray(0, filled)
}

export async function* inOnePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes
}
