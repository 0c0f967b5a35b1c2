import { createHash } from 'node:crypto'
import type { BodyPart, Uid } from '@everdraft/core'
import { expect, test } from 'vitest'
import {
  append,
  bytesSegment,
  mail,
  noise,
  onlyIf,
  readAll,
  selected,
  uidsOf,
  type MailboxExpectations,
  type MailboxFixture,
} from './mailbox-fixture.ts'

// Whole lines of base64, without the last line's end.
const attachment = noise(78 * 38_000).trimEnd()

/** A text with an alternative, a message in the message, and an attachment with a name beyond ASCII. */
const nested = [
  'Message-ID: <nested@example.org>',
  'From: ann@example.org',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=outer',
  '',
  '--outer',
  'Content-Type: multipart/alternative; boundary=inner',
  '',
  '--inner',
  'Content-Type: text/plain; charset=utf-8; format=flowed',
  'Content-Transfer-Encoding: quoted-printable',
  '',
  'gr=C3=BC=C3=9Fe',
  '--inner',
  'Content-Type: text/html',
  '',
  '<p>hello</p>',
  '--inner--',
  '--outer',
  'Content-Type: message/rfc822',
  '',
  'Subject: within',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=deep',
  '',
  '--deep',
  'Content-Type: text/plain',
  '',
  'deep text',
  '--deep--',
  '--outer',
  "Content-Type: application/pdf; name*=utf-8''r%C3%A9sum%C3%A9.pdf",
  "Content-Disposition: attachment; filename*=utf-8''r%C3%A9sum%C3%A9.pdf",
  'Content-ID: <part@example.org>',
  'Content-Transfer-Encoding: base64',
  '',
  attachment,
  '--outer--',
  '',
].join('\r\n')

