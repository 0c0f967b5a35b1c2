import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { createCommandReader, type CommandPart } from '../src/imap/command-reader.ts'
import { decodeMailboxName, encodeMailboxName } from '../src/imap/modified-utf7.ts'
import { createScanner, ImapSyntaxError } from '../src/imap/scanner.ts'
import { formatSequence, inSequenceSet, parseSequenceSet } from '../src/imap/sequence-set.ts'
import { append, createWorld, latin1, lines, message, text } from './harness.ts'

const scan = (line: string): ReturnType<typeof createScanner> => createScanner([{ kind: 'text', text: line }])

function cutUp(bytes: Uint8Array, cuts: readonly number[]): readonly Uint8Array[] {
  const places = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].toSorted(
    (a, b) => a - b,
  )
  return places.slice(1).map((place, index) => bytes.slice(places[index], place))
}

/** A session with everything in it that the reader has to tell apart. */
const conversation = latin1(
  [
    'a LOGIN {5+}\r\nalice {6+}\r\nsecret\r\n',
    'b SELECT "Drafts"\r\n',
    `c APPEND Drafts (\\Seen key) "01-Jan-2024 10:00:00 +0200" {${message('one').length}+}\r\n${message('one')}\r\n`,
    'd APPEND Drafts CATENATE (URL "/Drafts/;UID=1/;SECTION=HEADER" TEXT {4+}\r\nmore)\r\n',
    'e UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (Subject)] ENVELOPE BODYSTRUCTURE)\r\n',
    'f SEARCH OR SUBJECT one NOT (SEEN LARGER 3)\r\n',
    'g APPEND Nope {3+}\r\nabc\r\n',
    'h IDLE\r\nDONE\r\n',
    'i FETCH 1 BODY[]<2.{\r\n',
    'j STORE 1 +FLAGS (\\Deleted)\r\nk EXPUNGE\r\n',
    'l AUTHENTICATE PLAIN\r\nm LIST "" {1+}\r\n* RETURN (SUBSCRIBED)\r\n',
    'n LOGOUT\r\nafter the end\r\n',
  ].join(''),
)

const transcript = (chunks: readonly Uint8Array[]): string => {
  const client = createWorld().imap()
  return client.unasked() + chunks.map((chunk) => client.send(chunk)).join('')
}

test('a conversation cut anywhere gives the same transcript as in one piece', () => {
  const whole = transcript([conversation])
  expect(whole).toContain('n OK Logout completed')
  expect(whole).toContain('g NO [TRYCREATE]')
  fc.assert(
    fc.property(fc.array(fc.nat(conversation.length), { maxLength: 30 }), (cuts) => {
      expect(transcript(cutUp(conversation, cuts))).toBe(whole)
    }),
    { numRuns: 60 },
  )
})

test('a conversation fed octet by octet gives the same transcript as in one piece', () => {
  expect(transcript(Array.from(conversation, (byte) => Uint8Array.of(byte)))).toBe(transcript([conversation]))
})

test('arbitrary octets never make a session throw', () => {
  const words = fc.constantFrom(
    'a ',
    'UID ',
    'FETCH ',
    'APPEND ',
    'Drafts ',
    '(',
    ')',
    '{3}\r\n',
    '{3+}\r\n',
    '"',
    '\\',
    '1:*',
    '[',
    ']',
    '<',
    '\r\n',
    '* ',
    'CATENATE ',
    'SEARCH ',
    'LIST ',
    'é',
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(words, fc.string({ maxLength: 6 })), { maxLength: 40 }), (pieces) => {
      const client = createWorld().selected()
      client.send(latin1(pieces.join('')))
      client.send('\r\n')
      expect(['fin', undefined]).toContain(client.closed)
    }),
    { numRuns: 300 },
  )
})

/** Milliseconds, of the quickest of three times. */
function least(work: () => void): number {
  const times = Array.from({ length: 3 }, () => {
    const start = performance.now()
    work()
    return performance.now() - start
  })
  return Math.min(...times)
}

