import { createHash } from 'node:crypto'

import {
  emptyContent,
  type Address,
  type Attachment,
  type DraftContent,
  type MessageId,
  type ParsedMessage,
} from '@everdraft/core'
import { mimeFormat } from '@everdraft/mail'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { build, createSha256, fileOf, inChunks, message, type Files } from './messages.ts'

const format = mimeFormat()

async function roundTrip(content: DraftContent, files: Files = new Map()): Promise<unknown> {
  const raw = await build(format, message({ content }), files)
  const parsed = await format.parse(inChunks(raw, 1000), createSha256)
  // Nothing is left over: the model alone makes the message.
  expect(parsed.unmodelled).toBeNull()
  return inModel(parsed)
}

/** What a draft holds of a message. */
function inModel(parsed: ParsedMessage): unknown {
  const { messageId, from, to, cc, bcc, subject, inReplyTo, references, text, html } = parsed
  const attachments = parsed.attachments.map(described)
  return { messageId, from, to, cc, bcc, subject, inReplyTo, references, text, html, attachments }
}

function described({ filename, contentType, size, sha256, disposition, contentId }: Omit<Attachment, 'id'>): unknown {
  return { filename, contentType, size, sha256, disposition, contentId }
}

function modelled(content: DraftContent): unknown {
  const { from, to, cc, bcc, subject, inReplyTo, references, text, html } = content
  return {
    messageId: '<attempt@example.org>',
    from,
    to,
    cc,
    bcc,
    subject,
    inReplyTo,
    references,
    text,
    html,
    attachments: content.attachments.map(described),
  }
}

// What a model may hold: well-formed text without CR and NUL, in header text without LF.
const anyText = fc
  .string({
    unit: fc.oneof(fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }), fc.constantFrom(...oddPieces())),
  })
  .map((text) => text.replace(/[\r\0]/g, ''))
const headerText = anyText.map((text) => text.replaceAll('\n', ''))
const trimmed = headerText.map((text) => text.trim())
const finishedAddress = fc
  .tuple(fc.stringMatching(/^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}$/), fc.domain())
  .map(([local, domain]) => `${local}@${domain}`)
const address: fc.Arbitrary<Address> = fc.record({
  address: fc.oneof(
    finishedAddress,
    trimmed,
    fc.constantFrom('', 'ann', 'ann@', '@b.c', '"a b"@c.d', 'a@b@c', 'jõ@õ.ee'),
  ),
  name: fc.oneof(
    fc.constant(''),
    trimmed,
    fc.constantFrom('Ann Example', 'Doe, Jane', '"', '=?utf-8?Q?x?=', 'A <b@c>'),
  ),
})
const id = fc
  .oneof(fc.stringMatching(/^[A-Za-z0-9.]{1,60}$/), fc.constantFrom('grüße', '=?utf-8?Q?x?=', 'y'.repeat(1_200)))
  .map((local) => `<${local}@example.org>` as MessageId)

function oddPieces(): readonly string[] {
  return [
    '\n',
    '\n\n',
    ' ',
    '\t',
    '.',
    'From ',
    '>',
    '=',
    '=?utf-8?B?QQ==?=',
    'ä',
    '𝄞',
    '‮',
    '\u0085',
    '"',
    '\\',
    ',',
    ';',
    '(',
    ')',
    '<',
    '--',
    'a'.repeat(80),
    'é'.repeat(200),
  ]
}

const attachment: fc.Arbitrary<{ readonly bytes: Uint8Array; readonly attachment: Attachment }> = fc
  .record({
    bytes: fc.uint8Array({ maxLength: 300 }),
    filename: fc.oneof(
      trimmed,
      fc.constantFrom(
        '',
        'a.pdf',
        'naïve; "quoted", file.txt',
        "it's 100%.txt",
        '=?utf-8?Q?a=2Eexe?=',
        '日本語.doc',
        'a\\b',
      ),
    ),
    contentType: fc.constantFrom(
      'application/pdf',
      'application/octet-stream',
      'text/plain',
      'text/html',
      'message/rfc822',
      'image/png',
      'text/calendar',
      'message/delivery-status',
      'Image/PNG',
    ),
    disposition: fc.constantFrom('attachment' as const, 'inline' as const),
    contentId: fc.option(fc.stringMatching(/^[a-z0-9.@-]{1,30}$/), { nil: null }),
  })
  .map(({ bytes, ...rest }) => ({ bytes, attachment: { ...fileOf(bytes), ...rest } }))

