import { emptyContent, type ComposedMessage, type ParsedMessage } from '@everdraft/core'
import { mimeFormat } from '@everdraft/mail'
import { describe, expect, test } from 'vitest'

import { build, createSha256, fileOf, inChunks, message } from './messages.ts'
import { readMessage, saveMessage } from './read-and-save.ts'

const format = mimeFormat()

const read = readMessage

async function save(...[before, changes, options]: Parameters<typeof saveMessage>): Promise<string> {
  const headers = [{ name: 'X-Everdraft-Id', value: '0190-umid' }]
  return (await saveMessage(before, changes, { headers, ...options })).toString('latin1')
}

function mail(...lines: readonly string[]): string {
  return lines.map((line) => `${line}\r\n`).join('')
}

const invitation = mail(
  'From: ann@example.org',
  'X-Mozilla-Draft-Info: internal/draft; vcard=0;',
  '\treceipt=0; DSN=0',
  'Reply-To: =?utf-8?Q?S=C3=A9cretariat?= <office@example.org>',
  'x-odd:   \xe4  spaced ',
  'Subject: Meeting',
  'X-Twice: 1',
  'X-Twice: 2',
  'Content-Language: en-GB',
  'Content-Type: multipart/mixed; boundary="outer"; x-part=kept',
  '',
  'This is a multi-part message in MIME format.',
  '--outer',
  'Content-Type: multipart/alternative; boundary=inner',
  '',
  '--inner',
  'Content-Type: text/plain; charset=iso-8859-1; reply-type=original',
  'Content-Transfer-Encoding: quoted-printable',
  'Content-Description: the words',
  '',
  'Gr=FC=DFe',
  '--inner',
  'Content-Type: text/html; charset=utf-8',
  '',
  '<p>Gr\xc3\xbc\xc3\x9fe</p>',
  '--inner',
  'content-type:   text/calendar ; method=REQUEST;charset="utf-8"',
  'Content-Transfer-Encoding: 8bit',
  'X-Alt-Desc: \xc3\xbc',
  '',
  'BEGIN:VCALENDAR\r\nSUMMARY:Gr\xc3\xbc\xc3\x9fe  ',
  'END:VCALENDAR',
  '--inner--',
  '',
  '--outer',
  'Content-Type: application/pdf; name="a b.pdf"; x-unix-mode=0644',
  'Content-Disposition: attachment; filename="a b.pdf"; size=3',
  'Content-Transfer-Encoding: base64',
  'X-Attachment-Id: f_1',
  '',
  'YWJj',
  '--outer--',
  'an epilogue',
)

const calendar =
  'content-type:   text/calendar ; method=REQUEST;charset="utf-8"\r\nContent-Transfer-Encoding: 8bit\r\nX-Alt-Desc: \xc3\xbc\r\n\r\nBEGIN:VCALENDAR\r\nSUMMARY:Gr\xc3\xbc\xc3\x9fe  \r\nEND:VCALENDAR'

function typesOf(raw: string): readonly string[] {
  return [...raw.matchAll(/^content-type:\s*([^\s;]+)/gim)].map(([, type]) => type ?? '')
}

