/** A literal, as it came; compare its bytes, print its length. */
export interface Literal {
  readonly literal: Buffer
}

/** What IMAP responses are made of. Atoms and numbers are `{atom}`, so that the string "NIL" and NIL differ. */
export type ImapValue = null | string | { readonly atom: string } | Literal | readonly ImapValue[]

/**
 * Reads the values of a response line, with its literals in place. Lenient: what it does not know becomes an atom,
 * because its user is a test that wants to see what a server said, however odd.
 */
export function parseValues(line: Buffer): readonly ImapValue[] {
  const text = line.toString('latin1')
  let at = 0
  const list = (close: string | null): readonly ImapValue[] => {
    const values: ImapValue[] = []
    while (at < text.length) {
      const char = text[at]
      if (char === close) {
        at += 1
        return values
      }
      if (char === ' ' || char === '\r' || char === '\n') at += 1
      else values.push(one())
    }
    return values
  }
  const one = (): ImapValue => {
    const char = text[at]
    if (char === '(') {
      at += 1
      return list(')')
    }
    if (char === '"') {
      const quoted = /"((?:\\.|[^"\\])*)"?/y
      quoted.lastIndex = at
      const match = quoted.exec(text)
      at = quoted.lastIndex
      return (match?.[1] ?? '').replaceAll(/\\(.)/g, '$1')
    }
    const literal = /~?\{(\d+)\+?\}\r\n/y
    literal.lastIndex = at
    const match = literal.exec(text)
    if (match) {
      const start = literal.lastIndex
      at = start + Number(match[1])
      return { literal: line.subarray(start, at) }
    }
    return atom()
  }
  // BODY[HEADER.FIELDS (Subject "To")]<0> and [APPENDUID 1 2] are one atom each: brackets hold blanks.
  const atom = (): ImapValue => {
    const start = at
    let depth = 0
    while (at < text.length) {
      const char = text[at]
      if (char === '[') depth += 1
      else if (char === ']') depth -= 1
      else if (depth <= 0 && (char === ' ' || char === '(' || char === ')' || char === '\r')) break
      at += 1
    }
    if (at === start) at += 1
    const value = text.slice(start, at)
    return value.toUpperCase() === 'NIL' ? null : { atom: value }
  }
  return list(null)
}

/** The text of an atom, a quoted string or a literal alike: servers may send the same string in any of these forms. */
export function textOf(value: ImapValue | undefined): string | null {
  if (value === undefined || value === null) return null
  if (typeof value === 'string') return value
  if ('atom' in value) return value.atom
  if ('literal' in value) return value.literal.toString('latin1')
  throw new TypeError('expected a string, found a list')
}
