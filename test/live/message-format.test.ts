import { createHash } from 'node:crypto'

import {
  emptyContent,
  type BodyPart,
  type ComposedMessage,
  type FolderPath,
  type MailboxSession,
  type MessageId,
  type MessageSegment,
  type MessageToCompose,
  type StoreOutcome,
  type Uid,
} from '@everdraft/core'
import { imap, mimeFormat } from '@everdraft/mail'
import { describeServer, type ServerName } from '@everdraft/testkit'
import { expect, test } from 'vitest'

const servers: readonly { readonly name: ServerName; readonly catenate: boolean }[] = [
  { name: 'dovecot24', catenate: true },
  { name: 'cyrus310', catenate: true },
  { name: 'dovecot23', catenate: true },
  { name: 'greenmail', catenate: false },
]

const format = mimeFormat()
const folder = 'Formats' as FolderPath
const picture = Buffer.alloc(5000, 'picture')
const report = Buffer.alloc(100_000, 'report')
// NUL, and all kinds of line ends.
const everyByte = Buffer.concat([
  Buffer.from(Array.from({ length: 70_000 }, (_, at) => at % 256)),
  Buffer.from('\n\r\r\n'),
])

for (const { name, catenate } of servers) {
  describeServer(name, (server) => {
    const connect = async (): Promise<MailboxSession> => {
      const running = server()
      const { user, password } = running.user()
      const settings = { host: running.host, port: running.imapPort, security: 'none', user, password } as const
      const session = await imap().connect(settings, { signal: new AbortController().signal, timeoutMs: 20_000 })
      await session.createFolder(folder, 'archive')
      return session
    }

    test('gives a composed draft back to the byte, unfinished addresses and private fields included', async () => {
      const session = await connect()
      const composed = await format.compose(message('<first@example.org>', 'Grüße\n.\nFrom here \n'))
      await store(session, wholly(composed))
      const raw = await only(session)
      expect(raw).toEqual(await bytesOf(composed))
      const { uid } = await newest(session)
      expect(await session.identities([uid])).toMatchObject([
        { messageId: '<first@example.org>', everdraftId: '0190-umid', size: composed.size, draft: true },
      ])
      const parsed = await format.parse(chunks(raw), createSha256)
      expect(parsed).toMatchObject({
        text: 'Grüße\n.\nFrom here \n',
        to: [
          { address: 'ann@', name: '' },
          { address: '', name: 'Bob, the builder' },
          { address: 'cy@example.org', name: 'Çy' },
        ],
      })
      await session.close()
    })

    // oxlint-disable-next-line vitest/no-conditional-tests -- a server without CATENATE has nothing to prove here
    if (catenate) {
      test('takes every attachment of an edited draft from the sections that compose named', async () => {
        const session = await connect()
        await store(session, wholly(await format.compose(message('<first@example.org>', 'first'))))
        const { uid, uidValidity } = await newest(session)
        const edited = await format.compose(message('<second@example.org>', 'edited\n'.repeat(1000)))
        const segments = edited.segments.map((segment): MessageSegment => {
          if (segment.kind === 'bytes') return segment
          return { kind: 'part', folder, uidValidity, uid, section: segment.section, size: segment.encodedSize }
        })
        expect(await store(session, segments)).toMatchObject({ kind: 'stored' })
        await session.markDeleted([uid])
        await session.expungeUids([uid])
        expect(await only(session)).toEqual(await bytesOf(edited))
        await session.close()
      })

      test('keeps attachments that travel without an encoding, and quotes them by the sizes that it says', async () => {
        const session = await connect()
        const draft = message('<binary@example.org>', 'first')
        const odd = fileOf(everyByte)
        const attachments = [
          ...draft.content.attachments,
          { ...odd, filename: 'odd.txt', contentType: 'text/plain', id: 'odd' as never },
          { ...odd, filename: 'odd.bin', id: 'bin' as never },
        ]
        const withOdd = { ...draft, content: { ...draft.content, attachments } }
        const composed = await format.compose({ ...withOdd, binary: true })
        expect(composed.binary).toBe(true)
        const before = session.bytes().sent
        expect(await store(session, wholly(composed), true)).toMatchObject({ kind: 'stored' })
        expect(session.bytes().sent - before).toBeLessThan(composed.size + 1000)
        const { uid, uidValidity } = await newest(session)
        const hashes = attachments.map(({ sha256 }) => sha256 as string)
        expect(await hashesIn(await only(session))).toEqual(hashes)

        const [structure] = await session.structures([uid])
        const leaves = structure === undefined ? [] : leavesOf(structure.body)
        const edited = await format.compose({ ...withOdd, messageId: '<second@example.org>' as MessageId })
        let expectedSize = 0
        const segments = edited.segments.map((segment): MessageSegment => {
          if (segment.kind === 'bytes') {
            expectedSize += segment.bytes.length
            return segment
          }
          const part = leaves.find(({ section }) => section === segment.section)
          // Our header says base64, so nothing else may follow it.
          expect(part).toMatchObject({ encoding: 'base64' })
          expectedSize += part?.size ?? 0
          return { kind: 'part', folder, uidValidity, uid, section: segment.section, size: part?.size ?? 0 }
        })
        expect(await store(session, segments)).toMatchObject({ kind: 'stored' })
        await session.markDeleted([uid])
        await session.expungeUids([uid])
        const raw = await only(session)
        expect(raw).toHaveLength(expectedSize)
        expect(await hashesIn(raw)).toEqual(hashes)
        await session.close()
      })
    }
  })
}