test('a 60 MB literal in 64 KiB chunks is read in linear time', () => {
  const size = 60_000_000
  const chunk = new Uint8Array(64 * 1024).fill(65)
  let commands: readonly CommandPart[] = []
  const reader = createCommandReader({
    continueLiteral: () => {},
    decideLiteral: () => ({ kind: 'accept' }),
    onCommand: (parts) => {
      commands = parts
    },
    onLineTooLong: () => {},
  })
  const read = (): void => {
    reader.receive(latin1(`a APPEND x {${size}+}\r\n`))
    for (let left = size; left > 0; left -= chunk.length) reader.receive(chunk.subarray(0, left))
    reader.receive(latin1('\r\n'))
  }
  const copied: Uint8Array[] = []
  const copy = (): void => {
    const whole = new Uint8Array(size)
    for (let at = 0; at < size; at += chunk.length) whole.set(chunk.subarray(0, size - at), at)
    copied[0] = whole
  }
  const once = least(copy)
  const whole = least(read)
  const literal = commands[1]
  expect(literal?.kind === 'literal' && literal.bytes.length).toBe(size)
  expect(copied[0]).toHaveLength(size)
  // To copy what is there again with each chunk would be some 450 times the work of copying all of it once.
  expect(whole / once).toBeLessThan(100)
})

test("the octets of a literal are the server's own, whatever the caller does with its buffer", () => {
  const world = createWorld()
  const client = world.login()
  const octets = latin1(`a APPEND Drafts {${message('x').length}+}\r\n${message('x')}\r\n`)
  client.send(octets)
  octets.fill(0)
  expect(text(world.store.find('alice', 'Drafts')?.messages()[0]?.bytes ?? new Uint8Array())).toBe(message('x'))
})

test('a line that never ends is ended by BYE', () => {
  const client = createWorld().login()
  expect(client.send('a NOOP '.padEnd(70_000, 'x'))).toMatch(/^\* BYE /u)
  expect(client.closed).toBe('fin')
})

test('quoted strings give back escaped quotes and backslashes, and refuse other escapes', () => {
  expect(scan('"a\\"b\\\\c"').string()).toBe('a"b\\c')
  expect(() => scan('"a\\b"').string()).toThrow(ImapSyntaxError)
  expect(() => scan('"open').string()).toThrow(ImapSyntaxError)
})

test('mailbox names survive modified UTF-7 and have one spelling only', () => {
  expect(encodeMailboxName('~peter/mail/台北/日本語')).toBe('~peter/mail/&U,BTFw-/&ZeVnLIqe-')
  expect(encodeMailboxName('A&B')).toBe('A&-B')
  expect(decodeMailboxName('A&B')).toBeUndefined()
  // `a` must not be encoded, and two runs must be one.
  expect(decodeMailboxName('&AGE-')).toBeUndefined()
  expect(decodeMailboxName('&U,A-&TBc-')).toBeUndefined()
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (name) => {
      const wire = encodeMailboxName(name)
      expect(wire).toMatch(/^[ -~]*$/u)
      expect(decodeMailboxName(wire)).toBe(name)
    }),
  )
})

const members = (set: string, largest: number): readonly number[] =>
  [1, 2, 3, 4, 5, 6, 7].filter(inSequenceSet(parseSequenceSet(set), largest))

test('sequence sets take ranges backwards, and `*` for the last', () => {
  expect(members('5:3', 7)).toEqual([3, 4, 5])
  expect(members('*', 7)).toEqual([7])
  expect(members('99:*', 7)).toEqual([7])
  expect(members('1,6:*', 7)).toEqual([1, 6, 7])
  for (const broken of ['', '0', '1:', '1:2:3', 'x', '1,,2', '4294967296']) {
    expect(() => parseSequenceSet(broken)).toThrow(ImapSyntaxError)
  }
})

test('a sequence is written in ranges without changing its order', () => {
  expect(formatSequence([1, 2, 3, 7, 5, 6])).toBe('1:3,7,5:6')
})

test('an argument may be an atom, a quoted string or a literal', () => {
  const world = createWorld()
  const client = world.login()
  expect(lines(client.run('a SELECT Drafts')).at(-1)).toMatch(/^a OK/u)
  expect(lines(client.run('b SELECT "Drafts"')).at(-1)).toMatch(/^b OK/u)
  expect(lines(client.runWithLiterals('c SELECT ', 'Drafts', '')).at(-1)).toMatch(/^c OK/u)
  expect(append(client, 'inbox', message('case'))).toMatch(/^app OK \[APPENDUID \d+ 1\]/mu)
})

test('a command without a tag, and one without a verb, are answered BAD', () => {
  const client = createWorld().login()
  expect(client.run('')).toBe('* BAD Invalid tag\r\n')
  expect(client.run('x')).toBe('x BAD Missing command\r\n')
  expect(client.run('x UID')).toMatch(/^x BAD/u)
})
