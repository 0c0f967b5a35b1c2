import { concatBytes, CR, LF } from '../octets.ts'

const DOT = 46

type DataEnd = {
  /** The message, dots unstuffed (RFC 5321 §4.5.2). */
  readonly message: Uint8Array
  /** How many of the octets just given belonged to the message. */
  readonly used: number
}

/**
 * Takes the octets behind DATA up to CRLF.CRLF. Only that ends a message: a bare LF before or behind the dot does not, or
 * two servers could disagree on where the next command begins.
 */
export type DataReader = {
  /** Undefined as long as the message goes on. */
  receive(bytes: Uint8Array): DataEnd | undefined
}

export function createDataReader(): DataReader {
  const pieces: Uint8Array[] = []
  let place: 'line-start' | 'in-line' | 'dot' | 'dot-cr' = 'line-start'
  let lastWasCr = false

  return {
    receive: (bytes) => {
      let at = 0
      let spanStart = 0
      const keep = (end: number): void => {
        // A copy: the caller may use its buffer again.
        if (end > spanStart) pieces.push(bytes.slice(spanStart, end))
        spanStart = end
      }
      while (at < bytes.length) {
        const byte = bytes[at]
        switch (place) {
          case 'line-start':
            if (byte === DOT) {
              keep(at)
              at++
              spanStart = at
              place = 'dot'
            } else place = 'in-line'
            break
          case 'dot':
            if (byte === CR) {
              at++
              place = 'dot-cr'
            } else place = 'in-line'
            break
          case 'dot-cr':
            if (byte === LF) return { message: concatBytes(pieces), used: at + 1 }
            // The CR was held back; it may have come with an earlier chunk.
            pieces.push(Uint8Array.of(CR))
            spanStart = at
            place = 'in-line'
            break
          case 'in-line': {
            const newline = bytes.indexOf(LF, at)
            if (newline === -1) at = bytes.length
            else {
              const crlf = newline > 0 ? bytes[newline - 1] === CR : lastWasCr
              place = crlf ? 'line-start' : 'in-line'
              at = newline + 1
            }
          }
        }
      }
      if (place !== 'dot-cr') keep(bytes.length)
      if (bytes.length > 0) lastWasCr = bytes.at(-1) === CR
      return undefined
    },
  }
}
