/** Collects text as UTF-8, and gives it in pieces of one length. */
export interface Pieces {
  /** @returns how many bytes that is */
  add(part: string | Uint8Array): number
  /** Those that are full; what is given is not written to again. */
  take(): readonly Uint8Array[]
  /** With the last one. */
  end(): readonly Uint8Array[]
}

const pieceBytes = 64 * 1024

export function createPieces(): Pieces {
  const encoder = new TextEncoder()
  let full: Uint8Array[] = []
  let buffer = new Uint8Array(pieceBytes)
  let filled = 0

  function finish(): void {
    if (filled === 0) return
    full.push(buffer.subarray(0, filled))
    buffer = new Uint8Array(pieceBytes)
    filled = 0
  }

  function take(): readonly Uint8Array[] {
    const given = full
    full = []
    return given
  }

  function addText(text: string): number {
    let rest = text
    let size = 0
    while (rest !== '') {
      const { read, written } = encoder.encodeInto(rest, buffer.subarray(filled))
      filled += written
      size += written
      if (read === rest.length) return size
      finish()
      rest = rest.slice(read)
    }
    return size
  }

  function addBytes(bytes: Uint8Array): number {
    for (let at = 0; at < bytes.length;) {
      const taken = bytes.subarray(at, at + buffer.length - filled)
      buffer.set(taken, filled)
      filled += taken.length
      at += taken.length
      if (filled === buffer.length) finish()
    }
    return bytes.length
  }

  return {
    add: (part) => (typeof part === 'string' ? addText(part) : addBytes(part)),
    take,
    end() {
      finish()
      return take()
    },
  }
}
