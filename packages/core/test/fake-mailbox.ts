import { createHash } from 'node:crypto'

import {
  type Address,
  type CommandOutcome,
  type DraftContent,
  type Folder,
  type FolderPath,
  type FolderState,
  type LoginSettings,
  type MailboxCapabilities,
  type MailboxPort,
  type MailboxSession,
  type MessageFormat,
  type MessageId,
  type MessageIdentity,
  type MessageStructure,
  type ParsedAttachment,
  type ParsedMessage,
  type Refusal,
  type StoreOutcome,
  type StoreRequest,
  type Uid,
  type UidValidity,
  type Umid,
  type WatchOptions,
  WireError,
  type WireErrorCode,
} from '../src/index.ts'

/**
 * A mailbox in memory whose every answer a test may script: no network, no MIME, no time. A message is one line of JSON
 * (what it says) and after it the bytes of its attachments.
 */
export interface FakeMailbox {
  readonly port: MailboxPort
  /** What happens to a command: see `Fault`. The default carries every command out. */
  fault: (command: Command, line: string) => Fault | null
  readonly capabilities: { -readonly [Name in keyof MailboxCapabilities]: MailboxCapabilities[Name] }
  /** Every command that came, in order, with its arguments. */
  readonly commands: readonly string[]
  readonly passwords: readonly string[]
  folder(path: string): FakeFolder
  /** The messages of Drafts that are not marked \Deleted, as they say. */
  drafts(): readonly FakeMessage[]
  /** Connections that are open now. */
  connections(): number
  /** The server pushes: every watch of that folder hears of a change. */
  announce(path: string): void
}

export type Command = 'connect' | 'select' | 'list' | 'read' | 'append' | 'replace' | 'mark' | 'expunge' | 'create'

export type Fault =
  /** The connection ends before the server did it, or after. */
  | { readonly cut: 'before' | 'after'; readonly code?: WireErrorCode }
  | { readonly refuse: string }
  /** Not before this; then it is carried out. */
  | { readonly hold: Promise<void> }
  | { readonly throws: Error }

interface FakeFolder {
  uidValidity: number
  uidNext: number
  readonly messages: Map<number, { bytes: Uint8Array; readonly flags: Set<string> }>
}

interface FakeMessage {
  readonly uid: number
  readonly draftId: string
  readonly messageId: string
  readonly subject: string
  readonly text: string
  readonly attachments: readonly { readonly filename: string; readonly sha256: string }[]
}

interface Said {
  readonly messageId: MessageId
  readonly headers: Readonly<Record<string, string>>
  readonly content: {
    readonly from: Address | null
    readonly to: readonly Address[]
    readonly cc: readonly Address[]
    readonly bcc: readonly Address[]
    readonly subject: string
    readonly inReplyTo: MessageId | null
    readonly references: readonly MessageId[]
    readonly text: string
    readonly html: string | null
  }
  readonly attachments: readonly ParsedAttachment[]
}

const lineEnd = 0x0a

function read(bytes: Uint8Array): { readonly said: Said; readonly parts: readonly Uint8Array[] } {
  const end = bytes.indexOf(lineEnd)
  const said = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end))) as Said
  let position = end + 1
  const parts = said.attachments.map(({ size }) => bytes.subarray(position, (position += size)))
  return { said, parts }
}

