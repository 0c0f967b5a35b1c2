import { emptyContent } from '@everdraft/core'
import { mimeFormat } from '@everdraft/mail'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { fromFlowed, toFlowed } from '../src/mime/flowed.ts'
import { build, createSha256, inChunks, message } from './messages.ts'

const long = 'The quick brown fox jumps over the lazy dog and runs on and on until nobody can follow it any more.'
const format = mimeFormat()

async function raw(text: string): Promise<string> {
  return (await build(format, message({ content: { ...emptyContent, text } }))).toString()
}

async function parsedText(body: string, parameters: string): Promise<string> {
  const source = Buffer.from(`Content-Type: text/plain; ${parameters}\r\n\r\n${body.replaceAll('\n', '\r\n')}`)
  return (await format.parse(inChunks(source, 9), createSha256)).text
}

describe('format=flowed (RFC 3676)', () => {
  test('wraps long lines of what is composed, and the text comes back exactly', async () => {
    const text = `Dear all,\n\n${long} ${long}\n\n> ${long}\n>> ${long}\n From here\n.dot\n-- \nAnn\n`
    const composed = await raw(text)
    expect(composed).toContain('Content-Type: text/plain;\r\n charset=utf-8;\r\n format=flowed\r\n')
    expect(composed).not.toContain('Content-Transfer-Encoding')
    expect(composed).toContain('\r\n  From here\r\n .dot\r\n-- \r\n')
    expect(Math.max(...composed.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(78)
    expect((await format.parse(inChunks(Buffer.from(composed), 50), createSha256)).text).toBe(text)
  })

  test.each([
    ['short lines only', 'Hi\nthere'],
    ['blanks at the end of a line, which would flow', `${long}\nend \nnext`],
    ['a quote mark without a blank after it', `${long}\n>x`],
    ['a word that is longer than a line', 'x'.repeat(200)],
  ])('is not used for %s', async (_, text) => {
    expect(await raw(text)).not.toContain('flowed')
  })

  test('gives back any text that it takes', () => {
    const piece = fc.constantFrom(
      'word',
      ' ',
      '  ',
      '\n',
      '>',
      '> ',
      '>> ',
      '-- ',
      'From ',
      '.',
      'Größe',
      long,
      '\n-- \n',
    )
    const text = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''))
    let taken = 0
    fc.assert(
      fc.property(text, (one) => {
        const flowed = toFlowed(one)
        if (flowed === null) return
        taken += 1
        expect(fromFlowed(flowed, false)).toBe(one)
      }),
      { numRuns: 2000 },
    )
    expect(taken).toBeGreaterThan(100)
  })

  test('is understood: quotes, stuffing, signatures, DelSp and improper paragraphs', async () => {
    expect(await parsedText('a \nb\n\n  stuffed\n>> deep \n>> er\n> less \nown', 'format=flowed')).toBe(
      'a b\n\n stuffed\n>> deep er\n> less \nown',
    )
    expect(await parsedText('no \n-- \nAnn', 'format="Flowed"; delsp=no')).toBe('no \n-- \nAnn')
    expect(await parsedText('日 \n本\nend', 'charset=utf-8; format=flowed; delsp=yes')).toBe('日本\nend')
    expect(await parsedText('a \nb', 'format=fixed')).toBe('a \nb')
  })
})