describe('H12 a foreign draft that we save again', () => {
  test('has no CR and no NUL in its headers but at the ends of lines, wherever they stood', async () => {
    const fields = [
      'X-Mozilla-Draft-Info: internal/draft',
      'Reply-To: =?utf-8?Q?S=C3=A9cretariat?=',
      'x-part=kept',
      'reply-type=original',
      'Content-Description: the words',
      'X-Alt-Desc: \xc3\xbc',
      'method=REQUEST',
      'x-unix-mode=0644',
      'filename="a b',
      'X-Attachment-Id: f_1',
      'Subject: Meeting',
    ]
    const broken = fields.reduce((text, field) => {
      expect(text).toContain(field)
      return text.replace(field, `${field}\rBcc: eve@example.com\0`)
    }, invitation)
    const saved = await save(await read(broken), { text: 'other words\n' })
    expect(saved).not.toMatch(/\r(?!\n)|\0/)
    expect(saved).not.toMatch(/^Bcc:/im)
    expect(saved).toContain('X-Mozilla-Draft-Info: internal/draft Bcc: eve@example.com ; vcard=0;\r\n\treceipt=0')
    expect(saved).toContain('X-Alt-Desc: \xc3\xbc Bcc: eve@example.com \r\n')
  })

  test('keeps header fields that we do not model byte for byte, and in their order', async () => {
    const saved = await save(await read(invitation), { subject: 'Another' })
    expect(saved).toContain(
      'X-Mozilla-Draft-Info: internal/draft; vcard=0;\r\n\treceipt=0; DSN=0\r\nReply-To: =?utf-8?Q?S=C3=A9cretariat?= <office@example.org>\r\nx-odd:   \xe4  spaced \r\nX-Twice: 1\r\nX-Twice: 2\r\n',
    )
    expect(saved).toContain('\r\nContent-Language: en-GB\r\n')
    expect(saved.match(/^subject:/gim)).toHaveLength(1)
  })

  test('keeps a part that we do not model byte for byte, with its header, where it was', async () => {
    const before = await read(invitation)
    expect(before.parsed.unmodelled?.parts).toMatchObject([{ contentType: 'text/calendar', section: '1.3' }])
    const saved = await save(before, { text: 'Another text', html: '<p>Another</p>' })
    expect(saved).toContain(`${calendar}\r\n--`)
    expect(typesOf(saved)).toEqual([
      'multipart/mixed',
      'multipart/alternative',
      'text/plain',
      'text/html',
      'text/calendar',
      'application/pdf',
    ])
    const after = await read(saved)
    expect(after.parsed.unmodelled?.parts).toEqual(before.parsed.unmodelled?.parts)
    expect(after.parsed.unmodelled?.headers).toEqual(before.parsed.unmodelled?.headers)
    expect(after.content).toEqual({ ...before.content, text: 'Another text', html: '<p>Another</p>' })
  })

  test('keeps fields and parameters of parts that we do model', async () => {
    const saved = await save(await read(invitation))
    for (const kept of [
      'x-part=kept',
      'reply-type=original',
      'Content-Description: the words',
      'x-unix-mode=0644',
      'size=3',
      'X-Attachment-Id: f_1',
    ]) {
      expect(saved).toContain(kept)
    }
    expect(saved.match(/filename=/g)).toHaveLength(1)
  })

  test('is the same when it is read and saved again, however often', async () => {
    const first = await save(await read(invitation), {}, { headers: [] })
    expect(await save(await read(first), {}, { headers: [] })).toBe(first)
  })

  test('loses what the user removes and nothing else', async () => {
    const before = await read(invitation)
    expect(typesOf(await save(before, { html: null, attachments: [] }))).toEqual([
      'multipart/mixed',
      'multipart/alternative',
      'text/plain',
      'text/calendar',
    ])
  })

  test('takes new files and pictures, in their usual places', async () => {
    const before = await read(invitation)
    const picture = {
      ...fileOf(Buffer.from('p')),
      disposition: 'inline' as const,
      contentId: 'p@x',
      contentType: 'image/png',
    }
    const file = fileOf(Buffer.from('f'))
    for (const one of [picture, file]) before.files.set(one.sha256, Buffer.from(one === picture ? 'p' : 'f'))
    const saved = await save(before, { attachments: [...before.content.attachments, picture, file] })
    expect(typesOf(saved)).toEqual([
      'multipart/mixed',
      'multipart/alternative',
      'text/plain',
      'multipart/related',
      'text/html',
      'image/png',
      'text/calendar',
      'application/pdf',
      'application/octet-stream',
    ])
  })

  test('on its way to SMTP has no notes of the other program, nor a Bcc that was resent', async () => {
    const before = await read(`Resent-Bcc: secret@example.org\r\nX-Identity-Key: id1\r\n${invitation}`)
    const sent = await save(before, {}, { includeBcc: false, headers: [] })
    expect(sent).not.toMatch(/secret|X-Mozilla|X-Identity|x-odd/)
    expect(sent).toContain('Reply-To:')
    expect(sent).toContain(calendar)
  })

  test('names the sections of kept parts, so that they need not cross the wire again', async () => {
    const { parsed, content } = await read(invitation)
    const composed = await format.compose(message({ content: { ...content, unmodelled: parsed.unmodelled } }))
    expect(sections(composed)).toEqual(['1.3', '2'])
    expect(composed.eightBit).toBe(true)
  })

  test('refuses fields that would write fields of their own', async () => {
    const structure = { kind: 'text', parameters: [], fields: [] } as const
    const headers = [{ name: 'X-A', raw: 'X-A: b\r\nBcc: eve@example.org' }]
    const unmodelled = { headers, parts: [], structure }
    await expect(format.compose(message({ content: { ...emptyContent, unmodelled } }))).rejects.toThrow('X-A')
  })

  test('survives JSON in between', async () => {
    const before = await read(invitation)
    const kept = JSON.parse(JSON.stringify(before.parsed)) as ParsedMessage
    expect(await save({ ...before, parsed: kept })).toBe(await save(before))
  })
})

