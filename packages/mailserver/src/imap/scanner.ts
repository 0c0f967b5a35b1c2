import { byteString, utf8OfByteString } from '../octets.ts'
import type { CommandPart } from './command-reader.ts'
import { decodeMailboxName } from './modified-utf7.ts'

/** The command does not follow the grammar: answered by BAD, or by NO where real servers do so. */
export class ImapSyntaxError extends Error {
  readonly code = 'imap-syntax'
  readonly status: 'BAD' | 'NO'

  constructor(message: string, status: 'BAD' | 'NO' = 'BAD') {
    super(message)
    this.name = 'ImapSyntaxError'
    this.status = status
  }
}

/** Reads a command's arguments from left to right (RFC 3501 §9). Strings are byte strings unless said otherwise. */
export type Scanner = {
  /** The next character, undefined at the end of the command or at a literal. */
  peek(): string | undefined
  atLiteral(): boolean
  atEnd(): boolean
  /** True, and past it, if this character is next. */
  skip(char: string): boolean
  expect(char: string): void
  space(): void
  end(): void
  atom(): string
  /** An atom in upper case. */
  word(): string
  number(): number
  sequenceText(): string
  string(): string
  astring(): string
  literal(): Uint8Array
  /** A literal in either form (RFC 3516 §4.4). */
  messageLiteral(): { readonly bytes: Uint8Array; readonly literal8: boolean }
  /** An astring, decoded from modified UTF-7. */
  mailbox(): string
  /** What LIST takes: an astring in which wildcards may stand bare. */
  listMailbox(): string
  /** Takes characters as long as the test holds. */
  takeWhile(test: RegExp): string
  /** `(a b c)`, by a reader for each element. */
  list<T>(element: () => T): readonly T[]
}

const ATOM_CHAR = /[^(){ %*"\\\]\p{Cc}\u0080-\u00ff]/u
// resp-specials `]` are atom characters in an astring.
const ASTRING_CHAR = /[^(){ %*"\\\p{Cc}]/u
const LIST_CHAR = /[^(){ "\\\p{Cc}]/u
const SEQUENCE_CHAR = /[0-9:*,]/u

function fail(problem: string): never {
  throw new ImapSyntaxError(problem)
}

const nonEmpty = (taken: string, what: string): string => (taken === '' ? fail(`Expected ${what}`) : taken)

export function createScanner(parts: readonly CommandPart[]): Scanner {
  let index = 0
  let at = 0

  const text = (): string => {
    const part = parts[index]
    return part?.kind === 'text' ? part.text : ''
  }
  /** Past the end of one text stands the literal that it announced. */
  const settle = (): void => {
    while (parts[index]?.kind === 'text' && at >= text().length && index + 1 < parts.length) {
      index++
      at = 0
    }
  }
  const peek = (): string | undefined => {
    settle()
    return text()[at]
  }
  const atLiteral = (): boolean => {
    settle()
    return parts[index]?.kind === 'literal'
  }
  const skip = (char: string): boolean => {
    if (peek() !== char) return false
    at++
    return true
  }
  const expect = (char: string): void => {
    if (!skip(char)) fail(`Expected '${char}'`)
  }
  const takeWhile = (test: RegExp): string => {
    settle()
    const from = at
    const line = text()
    while (at < line.length && test.test(line[at] ?? '')) at++
    return line.slice(from, at)
  }
  const messageLiteral = (): { readonly bytes: Uint8Array; readonly literal8: boolean } => {
    settle()
    const part = parts[index]
    if (part?.kind !== 'literal') return fail('Expected a literal')
    index++
    at = 0
    return part
  }
  const literal = (): Uint8Array => {
    const { bytes, literal8 } = messageLiteral()
    return literal8 ? fail('A literal8 is not allowed here') : bytes
  }
  const quoted = (): string => {
    expect('"')
    let value = ''
    const line = text()
    for (;;) {
      const char = line[at++]
      if (char === undefined) return fail(`Missing '"'`)
      if (char === '"') return value
      if (char === '\\') {
        const escaped = line[at++]
        if (escaped !== '"' && escaped !== '\\') return fail('Invalid escape in a quoted string')
        value += escaped
      } else value += char
    }
  }
  const string = (): string => (atLiteral() ? byteString(literal()) : quoted())
  const stringOr = (chars: RegExp, what: string): string =>
    atLiteral() || peek() === '"' ? string() : nonEmpty(takeWhile(chars), what)
  const astring = (): string => stringOr(ASTRING_CHAR, 'a string')
  const atEnd = (): boolean => {
    settle()
    return index >= parts.length || (parts[index]?.kind === 'text' && at >= text().length && index + 1 >= parts.length)
  }

  return {
    peek,
    atLiteral,
    atEnd,
    skip,
    expect,
    takeWhile,
    string,
    astring,
    literal,
    messageLiteral,
    space: () => expect(' '),
    end: () => {
      // Trailing spaces are forgiven, as Dovecot does.
      takeWhile(/ /u)
      if (!atEnd()) fail('Unexpected extra arguments')
    },
    atom: () => nonEmpty(takeWhile(ATOM_CHAR), 'an atom'),
    word: () => nonEmpty(takeWhile(ATOM_CHAR), 'a word').toUpperCase(),
    number: () => {
      const value = Number(nonEmpty(takeWhile(/[0-9]/u), 'a number'))
      return Number.isSafeInteger(value) ? value : fail('Number too large')
    },
    sequenceText: () => nonEmpty(takeWhile(SEQUENCE_CHAR), 'a message set'),
    mailbox: () => {
      const name = decodeMailboxName(astring())
      if (name === undefined) throw new ImapSyntaxError('Mailbox name is not valid modified UTF-7', 'NO')
      return name
    },
    listMailbox: () => {
      const pattern = stringOr(LIST_CHAR, 'a mailbox pattern or string')
      return pattern === '' ? '' : (decodeMailboxName(pattern) ?? utf8OfByteString(pattern))
    },
    list: (element) => {
      expect('(')
      const elements: ReturnType<typeof element>[] = []
      if (skip(')')) return elements
      do elements.push(element())
      while (skip(' '))
      expect(')')
      return elements
    },
  }
}
