/**
 * The same pieces, for a reader that is done with each when it asks for the next: its memory is given back then. A collector
 * of garbage would get round to it only when some sixty megabytes of them have gathered.
 */
export async function* spending(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of pieces) {
    yield piece
    giveBack(piece)
  }
}

/** What is only a part of a larger piece of memory is left to the collector, as is what was given back already. */
function giveBack({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength && !buffer.detached) buffer.transfer(0)
}