export function exerciseParts(fixture: () => MailboxFixture, expected: MailboxExpectations): void {
  const stored = async (): Promise<Uid> => {
    const { session, folder } = fixture()
    await append(session, folder, Buffer.from(nested))
    await selected(session, folder)
    const [uid] = await session.uids()
    return uid as Uid
  }

  onlyIf(expected.soundParts)('are described as a tree, without a byte of them', async () => {
    const { session } = fixture()
    const uid = await stored()
    const [structure] = await session.structures([uid, 4711 as Uid])
    expect(structure).toMatchObject({ uid, size: nested.length })
    expect(outline(structure?.body)).toEqual([
      'TEXT multipart/mixed',
      '1 multipart/alternative',
      '1.1 text/plain quoted-printable 15',
      '1.2 text/html 7bit 12',
      '2 message/rfc822 7bit',
      '2.TEXT multipart/mixed',
      '2.1 text/plain 7bit 9',
      `3 application/pdf base64 ${attachment.length}`,
    ])
    const [alternative, , pdf] = structure?.body.children ?? []
    expect(alternative?.children[0]?.parameters).toMatchObject({ charset: 'utf-8', format: 'flowed' })
    expect(pdf).toMatchObject({
      filename: 'résumé.pdf',
      disposition: 'attachment',
      contentId: '<part@example.org>',
      children: [],
    })
    expect(await session.structures([])).toEqual([])
  })

  onlyIf(expected.soundParts)('of a message that is one part have a section, too', async () => {
    const { session, folder } = fixture()
    await append(session, folder, mail('<plain@example.org>', 'text'))
    await selected(session, folder)
    const [structure] = await session.structures(await session.uids())
    expect(structure?.body).toMatchObject({ section: '1', contentType: 'text/plain', size: 6, children: [] })
    expect((await readAll(session.fetchPart(structure?.uid as Uid, '1'))).toString()).toBe('text\r\n')
  })

  onlyIf(expected.soundParts)('are fetched in pieces, from wherever the reader wants to go on', async () => {
    const { session } = fixture()
    const uid = await stored()
    const whole = Buffer.from(attachment)
    expect(hashOf(await readAll(session.fetchPart(uid, '3')))).toBe(hashOf(whole))
    expect(hashOf(await readAll(session.fetchPart(uid, '3', { start: 1_500_001 })))).toBe(
      hashOf(whole.subarray(1_500_001)),
    )
    const middle = await readAll(session.fetchPart(uid, '3', { start: 1_048_570, length: 20 }))
    expect(middle.toString()).toBe(whole.subarray(1_048_570, 1_048_590).toString())
    expect(await readAll(session.fetchPart(uid, '3', { start: 9_000_000 }))).toHaveLength(0)
    expect(await readAll(session.fetchPart(uid, '3', { length: 0 }))).toHaveLength(0)
    expect((await readAll(session.fetchPart(uid, '2.1'))).toString()).toBe('deep text')
  })

  test('are asked for no further than they are read', async () => {
    const { session, proxy } = await fixture().connectThroughProxy({ compress: false })
    const uid = await stored()
    await selected(session, fixture().folder)
    const before = proxy.bytes.toClient
    for await (const piece of session.fetchPart(uid, '3')) {
      expect(piece.length).toBeGreaterThan(0)
      break
    }
    // The piece that was begun ends; the two after it are never asked for.
    expect(await session.uids()).toEqual([uid])
    expect(proxy.bytes.toClient - before).toBeLessThan(1_200_000)
  })

  onlyIf(expected.soundParts)('end, or are empty, where the message or the section is not there', async () => {
    const { session } = fixture()
    const uid = await stored()
    expect(await readAll(session.fetchPart(4711 as Uid, '1'))).toHaveLength(0)
    expect(await readAll(session.fetchPart(uid, '7'))).toHaveLength(0)
    expect(await session.uids()).toEqual([uid])
  })

  test('are not read on after another call', async () => {
    const { session } = fixture()
    const uid = await stored()
    const reading = session.fetchPart(uid, '3')[Symbol.asyncIterator]()
    await reading.next()
    await session.uids()
    const on = (async (): Promise<void> => {
      while ((await reading.next()).done !== true);
    })()
    await expect(on).rejects.toThrow('not read to its end')
  })

  test('have a header before them, byte for byte', async () => {
    const { session } = fixture()
    const uid = await stored()
    const header = await session.fetchHeader(uid)
    // GreenMail leaves out the empty line at its end.
    expect(
      Buffer.from(header ?? [])
        .toString()
        .trimEnd(),
    ).toBe(nested.slice(0, nested.indexOf('\r\n\r\n')))
    expect(await session.fetchHeader(4711 as Uid)).toBeNull()
  })

  onlyIf(expected.binary)('are decoded by the server that can', async () => {
    const { session } = fixture()
    const uid = await stored()
    const decoded = Buffer.from(attachment, 'base64')
    const range = { decoded: true }
    expect(hashOf(await readAll(session.fetchPart(uid, '3', range)))).toBe(hashOf(decoded))
    expect((await readAll(session.fetchPart(uid, '1.1', range))).toString()).toBe('grüße')
    const tail = await readAll(session.fetchPart(uid, '3', { ...range, start: 2_000_000 }))
    expect(hashOf(tail)).toBe(hashOf(decoded.subarray(2_000_000)))
  })

  onlyIf(expected.binary)('are stored without an encoding, and are what they were', async () => {
    const { folder, connectThroughProxy } = fixture()
    const { session, proxy } = await connectThroughProxy({ compress: false })
    // Every value of a byte, NUL among them, and line ends of all kinds.
    const bytes = Buffer.from(attachment, 'base64')
    const header = [
      'Message-ID: <binary@example.org>',
      'MIME-Version: 1.0',
      'Content-Type: multipart/mixed; boundary=outer',
      '',
      '--outer',
      'Content-Type: text/plain',
      '',
      'text',
      '--outer',
      'Content-Type: application/octet-stream',
      'Content-Transfer-Encoding: binary',
      '',
      '',
    ]
    const before = proxy.bytes.toServer
    const outcome = await session.append({
      folder,
      flags: ['\\Draft'],
      internalDate: 0,
      binary: true,
      segments: [
        bytesSegment(Buffer.from(header.join('\r\n'))),
        bytesSegment(bytes),
        bytesSegment(Buffer.from('\r\n--outer--\r\n')),
      ],
    })
    expect(outcome).toMatchObject({ kind: 'stored' })
    expect(proxy.bytes.toServer - before).toBeLessThan(bytes.length + 1000)
    await selected(session, folder)
    const [uid] = await session.uids()
    const [structure] = await session.structures([uid as Uid])
    const part = structure?.body.children[1]
    expect(part?.section).toBe('2')
    expect(hashOf(await readAll(session.fetchPart(uid as Uid, '2', { decoded: true })))).toBe(hashOf(bytes))
    const encoded = await readAll(session.fetchPart(uid as Uid, '2'))
    expect(encoded).toHaveLength(part?.size ?? -1)
    const read = part?.encoding === 'base64' ? Buffer.from(encoded.toString('latin1'), 'base64') : encoded
    expect(hashOf(read)).toBe(hashOf(bytes))
  })

  test('come with what else the server knows of a message', async () => {
    const { session, folder } = fixture()
    await append(session, folder, mail('<known@example.org>'))
    await selected(session, folder)
    const [uid] = await session.uids()
    const [details, ...others] = await session.details(uidsOf(uid ?? 0, 4711))
    expect(details).toMatchObject({ uid, internalDate: Date.UTC(2024, 1, 3, 4, 5, 6), gmailMessageId: null })
    expect(details?.flags.map((flag) => flag.toLowerCase())).toContain('\\draft')
    expect(typeof details?.emailId).toBe(expected.objectId ? 'string' : 'object')
    expect(others).toEqual([])
  })

  test('have as much room as the server says', async () => {
    const { session, folder } = fixture()
    const left = await session.quotaLeft(folder)
    expect(left === null || (expected.quota && left > 0)).toBe(true)
  })

  onlyIf(expected.compress)('travel compressed, unless that is forbidden', async () => {
    expect(await sentBy(fixture(), { compress: false })).toBeGreaterThan(210_000)
    expect(await sentBy(fixture(), {})).toBeLessThan(10_000)
  })
}

function outline(part: BodyPart | undefined): readonly string[] {
  if (part === undefined) return []
  const { section, contentType, encoding, size, children } = part
  const line = [section, contentType, encoding, contentType === 'message/rfc822' ? null : size]
  return [line.filter((word) => word !== null).join(' '), ...children.flatMap(outline)]
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** What two compressible messages cost. */
async function sentBy(
  { connectThroughProxy, folder }: MailboxFixture,
  settings: { readonly compress?: boolean },
): Promise<number> {
  const { session, proxy } = await connectThroughProxy(settings)
  await selected(session, folder)
  const before = proxy.bytes.toServer
  await append(session, folder, mail('<text@example.org>', 'all work and no play '.repeat(5000)))
  await append(session, folder, mail('<more@example.org>', 'all work and no play '.repeat(5000)))
  const uids = await session.uids()
  expect(await readAll(await session.fetchRaw(uids.at(-1) as Uid))).toHaveLength(
    mail('<more@example.org>').length - 4 + 21 * 5000,
  )
  expect(session.bytes().sent).toBe(proxy.bytes.toServer)
  return proxy.bytes.toServer - before
}