function sections({ segments }: ComposedMessage): readonly string[] {
  return segments.flatMap((segment) => (segment.kind === 'attachment' ? [segment.section] : []))
}

const signedBody = mail(
  '',
  '--s',
  'Content-Type: text/plain',
  '',
  'signed words ',
  '--s',
  'Content-Type: application/pgp-signature; name="signature.asc"',
  '',
  '-----BEGIN PGP SIGNATURE-----',
  '--s--',
)
const signed = `Subject: s\r\nX-Kept: yes\r\nMIME-Version: 1.0 (odd)\r\nContent-Type: multipart/signed; micalg=pgp-sha256;\r\n protocol="application/pgp-signature"; boundary=s\r\n${signedBody}`

describe('a signed or encrypted message', () => {
  test('is opaque: not read as text, and the same to the byte when it is saved again', async () => {
    const before = await read(signed)
    expect(before.parsed).toMatchObject({ protection: 'signed', text: '', html: null, attachments: [] })
    expect(before.parsed.unmodelled?.parts).toMatchObject([{ contentType: 'multipart/signed', section: 'TEXT' }])
    const saved = await save(before, { subject: 'other' })
    expect(saved.endsWith(signed.slice(signed.indexOf('MIME-Version')))).toBe(true)
    expect(saved).toContain('X-Kept: yes')
    expect(saved.match(/MIME-Version/g)).toHaveLength(1)
  })

  test('becomes a part beside what is written to it', async () => {
    const saved = await save(await read(signed), { text: 'my words' })
    expect(typesOf(saved).slice(0, 3)).toEqual(['multipart/mixed', 'text/plain', 'multipart/signed'])
    expect(saved).toContain(signedBody.trimEnd())
  })

  test('shows its text to who asks for it, and says that it is signed', async () => {
    const { parsed } = await read(signed, { lookIntoSigned: true })
    expect(parsed).toMatchObject({ protection: 'signed', text: 'signed words ', unmodelled: null })
  })

  test.each([
    ['multipart/encrypted; protocol="application/pgp-encrypted"; boundary=s', 'encrypted'],
    ['application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m', 'encrypted'],
    ['application/x-pkcs7-mime; smime-type=signed-data', 'signed'],
    ['multipart/mixed; boundary=s', null],
  ])('with %s is %s', async (type, protection) => {
    expect((await read(`Content-Type: ${type}\r\n${signedBody}`)).parsed.protection).toBe(protection)
  })

  test('inside another is kept as it is, and the text beside it is read', async () => {
    const inner = `Content-Type: multipart/signed; boundary=s\r\n${signedBody}`
    const list = mail('Content-Type: multipart/mixed; boundary=m', '', `--m\r\n${inner}--m`, '', 'a list', '--m--')
    const before = await read(list)
    expect(before.parsed).toMatchObject({ protection: null, text: 'a list' })
    expect(await save(before)).toContain(inner.slice(0, -2))
  })
})

describe('odd messages', () => {
  test('a multipart without its boundary, or whose boundary never comes, is kept as it is', async () => {
    for (const type of ['multipart/mixed', 'multipart/mixed; boundary=never']) {
      const before = await read(`Content-Type: ${type}\r\n\r\nsome\r\n--other\r\nwords`)
      expect(before.parsed).toMatchObject({ text: '', attachments: [] })
      expect(before.parsed.unmodelled?.parts).toMatchObject([{ size: 20 }])
      expect(await save(before)).toMatch(/some\r\n--other\r\nwords$/)
    }
    const large = 'x'.repeat(200_000)
    const before = await read(`Content-Type: multipart/mixed; boundary=never\r\n\r\n${large}`)
    expect(await save(before)).toContain(large)
  })

  test('a text that is cut up by a picture is one text, and stays one', async () => {
    const before = await read(
      mail(
        'Content-Type: multipart/mixed; boundary=b',
        '',
        '--b\r\n\r\nfirst\r\n--b',
        'Content-Type: image/png',
        'Content-Disposition: inline\r\n\r\npng\r\n--b\r\n\r\nsecond\r\n--b--',
      ),
    )
    expect(before.content).toMatchObject({ text: 'first\nsecond' })
    expect((await read(await save(before))).content).toEqual(before.content)
  })

  test('an encoding that nobody knows is not decoded', async () => {
    const part = 'Content-Type: a/b\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 x\r\n\r\nend'
    const before = await read(
      `Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nt\r\n--b\r\n${part}\r\n--b--\r\n`,
    )
    expect(before.parsed.attachments).toEqual([])
    expect(await save(before)).toContain(part)
  })

  test('bytes that nobody reads are hashed all the same', async () => {
    const parsed = await format.parse(inChunks(Buffer.from(invitation, 'latin1'), 10), createSha256, {
      async onPart() {},
    })
    expect(parsed).toEqual((await read(invitation)).parsed)
  })

  test('a sink that fails ends the reading with its error', async () => {
    await expect(
      format.parse(inChunks(Buffer.from(invitation, 'latin1'), 10), createSha256, {
        onPart: () => Promise.reject(new Error('disk full')),
      }),
    ).rejects.toThrow('disk full')
  })
})

