import type { MessageSegment, Uid, UidValidity } from '@everdraft/core'
import { expect, test } from 'vitest'
import {
  append,
  bytesSegment,
  lines,
  mail,
  onlyIf,
  mailWithAttachment,
  pathOf,
  readAll,
  selected,
  streamSegment,
  type MailboxExpectations,
  type MailboxFixture,
} from './mailbox-fixture.ts'

export function exerciseStoring(fixture: () => MailboxFixture, expected: MailboxExpectations): void {
  test('stores the bytes with their flags and date, and says under which UID', async () => {
    const { session, folder, raw } = fixture()
    const bytes = mail('<stored@example.org>', '.\r\nFrom x\r\n trailing  ')
    const outcome = await append(session, folder, bytes)
    const { uidValidity } = await selected(session, folder)
    const [uid] = await session.uids()
    expect(outcome).toEqual(
      expected.uidPlus ? { kind: 'stored', uidValidity, uid } : { kind: 'stored', uidValidity: null, uid: null },
    )
    const other = await raw()
    const [listed] = await other.listMessages(folder)
    expect(listed?.bytes).toEqual(Buffer.from(bytes))
    expect(listed?.flags.map((flag) => flag.toLowerCase()).toSorted()).toEqual(
      expect.arrayContaining(['\\draft', '\\seen']),
    )
    const [date] = (await other.ok(`UID FETCH ${uid} (INTERNALDATE)`)).untagged.filter(({ text }) =>
      text.includes('INTERNALDATE'),
    )
    const internalDate = /INTERNALDATE "([^"]+)"/i.exec(date?.text ?? '')?.[1] ?? ''
    expect(Date.parse(internalDate.replaceAll('-', ' ').replace(/ (\d{4})$/, ' -$1'))).toBe(
      Date.UTC(2024, 1, 3, 4, 5, 6),
    )
  })

  test.each([
    [0, 1000],
    [1, 1000],
    [4095, 1000],
    [4096, 1000],
    [4097, 1000],
    [70_000, 1000],
    [200_000, 80_000],
  ])('stores a stream segment of %i bytes between others, in pieces of %i', async (size, pieceBytes) => {
    const { session, folder } = fixture()
    const head = mail('<segments@example.org>')
    const tail = Buffer.from('the end\r\n')
    const chunks = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
      yield new Uint8Array(0)
      // A piece counts until the next is asked for.
      const memory = Buffer.alloc(pieceBytes)
      for (let at = 0; at < size; at += pieceBytes) {
        yield memory.fill('y').subarray(0, size - at)
        memory.fill('n')
      }
    }
    expect(await append(session, folder, head, streamSegment(size, chunks), tail)).toMatchObject({ kind: 'stored' })
    await selected(session, folder)
    const [uid] = await session.uids()
    const stored = await readAll(await session.fetchRaw(uid as Uid))
    expect(stored.toString()).toBe(`${Buffer.from(head).toString()}${'y'.repeat(size)}${tail.toString()}`)
  })

  test('opens a stream only when its turn comes, and asks it for more only as the line takes it', async () => {
    const { connectThroughProxy, folder } = fixture()
    const { session, proxy } = await connectThroughProxy({ compress: false })
    const size = 40_000_000
    const before = proxy.bytes.toServer
    let furthestAhead = 0
    const segment = streamSegment(size, () =>
      lines(size, (given) => {
        furthestAhead = Math.max(furthestAhead, given - (proxy.bytes.toServer - before))
      }),
    )
    expect(await append(session, folder, mail('<paced@example.org>'), segment)).toMatchObject({ kind: 'stored' })
    // What the sockets of two hops hold, and never the message.
    expect(furthestAhead).toBeLessThan(15_000_000)
  })

  test('refuses a folder that is not there without sending the message, and goes on', async () => {
    const { session, folder } = fixture()
    const missing = pathOf('no such folder')
    const before = session.bytes().sent
    const refused = await append(session, missing, mail('<lost@example.org>', 'x'.repeat(100_000)))
    expect(refused).toMatchObject({ kind: 'refused', status: 'NO', responseCode: 'TRYCREATE' })
    expect(session.bytes().sent - before).toBeLessThan(110_000)
    expect(await append(session, missing, mail('<small@example.org>'))).toMatchObject({ kind: 'refused' })
    expect(session.alive).toBe(true)
    expect(await append(session, folder, mail('<next@example.org>'))).toMatchObject({ kind: 'stored' })
  })

  test('gives the words of a refusal in at most 500 characters', async () => {
    const refused = await append(fixture().session, pathOf('no such folder'), mail('<words@example.org>'))
    expect(refused.kind === 'refused' && refused.text.length > 0 && refused.text.length <= 500).toBe(true)
  })

  test.each([-1, 1])('stores nothing, and is dead, when a stream is off by %i from its announced size', async (off) => {
    const { connect, folder } = fixture()
    const session = await connect()
    const size = 100_000
    await expect(
      append(
        session,
        folder,
        mail('<wrong@example.org>'),
        streamSegment(size, () => lines(size + off)),
      ),
    ).rejects.toThrow(RangeError)
    expect(session.alive).toBe(false)
    await expect(session.uids()).rejects.toThrow('closed the connection')
    expect(await storedIn(fixture())).toEqual([])
  })

  test('stores nothing, and fails with the reason, when a stream breaks off', async () => {
    const { connect, folder } = fixture()
    const session = await connect()
    await expect(
      append(session, folder, mail('<broken@example.org>'), streamSegment(100_000, breakingOff)),
    ).rejects.toThrow('the file is gone')
    expect(session.alive).toBe(false)
    expect(await storedIn(fixture())).toEqual([])
  })

  onlyIf(expected.catenate)('builds a message around a part that lies on the server', async () => {
    const { session } = fixture()
    const { folder, stored, part } = await withAttachment(fixture(), `${fixture().folder} Büro & 下書き`)
    const edited = mailWithAttachment('<edited@example.org>', 'edited'.repeat(2000), '')
    const before = session.bytes().sent
    const outcome = await append(session, folder, edited.before, part, edited.after)
    expect(outcome).toMatchObject({ kind: 'stored' })
    expect(session.bytes().sent - before).toBeLessThan(edited.before.length + 1000)
    await selected(session, folder)
    const [, uid] = await session.uids()
    expect(await readAll(await session.fetchRaw(uid as Uid))).toEqual(
      Buffer.concat([edited.before, stored.attachment, edited.after]),
    )
  })

  onlyIf(expected.catenate)('refuses a part under another UIDVALIDITY or UID with BADURL, and goes on', async () => {
    const { session } = fixture()
    const { folder, part } = await withAttachment(fixture(), fixture().folder)
    const edited = mailWithAttachment('<edited@example.org>', 'edited', '')
    const elsewhere: MessageSegment[] = [
      { ...part, uidValidity: (part.uidValidity - 1) as UidValidity },
      { ...part, uid: 4711 as Uid },
      { ...part, folder: pathOf('no such folder') },
    ]
    for (const wrong of elsewhere) {
      const refused = await append(session, folder, edited.before, wrong, edited.after)
      expect(refused).toMatchObject({ kind: 'refused', status: 'NO', responseCode: 'BADURL' })
    }
    expect(await append(session, folder, edited.before, part, edited.after)).toMatchObject({ kind: 'stored' })
  })

  onlyIf(expected.replace)('replaces one message by another and leaves the others', async () => {
    const { session, folder } = fixture()
    for (const id of ['<old@example.org>', '<bystander@example.org>']) await append(session, folder, mail(id))
    const { uidValidity } = await selected(session, folder)
    const [old, bystander] = await session.uids()
    await session.markDeleted([bystander as Uid])
    const outcome = await session.replace(
      old as Uid,
      requestFor(fixture(), mail('<new@example.org>', 'x'.repeat(10_000))),
    )
    await selected(session, folder)
    const [, added] = await session.uids()
    expect(outcome).toEqual({ kind: 'stored', uidValidity, uid: added })
    expect(await session.identities(await session.uids())).toMatchObject([
      { uid: bystander, messageId: '<bystander@example.org>', deleted: true },
      { uid: added, messageId: '<new@example.org>', draft: true },
    ])
  })

  onlyIf(expected.replace)('leaves the old message where a replacement is refused', async () => {
    const { session, folder } = fixture()
    await append(session, folder, mail('<old@example.org>'))
    await selected(session, folder)
    const [old] = await session.uids()
    const elsewhere = { ...requestFor(fixture(), mail('<new@example.org>')), folder: pathOf('no such folder') }
    expect(await session.replace(old as Uid, elsewhere)).toMatchObject({ kind: 'refused', status: 'NO' })
    await selected(session, folder)
    expect(await session.uids()).toEqual([old])
  })

  onlyIf(expected.replace && expected.catenate)('replaces a message by one made of its own part', async () => {
    const { session } = fixture()
    const { folder, stored, part } = await withAttachment(fixture(), fixture().folder)
    const edited = mailWithAttachment('<edited@example.org>', 'edited', '')
    const request = {
      ...requestFor(fixture()),
      segments: [bytesSegment(edited.before), part, bytesSegment(edited.after)],
    }
    const outcome = await session.replace(part.uid, request)
    await selected(session, folder)
    const uids = await session.uids()
    expect(outcome).toEqual({ kind: 'stored', uidValidity: part.uidValidity, uid: uids[0] })
    expect(uids).toHaveLength(1)
    expect(await readAll(await session.fetchRaw(uids[0] as Uid))).toEqual(
      Buffer.concat([edited.before, stored.attachment, edited.after]),
    )
  })
}

