import type { MessageId } from '@everdraft/core'
import { expect, test } from 'vitest'
import {
  append,
  lines,
  mail,
  onlyIf,
  pathOf,
  readAll,
  selected,
  streamSegment,
  uidsOf,
  type MailboxExpectations,
  type MailboxFixture,
} from './mailbox-fixture.ts'

export function exerciseReading(fixture: () => MailboxFixture, expected: MailboxExpectations): void {
  test('lists the inbox by name and every other folder once', async () => {
    const { session, folder } = fixture()
    const folders = await session.folders()
    expect(folders.filter(({ path }) => path === 'INBOX')).toMatchObject([{ specialUse: 'inbox', selectable: true }])
    expect(folders.filter(({ path }) => path === folder)).toMatchObject([{ selectable: true }])
    expect(new Set(folders.map(({ path }) => path)).size).toBe(folders.length)
  })

  onlyIf(expected.specialUse)('knows the drafts and the sent folder by their attributes', async () => {
    const folders = await fixture().session.folders()
    expect(folders.filter(({ specialUse }) => specialUse === 'drafts')).toHaveLength(1)
    expect(folders.filter(({ specialUse }) => specialUse === 'sent')).toHaveLength(1)
  })

  test.each(['Entwürfe & Büro', '下書き', 'a&b', '😀 drafts', 'tilde ~ &- x'])(
    'makes, lists, subscribes to and selects a folder called %s',
    async (name) => {
      const { session, folder, raw } = fixture()
      const path = pathOf(`${folder} ${name}`)
      expect(await session.createFolder(path, 'archive')).toEqual({ kind: 'ok' })
      expect((await session.folders()).map((one) => one.path)).toContain(path)
      await append(session, path, mail('<named@example.org>'))
      expect(await session.select(path)).toMatchObject({ path, exists: 1 })
      const other = await raw()
      const listed = (await other.ok('LIST "" "*"')).untagged.map(({ text }) => nameOf(text))
      const subscribed = (await other.ok('LSUB "" "*"')).untagged.map(({ text }) => nameOf(text))
      const wireName = listed.find((one) => one?.startsWith(folder) && one !== folder)
      expect(subscribed).toContain(wireName)
    },
  )

  test('makes a folder with quotes in its name, or refuses it in words, as servers do', async () => {
    const { session, folder } = fixture()
    const path = pathOf(`${folder} a "quoted" \\ one`)
    const { kind } = await session.createFolder(path, 'archive')
    const there = await session.select(path)
    expect(there === null ? 'refused' : 'ok').toBe(kind)
  })

  test('refuses to make a folder that is there, and goes on', async () => {
    const { session, folder } = fixture()
    expect(await session.createFolder(folder, 'drafts')).toMatchObject({ kind: 'refused', status: 'NO' })
    expect(await selected(session, folder)).toMatchObject({ exists: 0 })
  })

  test('gives null for a folder that is not there, also where its name is a pattern', async () => {
    const { session, folder } = fixture()
    for (const name of [
      'no such folder',
      `${folder}x`,
      folder.slice(0, -1),
      'ni-mañana',
      '*',
      '%',
      `${folder.slice(0, -1)}%`,
    ]) {
      expect(await session.select(pathOf(name))).toBeNull()
    }
    expect(await selected(session, folder)).toMatchObject({ exists: 0 })
  })

  test('reads the state of the selected folder afresh when it is selected again', async () => {
    const { session, folder, raw } = fixture()
    const before = await selected(session, folder)
    const other = await raw()
    await other.append(folder, mail('<foreign@example.org>'))
    const after = await selected(session, folder)
    expect(after).toMatchObject({ exists: 1, uidValidity: before.uidValidity })
    expect(after.uidNext === null || before.uidNext === null || after.uidNext > before.uidNext).toBe(true)
    const [uid] = await session.uids()
    await other.markDeleted(folder, [uid ?? 0])
    await other.expunge(folder)
    expect(await selected(session, folder)).toMatchObject({ exists: 0, uidNext: after.uidNext })
    expect(await session.uids()).toEqual([])
  })

  onlyIf(expected.condstore)('gives a HIGHESTMODSEQ that grows with a change', async () => {
    const { session, folder } = fixture()
    const before = await session.select(folder)
    await append(session, folder, mail('<modseq@example.org>'))
    const after = await session.select(folder)
    expect(BigInt(after?.highestModseq ?? '0')).toBeGreaterThan(BigInt(before?.highestModseq ?? '0'))
  })

  onlyIf(!expected.condstore)('gives no HIGHESTMODSEQ without CONDSTORE', async () => {
    const { session, folder } = fixture()
    expect(await session.select(folder)).toMatchObject({ highestModseq: null })
  })

  test('opens the folder for writing', async () => {
    const { session, folder } = fixture()
    await append(session, folder, mail('<writable@example.org>'))
    await selected(session, folder)
    expect(await session.markDeleted(await session.uids())).toEqual({ kind: 'ok' })
  })

  test('opens the folder for reading alone, and for writing again', async () => {
    const { session, folder, raw } = fixture()
    const other = await raw()
    await other.append(folder, mail('<untouched@example.org>'))
    expect(await session.select(folder, 'read-only')).toMatchObject({ path: folder, exists: 1 })
    const uids = await session.uids()
    await session.fetchMany(uids)
    await session.markDeleted(uids).catch(() => {})
    expect((await other.listMessages(folder))[0]?.flags).not.toContain('\\Seen')
    expect((await other.listMessages(folder))[0]?.flags).not.toContain('\\Deleted')
    await selected(session, folder)
    expect(await session.markDeleted(uids)).toEqual({ kind: 'ok' })
    expect(await session.select(pathOf(`${folder}x`), 'read-only')).toBeNull()
  })

  test('gives the fields of headers that were asked for, of many messages at once', async () => {
    const { session, folder, raw } = fixture()
    const bytes = mail('<fields@example.org>', 'Subject: of the text', ['X-Folded: one\r\n two', 'X-Other: no'])
    const other = await raw()
    await other.append(folder, bytes)
    await other.append(folder, mail('<bare@example.org>'))
    await selected(session, folder)
    const uids = await session.uids()
    const given = await session.headerFields([...uids.toReversed(), ...uidsOf(4711)], ['message-id', 'X-Folded'])
    expect(given.map(({ uid }) => uid)).toEqual(uids)
    const [first, second] = given.map((one) => Buffer.from(one.bytes).toString())
    expect(first).toMatch(/^Message-ID: <fields@example\.org>\r\nX-Folded: one\r\n two\r\n/m)
    expect(first).not.toMatch(/Subject|X-Other/)
    expect(second).not.toContain('X-Folded')
    expect((await other.listMessages(folder)).flatMap(({ flags }) => flags)).not.toContain('\\Seen')
    expect(await session.headerFields([], ['Subject'])).toEqual([])
  })

  test('lists UIDs in ascending order', async () => {
    const { session, folder } = fixture()
    for (const id of [1, 2, 3]) await append(session, folder, mail(`<${id}@example.org>`))
    await selected(session, folder)
    const uids = await session.uids()
    expect(uids).toHaveLength(3)
    expect(uids).toEqual(uids.toSorted((a, b) => a - b))
  })

  test('finds a message by its exact Message-ID only', async () => {
    const { session, folder } = fixture()
    const wanted = '<wanted.1@example.org>' as MessageId
    const others = [
      '<WANTED.1@example.org>',
      '<x.wanted.1@example.org>',
      'x<wanted.1@example.org>',
      '<wanted.1@example.organic>',
    ]
    for (const id of [...others, wanted]) await append(session, folder, mail(id))
    await selected(session, folder)
    const found = await session.findByMessageId(wanted)
    expect(found.map(({ messageId }) => messageId)).toEqual([wanted])
    expect(await session.findByMessageId('<anted.1@example.org>' as MessageId)).toEqual([])
  })

  test('finds what was stored a moment ago in the selected folder', async () => {
    const { session, folder } = fixture()
    await selected(session, folder)
    const id = '<just.now@example.org>' as MessageId
    await append(session, folder, mail(id))
    expect(await session.findByMessageId(id)).toHaveLength(1)
  })

  test('tells of each message which draft it is a copy of, its size and its flags', async () => {
    const { session, folder, raw } = fixture()
    const base = `<${'b'.repeat(40)}.${'c'.repeat(40)}@example.org>`
    const bytes = mail('<id@example.org>', 'ä', [
      'X-Everdraft-Id: 0190-umid',
      `X-Everdraft-Base:\r\n ${base}`,
      'X-Everdraft-Answers: some mail',
    ])
    await append(session, folder, bytes)
    const other = await raw()
    await other.append(folder, 'Subject: nothing of ours\r\n\r\nx\r\n')
    await selected(session, folder)
    const [first, second] = await session.uids()
    await session.markDeleted(uidsOf(second ?? 0))
    expect(await session.identities(uidsOf(second ?? 0, 4711, first ?? 0))).toEqual([
      {
        uid: first,
        messageId: '<id@example.org>',
        everdraftId: '0190-umid',
        everdraftBase: base,
        everdraftAnswers: 'some mail',
        size: bytes.length,
        deleted: false,
        draft: true,
        answered: false,
      },
      expect.objectContaining({
        uid: second,
        messageId: null,
        everdraftId: null,
        everdraftBase: null,
        everdraftAnswers: null,
        deleted: true,
        draft: false,
      }),
    ])
    expect(await session.identities([])).toEqual([])
    expect(await session.identities(uidsOf(4711))).toEqual([])
  })

  test('gives the messages from a UID on, and never the last one below it', async () => {
    const { session, folder } = fixture()
    for (const id of [1, 2, 3]) await append(session, folder, mail(`<${id}@example.org>`))
    await selected(session, folder)
    const [, second, third] = await session.uids()
    const from = async (uid: number | undefined): Promise<readonly number[]> =>
      (await session.identitiesFrom(uidsOf(uid ?? 0)[0] as never)).map((identity) => identity.uid)
    expect(await from(second)).toEqual([second, third])
    expect(await from((third ?? 0) + 1)).toEqual([])
    expect(await from(4_000_000_000)).toEqual([])
  })

  test('gives no identities from an empty folder', async () => {
    const { session, folder } = fixture()
    await selected(session, folder)
    expect(await session.identitiesFrom(uidsOf(1)[0] as never)).toEqual([])
    expect(await session.uids()).toEqual([])
    expect(await session.deletedUids()).toEqual([])
  })

  test('finds what came at a time or later, in whatever order it lies there', async () => {
    const { session, folder, raw } = fixture()
    const other = await raw()
    const day = 24 * 3_600_000
    const stored = Date.UTC(2024, 1, 3, 4, 5, 6)
    await other.append(folder, mail('<young@example.org>'))
    await append(session, folder, mail('<old@example.org>'))
    await other.append(folder, mail('<younger@example.org>'))
    await selected(session, folder)
    const [young, old, younger] = await session.uids()
    expect(await session.uidsSince(Date.now() - day)).toEqual([young, younger])
    expect(await session.uidsSince(stored + 3 * day)).toEqual([young, younger])
    expect(await session.uidsSince(stored)).toEqual([young, old, younger])
    expect(await session.uidsSince(0)).toEqual([young, old, younger])
    expect(await session.uidsSince(Date.now() + 5 * day)).toEqual([])
  })

  test('gives back the bytes that were stored, without marking the message as seen', async () => {
    const { session, folder, raw } = fixture()
    const other = await raw()
    const bytes = mail('<raw@example.org>', 'With {3}\r\nand )\r\n* 1 FETCH (x\r\n')
    await other.append(folder, bytes)
    await selected(session, folder)
    const [uid] = await session.uids()
    expect(await readAll(await session.fetchRaw(uid as never))).toEqual(Buffer.from(bytes))
    expect((await other.listMessages(folder))[0]?.flags).not.toContain('\\Seen')
    expect(await session.fetchRaw(uidsOf(4711)[0] as never)).toBeNull()
    expect(await session.uids()).toEqual([uid])
  })

  test('gives back many messages at once, ascending, without those that do not exist', async () => {
    const { session, folder, raw } = fixture()
    const other = await raw()
    const stored = [1, 2, 3].map((id) => Buffer.from(mail(`<many.${id}@example.org>`, `${'x'.repeat(id * 3_000)} {3}`)))
    for (const bytes of stored) await other.append(folder, bytes)
    await other.append(folder, mail('<not.asked.for@example.org>'))
    await selected(session, folder)
    const uids = (await session.uids()).slice(0, 3)
    const given = await session.fetchMany([...uids.toReversed(), ...uidsOf(4711)])
    expect(given.map(({ uid }) => uid)).toEqual(uids)
    expect(given.map(({ bytes }) => Buffer.from(bytes))).toEqual(stored)
    expect((await other.listMessages(folder)).flatMap(({ flags }) => flags)).not.toContain('\\Seen')
    expect(await session.fetchMany([])).toEqual([])
    expect(await session.fetchMany(uidsOf(4711))).toEqual([])
  })

  test('gives of many messages at once those that are still there', async () => {
    const { session, folder, raw } = fixture()
    for (const id of [1, 2, 3]) await append(session, folder, mail(`<left.${id}@example.org>`))
    await selected(session, folder)
    const uids = await session.uids()
    const other = await raw()
    await other.markDeleted(folder, [uids[1] ?? 0])
    await other.expunge(folder)
    const left = (await session.fetchMany(uids)).map(({ uid }) => uid)
    // Until this session is told that a message went, a server may still give it (RFC 2180 §4.1.1).
    expect([uids, [uids[0], uids[2]]]).toContainEqual(left)
  })

  test('gives back a large message in pieces', async () => {
    const { session, folder } = fixture()
    const head = mail('<large@example.org>')
    const size = 3_000_000
    await append(
      session,
      folder,
      head,
      streamSegment(size, () => lines(size)),
    )
    await selected(session, folder)
    const [uid] = await session.uids()
    const pieces: number[] = []
    for await (const piece of (await session.fetchRaw(uid as never)) ?? []) pieces.push(piece.length)
    expect(pieces.reduce((total, length) => total + length, 0)).toBe(head.length + size)
    expect(Math.max(...pieces)).toBeLessThan(1_000_000)
    expect(await session.uids()).toEqual([uid])
  })
}

/** The name at the end of a LIST or LSUB line, as it is on the wire. */
function nameOf(line: string): string | undefined {
  const literal = /\{\d+\}\r\n(.*)$/s.exec(line)?.[1]
  const quoted = /"((?:[^"\\]|\\.)*)"$/.exec(line)?.[1]?.replace(/\\(.)/g, '$1')
  return literal ?? quoted ?? line.split(' ').at(-1)
}