const anyContent = fc
  .record({
    from: fc.option(address, { nil: null }),
    to: fc.array(address, { maxLength: 5 }),
    cc: fc.array(address, { maxLength: 3 }),
    bcc: fc.array(address, { maxLength: 3 }),
    subject: headerText,
    text: anyText,
    html: fc.option(anyText, { nil: null }),
    inReplyTo: fc.option(id, { nil: null }),
    references: fc.array(id, { maxLength: 30 }),
    attached: fc.array(attachment, { maxLength: 3 }),
  })
  .map(({ attached, ...fields }) => ({
    content: {
      ...emptyContent,
      ...fields,
      attachments: inMessageOrder(
        fields.html,
        attached.map((one) => one.attachment),
      ),
    },
    files: new Map(attached.map((one) => [one.attachment.sha256, one.bytes])),
  }))

/** Attachments shown in the HTML stand beside it in the message, before the others. */
function inMessageOrder(html: string | null, attachments: readonly Attachment[]): readonly Attachment[] {
  const beside = attachments.filter((one) => html !== null && one.disposition === 'inline' && one.contentId !== null)
  return [...beside, ...attachments.filter((one) => !beside.includes(one))]
}

async function sections(fields: Partial<DraftContent>): Promise<readonly string[]> {
  const composed = await format.compose(message({ content: { ...emptyContent, ...fields } }))
  return composed.segments.flatMap((segment) => (segment.kind === 'attachment' ? [segment.section] : []))
}

async function parse(raw: string): ReturnType<typeof format.parse> {
  return format.parse(inChunks(Buffer.from(raw, 'utf8'), 7), createSha256)
}

async function* broken(): AsyncGenerator<Uint8Array, void, undefined> {
  yield Buffer.from('Subject: x\r\n\r\nhal')
  throw new Error('the line was cut')
}

describe('what is composed and parsed', () => {
  test('comes back as it was, whatever a draft holds', async () => {
    await fc.assert(
      fc.asyncProperty(anyContent, async ({ content, files }) => {
        expect(await roundTrip(content, files)).toEqual(modelled(content))
      }),
      { numRuns: 300 },
    )
  })

  test.each(['', 'a', 'a\n', 'a\n\n', '\n', '\n\n', ' ', 'a ', '-- \n', '.', '.\n', 'From x', '\u{feff}a', '\f', '\v'])(
    'keeps the text %j, with and without HTML and files',
    async (text) => {
      const file = fileOf(Buffer.from('x'))
      const files = new Map([[file.sha256, Buffer.from('x')]])
      for (const html of [null, text, `<p>${text}</p>`]) {
        for (const attachments of [[], [file]]) {
          const content = { ...emptyContent, text, html, attachments }
          expect(await roundTrip(content, files)).toEqual(modelled(content))
        }
      }
    },
  )

  test('keeps 500 recipients in their order', async () => {
    const to = Array.from({ length: 500 }, (_, index) => ({
      address: `r${index}@example.org`,
      name: `Número ${index}, ed.`,
    }))
    const content = { ...emptyContent, to }
    expect(await roundTrip(content)).toEqual(modelled(content))
  })
})