/** Sections as IMAP counts them: the text is 1, the attachments are 2, 3, … */
const format: MessageFormat = {
  async compose({ content, messageId, headers }) {
    const said: Said = {
      messageId,
      headers: Object.fromEntries(headers.map(({ name, value }) => [name, value])),
      content: worded(content),
      attachments: content.attachments.map(({ id: _id, ...attachment }, index) => ({
        ...attachment,
        section: String(index + 2),
        encoding: 'binary',
        encodedSize: attachment.size,
      })),
    }
    const bytes = new TextEncoder().encode(`${JSON.stringify(said)}\n`)
    const size = content.attachments.reduce((sum, attachment) => sum + attachment.size, bytes.length)
    return {
      size,
      eightBit: true,
      segments: [
        { kind: 'bytes', bytes },
        ...content.attachments.map((attachment, index) => ({
          kind: 'attachment' as const,
          sha256: attachment.sha256,
          size: attachment.size,
          section: String(index + 2),
          encodedSize: attachment.size,
          encode: (decoded: AsyncIterable<Uint8Array>) => decoded,
        })),
      ],
    }
  },
  async parse(raw): Promise<ParsedMessage> {
    const { said, parts } = read(await collect(raw))
    // Hashed anew: what came back damaged must not look whole.
    const attachments = said.attachments.map((attachment, index) => ({
      ...attachment,
      sha256: sha256(parts[index] ?? new Uint8Array()) as never,
    }))
    return {
      messageId: said.messageId,
      date: null,
      sender: null,
      replyTo: [],
      mailFollowupTo: [],
      listPost: null,
      protection: null,
      unmodelled: null,
      ...said.content,
      attachments,
    }
  },
}

function worded(content: DraftContent): Said['content'] {
  const { from, to, cc, bcc, subject, inReplyTo, references, text, html } = content
  return { from, to, cc, bcc, subject, inReplyTo, references, text, html }
}

