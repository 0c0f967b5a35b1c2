const CR = 13
const LF = 10
const DOT = 46

/** Makes of a message what stands between DATA and the final dot, piece by piece. */
export interface DotStuffer {
  stuff(piece: Uint8Array): Uint8Array
  /** What is left of the last line, and the dot that ends the message. */
  end(): Uint8Array
}

/**
 * RFC 5321 §4.5.2: a dot that begins a line is doubled. A bare CR or LF becomes CRLF (§2.3.8): servers do not agree on what it
 * ends, and a dot after one could end the message for some of them.
 */
export function createDotStuffer(): DotStuffer {
  let last: number | null = null

  return {
    stuff(piece) {
      if (goesAsItIs(piece, last)) {
        last = piece.at(-1) ?? last
        return piece
      }
      const inserted: Uint8Array[] = []
      let kept = 0
      const insert = (at: number, ...bytes: readonly number[]): void => {
        inserted.push(piece.subarray(kept, at), Uint8Array.from(bytes))
        kept = at
      }
      for (let at = 0; at < piece.length; at += 1) {
        const byte = piece[at] as number
        if (last === CR && byte !== LF) insert(at, ...(byte === DOT ? [LF, DOT] : [LF]))
        else if (byte === LF && last !== CR) insert(at, CR)
        else if (byte === DOT && (last === LF || last === null)) insert(at, DOT)
        last = byte
      }
      return inserted.length === 0 ? piece : Buffer.concat([...inserted, piece.subarray(kept)])
    },
    end() {
      if (last === LF) return Buffer.from('.\r\n')
      // Also for an empty message: the dot stands on a line of its own.
      return Buffer.from(last === CR ? '\n.\r\n' : last === null ? '.\r\n' : '\r\n.\r\n')
    },
  }
}

/** What most mails are: every line ends in CRLF, and none begins with a dot. Byte by byte it would take four times as long. */
function goesAsItIs(piece: Uint8Array, last: number | null): boolean {
  const [first] = piece
  if (first === DOT && (last === LF || last === null)) return false
  if ((first === LF) !== (last === CR)) return false
  for (let at = piece.indexOf(LF); at !== -1; at = piece.indexOf(LF, at + 1)) {
    if ((at > 0 && piece[at - 1] !== CR) || piece[at + 1] === DOT) return false
  }
  for (let at = piece.indexOf(CR); at !== -1; at = piece.indexOf(CR, at + 1)) {
    if (at + 1 < piece.length && piece[at + 1] !== LF) return false
  }
  return true
}