function requestFor(
  { folder }: MailboxFixture,
  ...pieces: readonly Uint8Array[]
): Parameters<MailboxFixture['session']['append']>[0] {
  return { folder, flags: ['\\Draft', '\\Seen'], internalDate: 0, segments: pieces.map(bytesSegment) }
}

/** A folder with one message, and the part of it that is its attachment. */
async function withAttachment(
  { session, folder: own }: MailboxFixture,
  name: string,
): Promise<{
  readonly folder: typeof own
  readonly stored: ReturnType<typeof mailWithAttachment>
  readonly part: Extract<MessageSegment, { kind: 'part' }>
}> {
  const folder = pathOf(name)
  if (folder !== own) await session.createFolder(folder, 'archive')
  const stored = mailWithAttachment('<first@example.org>', 'first', `${'QUJD'.repeat(19)}\r\n`.repeat(700) + 'QUJD')
  await append(session, folder, stored.before, stored.attachment, stored.after)
  const { uidValidity } = await selected(session, folder)
  const [uid] = await session.uids()
  const size = stored.attachment.length
  return { folder, stored, part: { kind: 'part', folder, uidValidity, uid: uid as Uid, section: '2', size } }
}

/** What another client sees in the folder of the test. */
async function storedIn({ raw, folder }: MailboxFixture): Promise<readonly (string | null)[]> {
  const other = await raw()
  return (await other.listMessages(folder)).map(({ messageId }) => messageId)
}

async function* breakingOff(): AsyncGenerator<Uint8Array, void, undefined> {
  yield Buffer.alloc(50_000, 'z')
  throw new Error('the file is gone')
}