export async function collect(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  // A copy: what a Buffer calls a slice is the same memory, which is gone when the next piece is asked for.
  for await (const piece of source) pieces.push(Uint8Array.from(piece))
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let position = 0
  for (const piece of pieces) {
    all.set(piece, position)
    position += piece.length
  }
  return all
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

const deleted = '\\deleted'

export function createFakeMailbox(): FakeMailbox {
  const folders = new Map<string, FakeFolder>([
    ['Drafts', { uidValidity: 1, uidNext: 1, messages: new Map() }],
    ['Sent', { uidValidity: 1, uidNext: 1, messages: new Map() }],
  ])
  const commands: string[] = []
  const passwords: string[] = []
  const open = new Set<object>()
  const watches = new Set<{ readonly paths: readonly string[]; readonly onChange: WatchOptions['onChange'] }>()
  const mailbox: FakeMailbox = {
    port: { format, connect },
    fault: () => null,
    capabilities: {
      uidPlus: true,
      replace: false,
      catenate: false,
      binary: false,
      specialUse: true,
      createSpecialUse: true,
      move: false,
      idle: false,
      condstore: false,
      qresync: false,
      esearch: false,
      notify: false,
      compress: false,
      objectId: false,
      quota: false,
      gmail: false,
      appendLimit: null,
    },
    commands,
    passwords,
    folder(path) {
      const folder = folders.get(path)
      if (folder === undefined) throw new Error(`the fake has no folder ${path}`)
      return folder
    },
    drafts: () =>
      [...(folders.get('Drafts')?.messages ?? [])]
        .filter(([, message]) => !message.flags.has(deleted))
        .map(([uid, { bytes }]) => {
          const { said, parts } = read(bytes)
          return {
            uid,
            draftId: said.headers['X-Everdraft-Id'] ?? '',
            messageId: said.messageId,
            subject: said.content.subject,
            text: said.content.text,
            attachments: said.attachments.map(({ filename }, index) => ({
              filename,
              sha256: sha256(parts[index] ?? new Uint8Array()),
            })),
          }
        }),
    connections: () => open.size,
    announce(path) {
      for (const watch of watches) if (watch.paths.includes(path)) watch.onChange(path as FolderPath)
    },
  }

  async function connect(settings: LoginSettings, { signal }: { readonly signal: AbortSignal }) {
    passwords.push('password' in settings ? settings.password : await settings.auth.accessToken({ renew: false }))
    commands.push('connect')
    const fault = mailbox.fault('connect', settings.host)
    if (fault !== null) await undergo(fault, signal)
    const session = createSession(signal)
    open.add(session.key)
    return session.session
  }

  function createSession(signal: AbortSignal): { readonly session: MailboxSession; readonly key: object } {
    const key = {}
    let selected: FakeFolder | null = null
    let selectedPath = ''
    let dead = false
    let sent = 0
    const died = Promise.withResolvers<never>()
    died.promise.catch(() => {})
    signal.addEventListener('abort', () => died.reject(lost('ABORTED')), { once: true })

    async function command<Result>(name: Command, line: string, act: () => Result | Promise<Result>): Promise<Result> {
      if (dead || signal.aborted) throw lost(signal.aborted ? 'ABORTED' : 'CONNECTION_LOST')
      commands.push(line)
      sent += line.length
      const fault = mailbox.fault(name, line)
      try {
        if (fault !== null) await undergo(fault, signal)
        const result = await act()
        if (fault !== null && 'cut' in fault && fault.cut === 'after') throw lost(fault.code)
        return result
      } catch (error) {
        dead = true
        open.delete(key)
        died.reject(error)
        throw error
      }
    }

    function refusalOf(name: Command, line: string): Refusal | null {
      const fault = mailbox.fault(name, line)
      if (fault === null || !('refuse' in fault)) return null
      return { kind: 'refused', status: 'NO', responseCode: fault.refuse, text: `no: ${fault.refuse}` }
    }

    function here(): FakeFolder {
      if (selected === null) throw new WireError('REFUSED', 'no folder is selected')
      return selected
    }

    function identityOf(uid: number): MessageIdentity {
      const message = here().messages.get(uid)
      if (message === undefined) throw new Error(`no message ${uid}`)
      const { said } = read(message.bytes)
      return {
        uid: uid as Uid,
        messageId: said.messageId,
        everdraftId: (said.headers['X-Everdraft-Id'] ?? null) as Umid | null,
        everdraftBase: (said.headers['X-Everdraft-Base'] ?? null) as MessageId | null,
        everdraftAnswers: said.headers['X-Everdraft-Answers'] ?? null,
        size: message.bytes.length,
        deleted: message.flags.has(deleted),
        draft: message.flags.has('\\draft'),
        answered: message.flags.has('\\answered'),
      }
    }

    const uids = (): readonly Uid[] => [...here().messages.keys()].toSorted((a, b) => a - b) as Uid[]

    async function bytesOf(request: StoreRequest): Promise<Uint8Array> {
      const pieces: Uint8Array[] = []
      for (const segment of request.segments) {
        if (segment.kind === 'bytes') pieces.push(segment.bytes)
        else if (segment.kind === 'stream') {
          const bytes = await collect(segment.open())
          if (bytes.length !== segment.size) throw new Error(`a stream of ${bytes.length} instead of ${segment.size}`)
          pieces.push(bytes)
        } else {
          const source = mailbox.folder(segment.folder).messages.get(segment.uid)
          const part = source === undefined ? undefined : read(source.bytes).parts[Number(segment.section) - 2]
          if (part === undefined) throw new WireError('REFUSED', 'there is no such part')
          pieces.push(part)
          sent -= part.length
        }
      }
      const all = new Uint8Array(await new Blob(pieces.map((piece) => piece.slice())).arrayBuffer())
      sent += all.length
      return all
    }

    async function storeMessage(name: 'append' | 'replace', request: StoreRequest, replaced: number | null) {
      const line = `${name} ${request.folder}${replaced === null ? '' : ` ${replaced}`}`
      return await command(name, line, async (): Promise<StoreOutcome> => {
        const refusal = refusalOf(name, line)
        if (refusal !== null) return refusal
        const folder = mailbox.folder(request.folder)
        const bytes = await bytesOf(request)
        const uid = folder.uidNext
        folder.uidNext += 1
        folder.messages.set(uid, { bytes, flags: new Set(request.flags.map((flag) => flag.toLowerCase())) })
        if (replaced !== null) folder.messages.delete(replaced)
        return { kind: 'stored', uidValidity: folder.uidValidity as UidValidity, uid: uid as Uid }
      })
    }

    async function change(name: 'mark' | 'expunge', line: string, act: () => void): Promise<CommandOutcome> {
      return await command(name, line, (): CommandOutcome => {
        const refusal = refusalOf(name, line)
        if (refusal !== null) return refusal
        act()
        return { kind: 'ok' }
      })
    }

    const session: MailboxSession = {
      capabilities: mailbox.capabilities,
      serverId: null,
      get alive() {
        return !dead && !signal.aborted
      },
      bytes: () => ({ sent, received: 0 }),
      folders: () =>
        command('list', 'list', () =>
          [...folders.keys()].map((path): Folder => ({
            path: path as FolderPath,
            delimiter: '/',
            specialUse: path === 'Drafts' ? 'drafts' : path === 'Sent' ? 'sent' : null,
            selectable: true,
          })),
        ),
      createFolder: (path) =>
        command('create', `create ${path}`, (): CommandOutcome => {
          folders.set(path, { uidValidity: 1, uidNext: 1, messages: new Map() })
          return { kind: 'ok' }
        }),
      select: (path) =>
        command('select', `select ${path}`, (): FolderState | null => {
          selected = folders.get(path) ?? null
          selectedPath = path
          if (selected === null) return null
          return {
            path,
            uidValidity: selected.uidValidity as UidValidity,
            uidNext: selected.uidNext as Uid,
            exists: selected.messages.size,
            highestModseq: null,
          }
        }),
      async changes(path, mark) {
        const folder = await session.select(path)
        if (folder === null) return null
        const from = mark?.uidValidity === folder.uidValidity ? (mark.uidNext ?? 1) : 1
        return {
          kind: 'full',
          folder,
          uids: await session.uids(),
          deleted: await session.deletedUids(),
          changed: null,
          added: await session.identitiesFrom(Math.min(from, folder.uidNext ?? 1) as Uid),
        }
      },
      async watch(paths, { signal: watching, onChange }) {
        if (watching.aborted) return
        const watch = { paths, onChange }
        watches.add(watch)
        const stopped = new Promise<void>((resolve) => {
          watching.addEventListener('abort', () => resolve(), { once: true })
        })
        try {
          await Promise.race([stopped, died.promise])
        } finally {
          watches.delete(watch)
        }
      },
      uids: () => command('read', 'uids', uids),
      uidsSince: () => command('read', 'uids', uids),
      deletedUids: () => command('read', 'deleted', () => uids().filter((uid) => identityOf(uid).deleted)),
      findByMessageId: (messageId) =>
        command('read', `find ${messageId}`, () =>
          uids()
            .map(identityOf)
            .filter((identity) => identity.messageId === messageId),
        ),
      identities: (wanted) =>
        command('read', `identities ${wanted.join(',')}`, () =>
          uids()
            .filter((uid) => wanted.includes(uid))
            .map(identityOf),
        ),
      identitiesFrom: (from) =>
        command('read', `identities ${from}:*`, () =>
          uids()
            .filter((uid) => uid >= from)
            .map(identityOf),
        ),
      details: (wanted) =>
        command('read', `details ${wanted.join(',')}`, () =>
          uids()
            .filter((uid) => wanted.includes(uid))
            .map((uid) => ({
              uid,
              flags: [...(here().messages.get(uid)?.flags ?? [])],
              internalDate: null,
              emailId: null,
              threadId: null,
              gmailMessageId: null,
              gmailLabels: [],
            })),
        ),
      structures: (wanted) =>
        command('read', `structures ${wanted.join(',')}`, () =>
          uids()
            .filter((uid) => wanted.includes(uid))
            .map((uid) => structureOf(uid, here().messages.get(uid)?.bytes ?? new Uint8Array())),
        ),
      headerFields: (wanted) =>
        command('read', `fields ${wanted.join(',')}`, () =>
          uids()
            .filter((uid) => wanted.includes(uid))
            .map((uid) => {
              const bytes = here().messages.get(uid)?.bytes ?? new Uint8Array()
              return { uid, bytes: bytes.subarray(0, bytes.indexOf(lineEnd) + 1) }
            }),
        ),
      fetchHeader: (uid) =>
        command('read', `header ${uid}`, () => {
          const bytes = here().messages.get(uid)?.bytes
          return bytes?.subarray(0, bytes.indexOf(lineEnd) + 1) ?? null
        }),
      async *fetchPart(uid, section, { start = 0, length = Infinity } = {}) {
        yield await command('read', `part ${uid} ${section}`, () => {
          const bytes = here().messages.get(uid)?.bytes
          const part = bytes === undefined ? undefined : read(bytes).parts[Number(section) - 2]
          return part?.subarray(start, start + length) ?? new Uint8Array()
        })
      },
      fetchRaw: (uid) =>
        command('read', `fetch ${uid}`, () => {
          const message = here().messages.get(uid)
          return message === undefined ? null : once(message.bytes)
        }),
      fetchMany: (wanted) =>
        command('read', `fetch ${wanted.join(',')}`, () =>
          uids()
            .filter((uid) => wanted.includes(uid))
            .map((uid) => ({ uid, bytes: here().messages.get(uid)?.bytes ?? new Uint8Array() })),
        ),
      append: (request) => storeMessage('append', request, null),
      replace: (uid, request) => storeMessage('replace', request, uid),
      markDeleted: (wanted) =>
        change('mark', `mark ${selectedPath} ${wanted.join(',')}`, () => {
          for (const uid of wanted) here().messages.get(uid)?.flags.add(deleted)
        }),
      expungeUids: (wanted) =>
        change('expunge', `expunge ${selectedPath} ${wanted.join(',')}`, () => {
          for (const uid of wanted) if (here().messages.get(uid)?.flags.has(deleted)) here().messages.delete(uid)
        }),
      async removeUids(wanted) {
        const marked = await this.markDeleted(wanted)
        if (marked.kind === 'refused') return marked
        const expunged = await this.expungeUids(wanted)
        return expunged.kind === 'ok' ? { kind: 'ok', told: [] } : expunged
      },
      expungeAllDeleted: () =>
        change('expunge', `expunge ${selectedPath}`, () => {
          for (const uid of uids()) if (identityOf(uid).deleted) here().messages.delete(uid)
        }),
      findByGmailMessageId() {
        throw new TypeError('this mailbox has no X-GM-EXT-1')
      },
      moveUids() {
        throw new TypeError('this mailbox has no MOVE')
      },
      partUrls: async () => ({ kind: 'refused', status: 'BAD', responseCode: null, text: 'no GENURLAUTH' }),
      quotaLeft: (path) => command('read', `quota ${path}`, () => null),
      async close() {
        commands.push('logout')
        dead = true
        open.delete(key)
        died.reject(lost())
      },
    }
    return { session, key }
  }

  return mailbox
}

function structureOf(uid: Uid, bytes: Uint8Array): MessageStructure {
  const { said } = read(bytes)
  const part = { parameters: {}, encoding: 'binary', filename: null, contentId: null, children: [] }
  const text = { ...part, section: '1', contentType: 'text/plain', size: said.content.text.length, disposition: null }
  const attachments = said.attachments.map((attachment, index) => ({
    ...part,
    section: String(index + 2),
    contentType: attachment.contentType,
    size: attachment.size,
    disposition: attachment.disposition,
    filename: attachment.filename,
    contentId: attachment.contentId,
  }))
  const body = {
    ...part,
    section: 'TEXT',
    contentType: 'multipart/mixed',
    encoding: null,
    size: null,
    disposition: null,
  }
  return { uid, size: bytes.length, body: { ...body, children: [text, ...attachments] } }
}

/** What a fault does before the command; a refusal is the caller's affair. */
async function undergo(fault: Fault, signal: AbortSignal): Promise<void> {
  if ('hold' in fault) {
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    await Promise.race([fault.hold, aborted])
    if (signal.aborted) throw new WireError('ABORTED', 'the connection was ended')
  }
  if ('throws' in fault) throw fault.throws
  if ('cut' in fault && fault.cut === 'before') throw lost(fault.code)
}

function lost(code: WireErrorCode = 'CONNECTION_LOST'): WireError {
  return new WireError(code, 'the connection to mail.example.org:993 ended')
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes
}
