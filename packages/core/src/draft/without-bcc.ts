const lineFeed = 0x0a
const carriageReturn = 0x0d
const colon = 0x3a
const space = 0x20
const tab = 0x09

/** Resent fields are a second set (RFC 5322 §3.6.6); blanks before the colon are obsolete, and still read (§4.5). */
const blindField = /^(?:resent-)?bcc[ \t]*:$/i

/** RFC 5322 §2.1.1: a line that has no colon by then is no field. */
const longestName = 998

/**
 * A message as it goes to somebody else: without the people of whom the others were not to know (RFC 5322 §3.6.3, hazard
 * 39). All other bytes pass as they are, also a Bcc within the body or within an attached message.
 */
export function withoutBcc(raw: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  return withoutFields(raw, blindField)
}

/** A message without some fields of its header. `unwanted` is asked for each name, with its colon and the blanks before it. */
export async function* withoutFields(
  raw: AsyncIterable<Uint8Array>,
  unwanted: RegExp,
): AsyncGenerator<Uint8Array, void, undefined> {
  const header = createHeaderFilter(unwanted)
  for await (const chunk of raw) {
    const { kept, body } = header.filter(chunk)
    if (kept.length > 0) yield Uint8Array.from(kept)
    if (body.length > 0) yield body
  }
  // A message that ends in the middle of a field name has no field there.
  yield Uint8Array.from(header.undecided())
}

interface Filtered {
  /** Of the header, what stays. */
  readonly kept: readonly number[]
  /** From the empty line on. */
  readonly body: Uint8Array
}

interface HeaderFilter {
  filter(chunk: Uint8Array): Filtered
  /** What may be the beginning of a field's name. */
  undecided(): readonly number[]
}

function createHeaderFilter(unwanted: RegExp): HeaderFilter {
  let place: 'line-start' | 'name' | 'line' | 'body' = 'line-start'
  let isUnwanted = false
  let name: number[] = []

  /** What of the header may go out now that this byte of it is known. */
  function pass(byte: number): readonly number[] {
    if (place === 'line-start') {
      // A folded line belongs to the field before it.
      place = byte === space || byte === tab ? 'line' : 'name'
    }
    if (place === 'line') {
      if (byte === lineFeed) place = 'line-start'
      return isUnwanted ? [] : [byte]
    }
    name.push(byte)
    if (byte !== colon && byte !== lineFeed && name.length < longestName) return []
    const read = name
    name = []
    isUnwanted = unwanted.test(String.fromCharCode(...read))
    place = byte === lineFeed ? 'line-start' : 'line'
    return isUnwanted ? [] : read
  }

  return {
    filter(chunk) {
      const kept: number[] = []
      for (const [at, byte] of chunk.entries()) {
        if (place === 'line-start' && (byte === lineFeed || byte === carriageReturn)) place = 'body'
        if (place === 'body') return { kept, body: chunk.subarray(at) }
        for (const one of pass(byte)) kept.push(one)
      }
      return { kept, body: chunk.subarray(chunk.length) }
    },
    undecided: () => name,
  }
}
