import { expect, test } from 'vitest'
import { parseValues, textOf } from '../src/imap-values.ts'

const parse = (line: string) => parseValues(Buffer.from(line, 'latin1'))

test('atoms, strings, NIL and nested lists', () => {
  expect(parse(String.raw`* 1 FETCH (FLAGS (\Seen) X "a \"b\" \\" Y NIL Z "NIL")`)).toEqual([
    { atom: '*' },
    { atom: '1' },
    { atom: 'FETCH' },
    [
      { atom: 'FLAGS' },
      [{ atom: String.raw`\Seen` }],
      { atom: 'X' },
      String.raw`a "b" ` + '\\',
      { atom: 'Y' },
      null,
      { atom: 'Z' },
      'NIL',
    ],
  ])
})

test('a literal is taken by its length, whatever it holds', () => {
  expect(parse('(A {7}\r\n) "\r\n({ B ~{1}\r\n\u00ff)')).toEqual([
    [{ atom: 'A' }, { literal: Buffer.from(') "\r\n({', 'latin1') }, { atom: 'B' }, { literal: Buffer.from([0xff]) }],
  ])
})

test('a section with its blanks and parentheses is one atom', () => {
  expect(parse('BODY[HEADER.FIELDS (To Cc)]<0> {0}\r\n')).toEqual([
    { atom: 'BODY[HEADER.FIELDS (To Cc)]<0>' },
    { literal: Buffer.alloc(0) },
  ])
})

test('adjacent lists need no blank between them, as in BODYSTRUCTURE', () => {
  expect(parse('(("TEXT" "PLAIN")("TEXT" "HTML") "MIXED")')).toEqual([[['TEXT', 'PLAIN'], ['TEXT', 'HTML'], 'MIXED']])
})

test('the same text in any of its forms', () => {
  expect(parse('a "a" {1}\r\na').map(textOf)).toEqual(['a', 'a', 'a'])
  expect(textOf(null)).toBeNull()
})