describe('a composed message', () => {
  const odd = {
    ...emptyContent,
    text: 'Grüße\nFrom here\n.\n',
    html: '<p>Grüße</p>',
    subject: 'ä'.repeat(300),
    to: [{ address: 'ann@', name: '' }],
  }

  test('is the same to the byte for the same input, and differs in its boundaries for another Message-ID', async () => {
    const first = await build(format, message({ content: odd }))
    const again = await build(format, message({ content: odd }))
    const other = await build(format, message({ content: odd, messageId: '<other@example.org>' as MessageId }))
    expect(again).toEqual(first)
    expect(other.toString()).not.toContain(/boundary="([^"]+)"/.exec(first.toString())?.[1])
  })

  test('is 7-bit, has CRLF at every line end and no line above 998 octets', async () => {
    await fc.assert(
      fc.asyncProperty(anyContent, async ({ content, files }) => {
        const raw = (await build(format, message({ content }), files)).toString('latin1')
        expect(raw).toMatch(/^[\t\r\n\x20-\x7e]*$/)
        expect(raw.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/)
        expect(Math.max(...raw.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(998)
        expect(raw.endsWith('\r\n')).toBe(true)
      }),
      { numRuns: 100 },
    )
  })

  test('has no Bcc on its way to SMTP and no private field of ours beside those given', async () => {
    const bytes = Buffer.from('x')
    const file = { ...fileOf(bytes), contentType: 'text/plain', disposition: 'inline' as const }
    const content = { ...odd, bcc: [{ address: 'secret@example.org', name: '' }], attachments: [file] }
    const files = new Map([[file.sha256, bytes]])
    const sent = (await build(format, message({ content, includeBcc: false, headers: [] }), files)).toString()
    expect(sent).not.toMatch(/secret|^bcc|^x-everdraft/im)
    const kept = (await build(format, message({ content }), files)).toString()
    expect(kept).toMatch(/^Bcc: secret@example\.org\r$/m)
  })

  test('writes Message-ID, Date and further fields as given', async () => {
    const raw = (
      await build(format, message({ content: emptyContent, date: Date.UTC(2024, 1, 29, 7, 8, 9) }))
    ).toString()
    expect(raw).toContain('Message-ID: <attempt@example.org>\r\n')
    expect(raw).toContain('Date: Thu, 29 Feb 2024 07:08:09 +0000\r\n')
    expect(raw).toContain('X-Everdraft-Id: 0190-umid\r\nX-Everdraft-Base: <base@example.org>\r\n')
    expect(raw.match(/^(?:date|message-id):/gim)).toHaveLength(2)
  })

  test('refuses a field that would write fields of its own', async () => {
    const headers = [{ name: 'X-A', value: 'a\r\nBcc: eve@example.org' }]
    await expect(format.compose(message({ content: emptyContent, headers }))).rejects.toThrow('X-A')
  })

  test('opens no file and no URL that a filename or a text names', async () => {
    const content = { ...emptyContent, text: '/etc/passwd', html: 'http://127.0.0.1:1/', attachments: [] }
    const raw = await build(format, message({ content }))
    expect(raw.toString()).toContain('/etc/passwd')
  })

  test('names the IMAP section of every attachment, and it stays when the text changes', async () => {
    const inline = {
      ...fileOf(Buffer.from('i')),
      disposition: 'inline' as const,
      contentId: 'i@x',
      contentType: 'image/png',
    }
    const attached = fileOf(Buffer.from('a'))
    expect(await sections({ attachments: [attached, attached] })).toEqual(['2', '3'])
    expect(await sections({ attachments: [attached], text: 'now with text' })).toEqual(['2'])
    expect(await sections({ attachments: [attached, inline], html: '<img>' })).toEqual(['1.2.2', '2'])
    expect(await sections({ attachments: [inline], html: '<img>' })).toEqual(['2.2'])
    expect(await sections({ attachments: [inline], html: null })).toEqual(['2'])
  })
})

describe('an encoded attachment', () => {
  test('has exactly the announced size in any chunking, in lines of 76, and decodes to what it was', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 1000 }),
        fc.integer({ min: 1, max: 200 }),
        async (bytes, chunkSize) => {
          const content = { ...emptyContent, attachments: [fileOf(bytes)] }
          const composed = await format.compose(message({ content }))
          const segment = composed.segments.find((one) => one.kind === 'attachment')
          const pieces: Uint8Array[] = []
          if (segment) for await (const piece of segment.encode(inChunks(bytes, chunkSize))) pieces.push(piece)
          const encoded = Buffer.concat(pieces).toString('latin1')
          expect(encoded.length).toBe(segment?.encodedSize)
          const lines = encoded.split('\r\n')
          expect(lines.slice(0, -1).every((line) => line.length === 76)).toBe(true)
          expect(lines.at(-1)?.length).toBeLessThanOrEqual(76)
          expect(encoded.endsWith('\n')).toBe(false)
          expect(new Uint8Array(Buffer.from(encoded, 'base64'))).toEqual(bytes)
        },
      ),
    )
  })

  test('that is binary goes as it is, is said to be, and is read as what it was', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 1000 }), async (bytes) => {
        const file = fileOf(bytes)
        const content = { ...emptyContent, text: 'see there', attachments: [file] }
        const composed = await format.compose(message({ content, binary: true }))
        expect(composed).toMatchObject({ binary: true, eightBit: true })
        const raw = await build(format, message({ content, binary: true }), new Map([[file.sha256, bytes]]))
        expect(raw.includes(Buffer.from(bytes))).toBe(true)
        expect(raw.toString('latin1').match(/Content-Transfer-Encoding: binary/g)).toHaveLength(2)
        expect(inModel(await format.parse(inChunks(raw, 100), createSha256))).toEqual(modelled(content))
      }),
    )
  })

  test('that is none leaves nothing binary', async () => {
    const composed = await format.compose(message({ content: emptyContent, binary: true }))
    expect(composed.binary).toBeUndefined()
    expect(composed.eightBit).toBe(false)
  })

  test('passes through in pieces: no more than one chunk is asked for ahead', async () => {
    let given = 0
    const source = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
      for (; given < 100; given += 1) yield new Uint8Array(65536)
    }
    const content = { ...emptyContent, attachments: [{ ...fileOf(new Uint8Array(0)), size: 100 * 65536 }] }
    const composed = await format.compose(message({ content }))
    const segment = composed.segments.find((one) => one.kind === 'attachment')
    let taken = 0
    let furthestAhead = 0
    for await (const piece of segment?.encode(source()) ?? []) {
      taken += piece.length
      furthestAhead = Math.max(furthestAhead, given * 65536 - (taken * 3) / 4)
    }
    expect(furthestAhead).toBeLessThanOrEqual(65536)
    expect(taken).toBe(segment?.encodedSize)
  })
})

