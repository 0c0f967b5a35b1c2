import { readdirSync, readFileSync } from 'node:fs'

import type { ComposedMessage, FolderPath, MailboxSession, MessageId, MessageSegment, Uid } from '@everdraft/core'
import { imap, mimeFormat } from '@everdraft/mail'
import { describeServer, type ServerName } from '@everdraft/testkit'
import { expect, test } from 'vitest'

import { inChunks, message } from '../../packages/mail/test/messages.ts'
import { readMessage, type ReadMessage } from '../../packages/mail/test/read-and-save.ts'

const corpus = new URL('../../packages/mail/test/corpus/', import.meta.url)
const folder = 'Corpus' as FolderPath
const format = mimeFormat()

/** By server: what it has no section for, and so cannot be quoted there. Such an upload is sent once more, whole. */
const servers: Partial<Record<ServerName, readonly string[]>> = {
  dovecot24: [],
  // A multipart without a boundary has no text for Cyrus.
  cyrus310: ['missing-boundary.eml'],
}

for (const [name, unquotable] of Object.entries(servers)) {
  describeServer(name as ServerName, (server) => {
    test('H12 keeps every foreign message that we save again to the byte, whole or quoted by its sections', async () => {
      const running = server()
      const { user, password } = running.user()
      const settings = { host: running.host, port: running.imapPort, security: 'none', user, password } as const
      const session = await imap().connect(settings, { signal: new AbortController().signal, timeoutMs: 20_000 })
      await session.createFolder(folder, 'archive')
      for (const file of readdirSync(corpus)) {
        const read = await readMessage(readFileSync(new URL(file, corpus)))
        const first = wholly(await composed(read, '<first@example.org>'), read)
        const uid = await store(session, first)
        expect(await fetched(session, uid), file).toEqual(await bytesOf(first))
        if (unquotable.includes(file)) continue
        const again = await composed(read, '<again@example.org>')
        const quoting = await quoted(session, again, uid)
        if (!quoting.some(({ kind }) => kind === 'part')) continue
        expect(await fetched(session, await store(session, quoting)), file).toEqual(await bytesOf(wholly(again, read)))
      }
      await session.close()
    })
  })
}

async function composed({ content, parsed, files }: ReadMessage, messageId: string): Promise<ComposedMessage> {
  const { unmodelled } = parsed
  const open = ({ sha256 }: { readonly sha256: string }): AsyncIterable<Uint8Array> =>
    inChunks(files.get(sha256) ?? Buffer.alloc(0), 1000)
  return format.compose(message({ content: { ...content, unmodelled }, open, messageId: messageId as MessageId }))
}

function wholly({ segments }: ComposedMessage, { files }: ReadMessage): readonly MessageSegment[] {
  return segments.map((segment) => {
    if (segment.kind === 'bytes') return segment
    const bytes = files.get(segment.sha256) ?? Buffer.alloc(0)
    return { kind: 'stream', size: segment.encodedSize, open: () => segment.encode(inChunks(bytes, 1000)) }
  })
}

async function quoted(
  session: MailboxSession,
  { segments }: ComposedMessage,
  uid: Uid,
): Promise<readonly MessageSegment[]> {
  const state = await session.select(folder)
  return segments.flatMap((segment): readonly MessageSegment[] => {
    if (segment.kind === 'bytes') return [segment]
    if (state === null || segment.encodedSize === 0) return []
    const { section, encodedSize: size } = segment
    return [{ kind: 'part', folder, uidValidity: state.uidValidity, uid, section, size }]
  })
}

async function store(session: MailboxSession, segments: readonly MessageSegment[]): Promise<Uid> {
  expect(await session.append({ folder, flags: [], internalDate: 0, segments })).toMatchObject({ kind: 'stored' })
  await session.select(folder)
  return (await session.uids()).at(-1) as Uid
}

async function fetched(session: MailboxSession, uid: Uid): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of (await session.fetchRaw(uid)) ?? []) pieces.push(piece)
  return Buffer.concat(pieces)
}

async function bytesOf(segments: readonly MessageSegment[]): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for (const segment of segments) {
    if (segment.kind === 'bytes') pieces.push(segment.bytes)
    else if (segment.kind === 'stream') for await (const piece of segment.open()) pieces.push(piece)
  }
  return Buffer.concat(pieces)
}