async function hashesIn(raw: Buffer): Promise<readonly string[]> {
  const { attachments } = await format.parse(chunks(raw), createSha256)
  return attachments.map(({ sha256 }) => sha256)
}

function leavesOf(part: BodyPart): readonly BodyPart[] {
  return part.children.length === 0 ? [part] : part.children.flatMap(leavesOf)
}

function message(messageId: string, text: string): MessageToCompose {
  const attached = [
    { ...fileOf(picture), contentType: 'image/png', disposition: 'inline' as const, contentId: 'picture@example.org' },
    { ...fileOf(report), filename: 'Bericht; "Ende" ä.pdf', contentType: 'application/pdf' },
    fileOf(Buffer.alloc(0)),
  ]
  const to = [
    { address: 'ann@', name: '' },
    { address: '', name: 'Bob, the builder' },
    { address: 'cy@example.org', name: 'Çy' },
  ]
  const html = '<p>Grüße <img src="cid:picture@example.org"></p>'
  return {
    content: {
      ...emptyContent,
      from: { address: 'dee@example.org', name: 'Dee' },
      to,
      text,
      html,
      attachments: attached,
    },
    messageId: messageId as MessageId,
    date: 0,
    headers: [{ name: 'X-Everdraft-Id', value: '0190-umid' }],
    includeBcc: true,
  }
}

function fileOf(bytes: Buffer): MessageToCompose['content']['attachments'][number] {
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return {
    id: sha256 as never,
    filename: 'file.bin',
    contentType: 'application/octet-stream',
    size: bytes.length,
    sha256: sha256 as never,
    disposition: 'attachment',
    contentId: null,
  }
}

function wholly(composed: ComposedMessage): readonly MessageSegment[] {
  return composed.segments.map((segment) => {
    if (segment.kind === 'bytes') return segment
    const decoded = [picture, report, everyByte, Buffer.alloc(0)].find(
      (bytes) => fileOf(bytes).sha256 === segment.sha256,
    )
    return {
      kind: 'stream',
      size: segment.encodedSize,
      open: () => segment.encode(chunks(decoded ?? Buffer.alloc(0))),
    }
  })
}

async function bytesOf(composed: ComposedMessage): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for (const segment of wholly(composed)) {
    if (segment.kind === 'bytes') pieces.push(segment.bytes)
    else if (segment.kind === 'stream') for await (const piece of segment.open()) pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

async function store(
  session: MailboxSession,
  segments: readonly MessageSegment[],
  binary = false,
): Promise<StoreOutcome> {
  return session.append({ folder, flags: ['\\Draft', '\\Seen'], internalDate: 0, segments, binary })
}

async function newest(session: MailboxSession): Promise<{ readonly uid: Uid; readonly uidValidity: never }> {
  const state = await session.select(folder)
  return { uid: (await session.uids()).at(-1) as Uid, uidValidity: state?.uidValidity as never }
}

/** The one message that is there. */
async function only(session: MailboxSession): Promise<Buffer> {
  await session.select(folder)
  const uids = await session.uids()
  expect(uids).toHaveLength(1)
  const pieces: Uint8Array[] = []
  for await (const piece of (await session.fetchRaw(uids[0] as Uid)) ?? []) pieces.push(piece)
  return Buffer.concat(pieces)
}

async function* chunks(bytes: Buffer): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += 7777) yield bytes.subarray(at, at + 7777)
}

function createSha256(): { update(bytes: Uint8Array): void; digest(): string } {
  const hash = createHash('sha256')
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('hex') }
}