describe('a foreign message', () => {
  test('without any of what we know is empty, not an error', async () => {
    expect(await parse('\r\n')).toMatchObject({
      messageId: null,
      from: null,
      to: [],
      subject: '',
      text: '',
      html: null,
      attachments: [],
    })
    expect(await parse('')).toMatchObject({ messageId: null, text: '' })
    expect(await parse('garbage without a header')).toMatchObject({ messageId: null })
  })

  test('gives its text without the last line end, its HTML as it stands and no links of our making', async () => {
    const parsed = await parse(
      'Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\nsee http://a.b/\r\n--b\r\nContent-Type: text/html\r\n\r\n<img src="cid:x">\r\n--b--\r\n',
    )
    expect(parsed).toMatchObject({ text: 'see http://a.b/', html: '<img src="cid:x">' })
  })

  test('in another charset, with folded and repeated fields and groups, is read as people read it', async () => {
    const raw = Buffer.from(
      'Message-ID:\r\n <a@b>\r\nTo: Ann <ann@x.y>,\r\n friends: Bob <bob@x.y>, cy@x.y;\r\nTo: d@x.y\r\nSubject: =?iso-8859-1?Q?gr=FC=DF?=\r\n e\r\nReferences: <1@x>\t<2@x>\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\ngr\xfc\xdf',
      'latin1',
    )
    const parsed = await format.parse(inChunks(raw, 5), createSha256)
    expect(parsed).toMatchObject({
      messageId: '<a@b>',
      subject: 'grüß e',
      references: ['<1@x>', '<2@x>'],
      text: 'grüß',
    })
    expect(parsed.to.map((one) => one.address)).toEqual(['ann@x.y', 'bob@x.y', 'cy@x.y', 'd@x.y'])
  })

  test('hashes an attachment of any size as it passes, and a message inside as one attachment', async () => {
    const inner = 'Subject: inside\r\n\r\nbody\r\n'
    const parsed = await parse(
      `Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\nContent-Disposition: inline\r\n\r\n${inner}\r\n--b--\r\n`,
    )
    const sha256 = createHash('sha256').update(inner).digest('hex')
    expect(parsed.attachments).toMatchObject([{ contentType: 'message/rfc822', sha256, size: inner.length }])
  })

  test('that breaks off while it is read fails with the reason', async () => {
    await expect(format.parse(broken(), createSha256)).rejects.toThrow('the line was cut')
  })
})
