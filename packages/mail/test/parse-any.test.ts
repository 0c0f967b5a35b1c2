import type { MessageFormat, ParsedMessage } from '@everdraft/core'
import { mimeFormat } from '@everdraft/mail'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { createSha256, inChunks } from './messages.ts'

const format: MessageFormat = mimeFormat()

async function parse(raw: Uint8Array | string, chunk = 1000): Promise<ParsedMessage> {
  return format.parse(inChunks(Buffer.from(raw as string, 'latin1'), chunk), createSha256)
}

const lines = [
  '',
  '--b',
  '--b--',
  '--bb',
  '--bb--',
  '--',
  'Content-Type: multipart/mixed; boundary=b',
  'Content-Type: multipart/alternative; boundary="bb"',
  'Content-Type: multipart/related; boundary=b',
  'Content-Type: multipart/signed; boundary=bb',
  'Content-Type: multipart/mixed',
  'Content-Type: text/html; charset=koi8-r',
  'Content-Type: text/plain; charset=no-such; format=flowed',
  'Content-Type: message/rfc822',
  "Content-Type: image/png; name*0*=utf-8''%e4; name*1=\"b",
  'Content-Type: ;;;==',
  'Content-Transfer-Encoding: base64',
  'Content-Transfer-Encoding: quoted-printable',
  'Content-Transfer-Encoding: x-odd',
  'Content-Disposition: attachment; filename="=?utf-8?B?w6?="',
  'Content-ID: <a@b>',
  'Subject: =?utf-8?Q?=E4=B?= =?x?B?%%?= \xe4',
  'From: "a <b@c>, (d',
  'To: undisclosed-recipients:;',
  'References: <a <b> c,,>',
  'Date: yesterday',
  ' folded',
  '\tfolded',
  'QUJD=',
  '=',
  '=4',
  '=E4=zz',
  'text ',
  '\xe4\xf6\0\x1b$B',
  'x'.repeat(1500),
]
const anyLines = fc
  .array(fc.tuple(fc.constantFrom(...lines), fc.constantFrom('\r\n', '\r\n', '\r\n', '\n', '\r')), { maxLength: 40 })
  .map((pieces) => pieces.map(([line, end]) => line + end).join(''))

describe('any bytes', () => {
  test('are read without failing, and the same in any chunking', async () => {
    await fc.assert(
      fc.asyncProperty(anyLines, fc.integer({ min: 1, max: 90 }), async (raw, chunk) => {
        expect(await parse(raw, chunk)).toEqual(await parse(raw, 100_000))
      }),
      { numRuns: 400 },
    )
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (raw) => void (await parse(raw, 7))))
  })

  test('nested without end, in thousands of parts or with an endless header, are read within bounds', async () => {
    const nested = Array.from(
      { length: 300 },
      (_, at) => `Content-Type: multipart/mixed; boundary=b${at}\r\n\r\n--b${at}\r\n`,
    ).join('')
    expect((await parse(`${nested}\r\nhi`)).unmodelled?.parts).toHaveLength(1)
    const many = `Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\nContent-Type: a/b\r\n\r\n'.repeat(5000)}`
    expect((await parse(many)).attachments.length).toBeLessThan(2001)
    const header = 'X-Long: a\r\n'.repeat(200_000)
    expect((await parse(header, 65_536)).text).toContain('X-Long')
  })
})

describe('a body', () => {
  test.each([
    ['iso-2022-jp', '1b2442467c4b5c1b2842', '日本'],
    ['koi8-r', 'f0d2c9d7c5d4', 'Привет'],
    ['gb18030', 'c4e3bac3', '你好'],
    ['windows-1252', '93e493', '“ä“'],
    ['"ISO-8859-15"', 'a4', '€'],
    ['us-ascii', 'c3a4', 'ä'],
    ['us-ascii', 'e4', 'ä'],
    ['utf-8', 'e4', 'ä'],
    ['utf-8', 'c3a4ff', 'ä\u{fffd}'],
    ['no-such-charset', 'e4', 'ä'],
    ['iso-2022-kr', '61', 'a'],
  ])('in %s is read', async (charset, hex, text) => {
    const body = Buffer.from(hex, 'hex').toString('latin1')
    expect((await parse(`Content-Type: text/plain; charset=${charset}\r\n\r\n${body}\r\n`)).text).toBe(text)
  })

  test.each([
    ['base64', 'SGVs\r\nbG8*g d2\r\n9ybGQ', 'Hello world'],
    ['base64', 'SGVsbG8=IHdvcmxk', 'Hello world'],
    ['BASE64 (comment)', 'SGVsbG8gd29ybGQ=', 'Hello world'],
    ['quoted-printable', 'Hello=20=\r\nworld', 'Hello world'],
    ['quoted-printable', 'Hello=ZZ wor=  \r\nld=', 'Hello=ZZ world'],
    ['utf-8', 'Hello world', 'Hello world'],
  ])('in %s is decoded, however broken: %j', async (encoding, body, text) => {
    for (const chunk of [1, 3, 1000]) {
      expect((await parse(`Content-Transfer-Encoding: ${encoding}\r\n\r\n${body}`, chunk)).text).toBe(text)
    }
  })
})

describe('a header', () => {
  test.each([
    ['=?utf-8?Q?gr=C3?= =?utf-8?Q?=BC=C3=9F?=', 'grüß'],
    ['=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=', '日本'],
    ['a =?utf-8?q?b_c?= d', 'a b c d'],
    ['=?utf-8*de?Q?=E4?=', 'ä'],
    ['=?x?Z?a?= =?broken', '=?x?Z?a?= =?broken'],
    ['gr\xfc\xdf', 'grüß'],
    ['gr\xc3\xbc\xc3\x9f', 'grüß'],
    ['=?utf-8?Q?a=0D=0ABcc:_eve@example.org?=', 'a Bcc: eve@example.org'],
    ['one\r\n\ttwo\r\n   three', 'one two three'],
  ])('with the subject %j says %j', async (value, subject) => {
    expect((await parse(`Subject: ${value}\r\n\r\n`)).subject).toBe(subject)
  })

  test.each([
    ["filename*=utf-8''gr%C3%BC%C3%9F.txt", 'grüß.txt'],
    ['filename*0*=utf-8\'\'gr%C3%BC; filename*1="ß.t"; filename*2=xt'.replace('ß', '\xc3\x9f'), 'grüß.txt'],
    ['filename="fallback.txt"; filename*=iso-8859-1\'\'gr%FC%DF.txt', 'grüß.txt'],
    ['filename="=?utf-8?B?Z3LDvMOfLnR4dA==?="', 'grüß.txt'],
    ['filename="gr\xfc\xdf.txt"', 'grüß.txt'],
    ['filename=my file.txt; size=3', 'my file.txt'],
    ['filename="C:\\Temp\\a.txt"', 'C:\\Temp\\a.txt'],
    ['filename="say \\"hi\\".txt"', 'say "hi".txt'],
    ['filename="never closed; size=3', 'never closed'],
  ])('of a file with %s names %s', async (parameters, filename) => {
    const raw = `Content-Type: a/b\r\nContent-Disposition: attachment; ${parameters}\r\n\r\nx`
    expect((await parse(raw)).attachments).toMatchObject([{ filename }])
  })

  test('says the date, whatever stands around it, or that there is none', async () => {
    expect((await parse('Date: Thu, 29 Feb 2024 07:08:09 +0100 (CET)\r\n\r\n')).date).toBe(
      Date.UTC(2024, 1, 29, 6, 8, 9),
    )
    expect((await parse('Date: soon\r\n\r\n')).date).toBeNull()
  })
})
