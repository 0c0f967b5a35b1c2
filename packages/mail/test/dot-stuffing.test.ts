import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { createDotStuffer } from '../src/smtp/dot-stuffing.ts'

/** RFC 5321 §4.5.2 and §2.3.8, of a message that is there in whole. */
function asTransmitted(message: string): string {
  const lines = message.split(/\r\n|\r|\n/).map((line) => (line.startsWith('.') ? `.${line}` : line))
  return `${lines.join('\r\n')}${lines.at(-1) === '' ? '' : '\r\n'}.\r\n`
}

test('a message is stuffed alike, in whatever pieces it comes', () => {
  const piece = fc.array(fc.constantFrom('\r', '\n', '\r\n', '.', 'a'), { maxLength: 6 }).map((parts) => parts.join(''))
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 4 }), (pieces) => {
      const stuffer = createDotStuffer()
      const sent = [...pieces.map((text) => stuffer.stuff(Buffer.from(text))), stuffer.end()]
      expect(Buffer.concat(sent).toString()).toBe(asTransmitted(pieces.join('')))
    }),
    { numRuns: 3_000 },
  )
})
