import type { UnmodelledPart } from '@everdraft/core'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { readMessage, saveMessage, type ReadMessage } from './read-and-save.ts'

/** Messages of any shape that other programs might make, as raw text, a character for each byte. */
const leafHeader = fc.constantFrom(
  'Content-Type: text/plain; charset=utf-8',
  'Content-Type: text/plain; format=flowed\r\nContent-Language: de',
  'Content-Type: text/plain; name=a.txt\r\nContent-Disposition: inline; filename=a.txt',
  'Content-Type: text/html; x-kept="a;b"',
  'Content-Type: text/calendar; method=REQUEST',
  'Content-Type: image/png; name="a b.png"\r\nContent-ID: <a@b>\r\nContent-Disposition: inline; size=3',
  'Content-Type: application/pdf\r\nX-Attachment-Id: f_1',
  'Content-Type: message/rfc822',
  'Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64',
  'content-type: application/x\r\ncontent-transfer-encoding: x-own',
  '',
)
const body = fc.constantFrom(
  '',
  'words',
  'flowed \r\nwords \r\n-- \r\nAnn',
  '> quoted \r\n> words\r\n>> more',
  'QUJD\r\nREVG',
  'Subject: inside\r\n\r\nbody',
  'gr\xc3\xbc\xc3\x9f \xff',
  '<p>html</p>\r\n',
  '--\r\n--x\r\n',
)
const type = fc.constantFrom('mixed', 'alternative', 'related', 'report', 'signed', 'digest', 'x-own; a=b')

const { part } = fc.letrec<{ readonly part: string; readonly leaf: string; readonly tree: string }>((tie) => ({
  leaf: fc.tuple(leafHeader, body).map(([header, words]) => `${header === '' ? '' : `${header}\r\n`}\r\n${words}`),
  tree: fc
    .tuple(type, fc.uuid(), fc.array(tie('part'), { minLength: 1, maxLength: 4 }))
    .map(
      ([subtype, boundary, parts]) =>
        `Content-Type: multipart/${subtype}; boundary="${boundary}"\r\n\r\n${parts.map((one) => `--${boundary}\r\n${one}\r\n`).join('')}--${boundary}--`,
    ),
  part: fc.oneof({ maxDepth: 4, depthSize: 'small' }, tie('leaf'), tie('tree')),
}))
const header = fc.constantFrom('', 'X-Odd: \xe4\r\n folded\r\n', 'Subject: s\r\nX-A: 1\r\nx-a: 2\r\n')

function unmodelled({ parsed }: ReadMessage, isKept: (part: UnmodelledPart) => boolean = () => true): unknown {
  const parts = parsed.unmodelled?.parts ?? []
  return {
    headers: parsed.unmodelled?.headers ?? [],
    parts: parts.filter(isKept).map(({ header: own, size, sha256 }) => [own, size, sha256]),
  }
}

test('H12 a message of any shape, saved again, says the same and keeps to the byte what we do not model', async () => {
  await fc.assert(
    fc.asyncProperty(header, part, async (fields, one) => {
      const before = await readMessage(fields + one)
      const saved = await saveMessage(before)
      const after = await readMessage(saved)
      expect(after.content).toEqual(before.content)
      expect(after.parsed.protection).toBe(before.parsed.protection)
      expect(unmodelled(after)).toEqual(unmodelled(before))
      expect((await saveMessage(after)).equals(saved)).toBe(true)
    }),
    { numRuns: 1000 },
  )
})

test('H12 an edit adds what is new and leaves all the rest', async () => {
  await fc.assert(
    fc.asyncProperty(part, fc.option(fc.constant('<b>new</b>'), { nil: null }), async (one, html) => {
      const before = await readMessage(one)
      fc.pre(before.parsed.protection === null)
      const after = await readMessage(await saveMessage(before, { text: 'new words', html }))
      expect(after.content).toEqual({ ...before.content, text: 'new words', html })
      // Without HTML, no other version of the HTML may be shown either.
      const isKept = ({ contentType }: UnmodelledPart): boolean => html !== null || contentType !== 'text/html'
      expect(unmodelled(after)).toEqual(unmodelled(before, isKept))
    }),
    { numRuns: 1000 },
  )
})