describe('a message inside a message', () => {
  const inner = 'Subject: inside\r\n\r\nbody\r\n'
  const eightBit = 'Subject: inside\r\n\r\nb\xc3\xb6dy'
  const broken = 'Subject: inside\n\nbody\n'

  test.each([
    [inner, '7bit'],
    [eightBit, '8bit'],
    [broken, 'base64'],
    ['x'.repeat(999), 'base64'],
    ['', '7bit'],
  ])('travels as it is where it can (RFC 2046 §5.2.1): %j', async (body, encoding) => {
    const bytes = Buffer.from(body, 'latin1')
    const attached = { ...fileOf(bytes), contentType: 'message/rfc822', filename: 'a.eml' }
    const content = { ...emptyContent, attachments: [attached] }
    const files = new Map<string, Uint8Array>([[attached.sha256, bytes]])
    const open = (): AsyncIterable<Uint8Array> => inChunks(bytes, 3)
    const raw = (await build(format, message({ content, open }), files)).toString('latin1')
    expect(raw).toContain(`Content-Transfer-Encoding: ${encoding}\r\nContent-Disposition: attachment`)
    expect(raw.includes('Content-Transfer-Encoding: 8bit\r\n\r\n--')).toBe(encoding === '8bit')
    const parsed = await format.parse(inChunks(Buffer.from(raw, 'latin1'), 20), createSha256)
    expect(parsed.attachments).toMatchObject([{ sha256: attached.sha256, encoding, section: '2' }])
    const composed = await format.compose(message({ content, open }))
    expect(composed.eightBit).toBe(encoding === '8bit')
  })
})

describe('what has no place in ASCII', () => {
  test.each(['grüße@example.org', 'a b', '=?utf-8?Q?x?=', 'x'.repeat(1200), 'a>b'])(
    'the Content-ID %j comes back, in 7 bits',
    async (contentId) => {
      const bytes = Buffer.from('x')
      const attachments = [{ ...fileOf(bytes), contentId }]
      const raw = await build(
        format,
        message({ content: { ...emptyContent, attachments } }),
        new Map([[attachments[0]?.sha256 ?? '', bytes]]),
      )
      expect(raw.toString('latin1')).toMatch(/^[\t\r\n\x20-\x7e]*$/)
      expect((await read(raw)).parsed.attachments).toMatchObject([{ contentId }])
    },
  )

  test('addresses go in raw UTF-8 where that is asked for (RFC 6532), and come back either way', async () => {
    const to = [
      { address: 'jõgeva@õun.ee', name: 'Jõgeva, "J"' },
      { address: '用户@例子.广告', name: '' },
      { address: 'not finished ü', name: 'N' },
      { address: 'a\u00a0b@ü.de', name: '' },
      { address: '"a b"@example.org', name: '' },
      { address: String.raw`"a\"b"@example.org`, name: 'A' },
      { address: 'ann@[127.0.0.1]', name: '' },
      { address: 'ann@[IPv6:2001:db8::1]', name: 'Ann' },
      { address: 'jo\u0308rg@example.org', name: '' },
    ]
    for (const utf8Addresses of [true, false]) {
      const raw = await build(format, message({ content: { ...emptyContent, to }, utf8Addresses }))
      expect(raw.includes('<jõgeva@õun.ee>')).toBe(utf8Addresses)
      expect((await format.parse(inChunks(raw, 10), createSha256)).to).toEqual(to)
    }
  })
})
