// These rules are about files of tests. This one helps to make suites out of data.
/* oxlint-disable vitest/expect-expect, vitest/valid-title */
import type {
  ConnectOptions,
  FolderPath,
  MailboxPort,
  MailboxSession,
  MessageSegment,
  ServerSettings,
  StoreOutcome,
  Uid,
  UidValidity,
} from '@everdraft/core'
import { createHash } from 'node:crypto'
import { test } from 'vitest'
import { createProxy, type Proxy } from '../proxy.ts'
import { connectRaw, type RawImap } from '../raw-imap.ts'

/** What a server must turn out to support; the suite asks by these and never by the server's name. */
export interface MailboxExpectations {
  readonly uidPlus: boolean
  readonly replace: boolean
  readonly catenate: boolean
  readonly specialUse: boolean
  readonly condstore: boolean
  readonly qresync: boolean
  readonly esearch: boolean
  readonly binary: boolean
  readonly idle: boolean
  readonly notify: boolean
  readonly compress: boolean
  readonly objectId: boolean
  readonly quota: boolean
  /** BODYSTRUCTURE and the sections of a message are as RFC 3501 has them. */
  readonly soundParts: boolean
}

/** One adapter in front of one server. */
export interface MailboxSubject {
  readonly port: MailboxPort
  /** A user's account on the server, without TLS. The suite makes folders of its own in it. */
  readonly settings: ServerSettings
}

/** What one test gets, all of it gone after the test. */
export interface MailboxFixture {
  readonly settings: ServerSettings
  /** A folder of this test, empty. */
  readonly folder: FolderPath
  readonly session: MailboxSession
  readonly connect: (options?: Partial<ConnectOptions>, settings?: ServerSettings) => Promise<MailboxSession>
  /** A session through a proxy that can cut and counts. */
  readonly connectThroughProxy: (
    settings?: Partial<ServerSettings>,
  ) => Promise<{ readonly session: MailboxSession; readonly proxy: Proxy }>
  /** Another client, logged in, for a second opinion. */
  readonly raw: () => Promise<RawImap>
  readonly close: () => Promise<void>
}

/** A test of what a server can do is one of the suite only where it can; so none shows as skipped. */
export function onlyIf(condition: boolean): (name: string, run: () => Promise<void>) => void {
  return condition ? (name, run) => test(name, run) : () => {}
}

let folders = 0

export async function openFixture({ port, settings }: MailboxSubject): Promise<MailboxFixture> {
  const closers: (() => Promise<void>)[] = []
  const connect: MailboxFixture['connect'] = async (options = {}, to = settings) => {
    const session = await port.connect(to, { signal: new AbortController().signal, timeoutMs: 20_000, ...options })
    closers.push(() => session.close())
    return session
  }
  const session = await connect()
  folders += 1
  const folder = pathOf(`conformance-${Date.now().toString(36)}-${folders}`)
  const created = await session.createFolder(folder, 'archive')
  if (created.kind !== 'ok') throw new Error(`The server makes no folder for the test: ${created.text}`)
  await session.select(folder)
  return {
    settings,
    folder,
    session,
    connect,
    connectThroughProxy: async (changed) => {
      const proxy = await createProxy({ target: { host: settings.host, port: settings.port } })
      closers.push(() => proxy.close())
      return { session: await connect({}, { ...settings, ...changed, port: proxy.port }), proxy }
    },
    raw: async () => {
      const raw = await connectRaw({ host: settings.host, port: settings.port })
      closers.push(async () => raw.close())
      await raw.login(settings)
      return raw
    },
    close: async () => {
      for (const close of closers.toReversed()) await close()
    },
  }
}

export function pathOf(name: string): FolderPath {
  return name as FolderPath
}

export function uidsOf(...uids: readonly number[]): readonly Uid[] {
  return uids as readonly Uid[]
}

/** A small message; `fields` are further lines of its header. */
export function mail(messageId: string, text = 'text', fields: readonly string[] = []): Uint8Array {
  const header = [`Message-ID: ${messageId}`, 'From: ann@example.org', 'Subject: conformance', ...fields]
  return Buffer.from(`${header.join('\r\n')}\r\n\r\n${text}\r\n`)
}

/** A message of two parts, of which the second is an attachment: the bytes before, of and after it. */
export function mailWithAttachment(
  messageId: string,
  text: string,
  attachment: string,
): { readonly before: Uint8Array; readonly attachment: Uint8Array; readonly after: Uint8Array } {
  const header = `Message-ID: ${messageId}\r\nFrom: ann@example.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=cut`
  const second = 'Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64'
  return {
    before: Buffer.from(
      `${header}\r\n\r\n--cut\r\nContent-Type: text/plain\r\n\r\n${text}\r\n--cut\r\n${second}\r\n\r\n`,
    ),
    attachment: Buffer.from(attachment),
    after: Buffer.from('\r\n--cut--\r\n'),
  }
}

export function bytesSegment(bytes: Uint8Array): MessageSegment {
  return { kind: 'bytes', bytes }
}

export function streamSegment(size: number, open: () => AsyncIterable<Uint8Array>): MessageSegment {
  return { kind: 'stream', size, open }
}

/** Lines of base64 that compress no better than base64 does; the same every time. */
export function noise(size: number): string {
  const text: string[] = []
  let hash = Buffer.alloc(0)
  for (let length = 0; length < size; length += 78) {
    hash = createHash('sha512').update(hash).digest()
    text.push(`${hash.toString('base64').slice(0, 76)}\r\n`)
  }
  return text.join('').slice(0, size)
}

/** `size` bytes of base64-like lines in chunks of 57 KiB or so; `onChunk` hears before each how many were given. */
export function lines(size: number, onChunk: (given: number) => void = () => {}): AsyncIterable<Uint8Array> {
  // Longer than what a compressor looks back at.
  const block = Buffer.from(noise(78 * 750))
  return (async function* () {
    for (let given = 0; given < size; given += block.length) {
      onChunk(given)
      yield block.subarray(0, size - given)
    }
  })()
}

export async function append(
  session: MailboxSession,
  folder: FolderPath,
  ...segments: readonly (Uint8Array | MessageSegment)[]
): Promise<StoreOutcome> {
  return session.append({
    folder,
    flags: ['\\Draft', '\\Seen'],
    internalDate: Date.UTC(2024, 1, 3, 4, 5, 6),
    segments: segments.map((segment) => (segment instanceof Uint8Array ? bytesSegment(segment) : segment)),
  })
}

export async function readAll(stream: AsyncIterable<Uint8Array> | null): Promise<Buffer> {
  if (stream === null) throw new Error('There is no such message')
  const pieces: Uint8Array[] = []
  for await (const piece of stream) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** The state of a folder that must be there. */
export async function selected(
  session: MailboxSession,
  folder: FolderPath,
): Promise<{ readonly uidValidity: UidValidity; readonly exists: number; readonly uidNext: Uid | null }> {
  const state = await session.select(folder)
  if (state === null) throw new Error(`There is no folder ${folder}`)
  return state
}
