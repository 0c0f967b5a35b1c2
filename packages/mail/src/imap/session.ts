import {
  WireError,
  type CommandOutcome,
  type Folder,
  type FolderChanges,
  type FolderMark,
  type FolderPath,
  type FolderState,
  type MailboxCapabilities,
  type MailboxSession,
  type MessageDetails,
  type MessageId,
  type MessageIdentity,
  type MessageStructure,
  type PartRange,
  type SpecialUse,
  type StoreOutcome,
  type StoreRequest,
  type Uid,
  type UidValidity,
  type WatchOptions,
  type WireBytes,
} from '@everdraft/core'

import { fetchStructures } from './body-structure.ts'
import type { Completion, ImapConnection } from './connection.ts'
import { fetchDetails } from './details.ts'
import { fetchSection, partItem, pieceBytes } from './fetch-section.ts'
import { createFolder, folderExists, FolderNames, listFolders } from './folders.ts'
import { fetchIdentities } from './identity.ts'
import { notReadToItsEnd, type LiteralStream } from './literal-stream.ts'
import { mustSucceed, outcomeOf } from './outcome.ts'
import { fetchQuotaLeft } from './quota.ts'
import { storeMessage } from './store-message.ts'
import { astring, uidSets } from './syntax.ts'

const logoutWaitMs = 1000

export interface ImapSessionParts {
  readonly connection: ImapConnection
  readonly capabilities: MailboxCapabilities
  readonly listReturnsSpecialUse: boolean
  bytes(): WireBytes
}

/** The mailbox port over one IMAP connection. */
export class ImapSession implements MailboxSession {
  readonly capabilities: MailboxCapabilities
  readonly #connection: ImapConnection
  readonly #listReturnsSpecialUse: boolean
  readonly #bytes: () => WireBytes
  readonly #names = new FolderNames()
  #beingRead: LiteralStream | null = null
  #calls = 0

  constructor(parts: ImapSessionParts) {
    this.capabilities = parts.capabilities
    this.#connection = parts.connection
    this.#listReturnsSpecialUse = parts.listReturnsSpecialUse
    this.#bytes = () => parts.bytes()
  }

  get alive(): boolean {
    return this.#connection.alive
  }

  bytes(): WireBytes {
    return this.#bytes()
  }

  async folders(): Promise<readonly Folder[]> {
    return listFolders(this.#next(), this.#names, this.#folderAbilities)
  }

  async createFolder(path: FolderPath, specialUse: SpecialUse): Promise<CommandOutcome> {
    return createFolder(this.#next(), this.#names.toWire(path), specialUse, this.#folderAbilities)
  }

  async select(path: FolderPath): Promise<FolderState | null> {
    const connection = this.#next()
    const { condstore } = this.capabilities
    const state = new Map<string, string>()
    let exists = 0
    const note = (response: Pick<Completion, 'code' | 'codeArgument'>): void => {
      if (response.code !== null) state.set(response.code, response.codeArgument)
    }
    // A second SELECT of the same folder opens it anew (RFC 3501 §6.3.1), and never expunges, as CLOSE would.
    const command = ['SELECT ', astring(this.#names.toWire(path)), condstore ? ' (CONDSTORE)' : '']
    const completion = await connection.run(command, {
      onUntaggedStatus: note,
      onData: (response) => {
        if (response.keyword === 'EXISTS') exists = response.number ?? 0
      },
    })
    if (completion.status === 'NO') {
      // Servers refuse in many words, so the list decides whether there is such a folder.
      if (completion.code === 'NONEXISTENT' || !(await folderExists(connection, this.#names, path))) return null
    }
    mustSucceed(connection, 'SELECT', completion)
    note(completion)
    const uidValidity = Number(state.get('UIDVALIDITY') ?? 0)
    if (!(uidValidity > 0))
      throw new WireError(
        'REFUSED',
        `${connection.peer} gives the folder no UIDVALIDITY, so its messages have no lasting names`,
      )
    return {
      path,
      uidValidity: uidValidity as UidValidity,
      uidNext: Number(state.get('UIDNEXT') ?? 0) > 0 ? (Number(state.get('UIDNEXT')) as Uid) : null,
      exists,
      highestModseq: condstore ? (state.get('HIGHESTMODSEQ') ?? null) : null,
    }
  }

  async changes(path: FolderPath, mark: FolderMark | null): Promise<FolderChanges | null> {
    const folder = await this.select(path)
    if (folder === null) return null
    const from = mark?.uidValidity === folder.uidValidity ? (mark.uidNext ?? 1) : 1
    return {
      kind: 'full',
      folder,
      uids: await this.uids(),
      deleted: await this.deletedUids(),
      changed: null,
      added: await this.identitiesFrom(Math.min(from, folder.uidNext ?? 1) as Uid),
    }
  }

  async watch(_paths: readonly FolderPath[], { signal }: WatchOptions): Promise<void> {
    if (signal.aborted) return
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  }

  async uids(): Promise<readonly Uid[]> {
    return this.#search('ALL')
  }

  async deletedUids(): Promise<readonly Uid[]> {
    return this.#search('DELETED')
  }

  async findByMessageId(messageId: MessageId): Promise<readonly MessageIdentity[]> {
    const candidates = await this.identities(await this.#search('HEADER Message-ID ', messageId))
    return candidates.filter((candidate) => candidate.messageId === messageId)
  }

  async identities(uids: readonly Uid[]): Promise<readonly MessageIdentity[]> {
    const found: MessageIdentity[] = []
    for (const set of uidSets(uids)) found.push(...(await fetchIdentities(this.#next(), set)))
    return found
  }

  async identitiesFrom(from: Uid): Promise<readonly MessageIdentity[]> {
    const found = await fetchIdentities(this.#next(), `${from}:*`)
    // `n:*` always holds the last message, even where its UID is below n (RFC 3501 §6.4.8).
    return found.filter((identity) => identity.uid >= from)
  }

  async details(uids: readonly Uid[]): Promise<readonly MessageDetails[]> {
    const found: MessageDetails[] = []
    for (const set of uidSets(uids)) found.push(...(await fetchDetails(this.#next(), this.capabilities, set)))
    return found
  }

  async structures(uids: readonly Uid[]): Promise<readonly MessageStructure[]> {
    const found: MessageStructure[] = []
    for (const set of uidSets(uids)) found.push(...(await fetchStructures(this.#next(), set)))
    return found
  }

  async fetchHeader(uid: Uid): Promise<Uint8Array | null> {
    const header = await fetchSection(this.#next(), uid, 'BODY.PEEK[HEADER]')
    if (header === null) return null
    const pieces: Uint8Array[] = []
    for await (const piece of header) pieces.push(piece)
    return Buffer.concat(pieces)
  }

  async *fetchPart(uid: Uid, section: string, range: PartRange = {}): AsyncGenerator<Uint8Array, void, undefined> {
    let at = range.start ?? 0
    const end = at + (range.length ?? Infinity)
    let calls: number | null = null
    while (at < end) {
      if (calls !== null && calls !== this.#calls) throw notReadToItsEnd()
      const asked = Math.min(pieceBytes, end - at)
      const piece = await fetchSection(this.#next(), uid, partItem(section, range, at, asked))
      calls = this.#calls
      this.#beingRead = piece
      if (piece === null) return
      let given = 0
      for await (const bytes of piece) {
        given += bytes.length
        yield bytes
      }
      if (given < asked) return
      at += given
    }
  }

  async fetchRaw(uid: Uid): Promise<AsyncIterable<Uint8Array> | null> {
    const raw = await fetchSection(this.#next(), uid, 'BODY.PEEK[]')
    this.#beingRead = raw
    return raw
  }

  async append(request: StoreRequest): Promise<StoreOutcome> {
    return storeMessage(this.#next(), 'APPEND', this.#names.toWire(request.folder), request)
  }

  async replace(uid: Uid, request: StoreRequest): Promise<StoreOutcome> {
    return storeMessage(this.#next(), `UID REPLACE ${uid}`, this.#names.toWire(request.folder), request)
  }

  async markDeleted(uids: readonly Uid[]): Promise<CommandOutcome> {
    return this.#forEachSet(uids, (set) => `UID STORE ${set} +FLAGS.SILENT (\\Deleted)`)
  }

  async expungeUids(uids: readonly Uid[]): Promise<CommandOutcome> {
    if (!this.capabilities.uidPlus) throw new TypeError('UID EXPUNGE needs UIDPLUS, which this server does not have')
    return this.#forEachSet(uids, (set) => `UID EXPUNGE ${set}`)
  }

  async expungeAllDeleted(): Promise<CommandOutcome> {
    return outcomeOf(await this.#next().run(['EXPUNGE']))
  }

  async quotaLeft(path: FolderPath): Promise<number | null> {
    return this.capabilities.quota ? fetchQuotaLeft(this.#next(), this.#names.toWire(path)) : null
  }

  async close(): Promise<void> {
    await this.#next().logOut(logoutWaitMs)
  }

  get #folderAbilities(): { readonly listReturnsSpecialUse: boolean; readonly createSpecialUse: boolean } {
    return { listReturnsSpecialUse: this.#listReturnsSpecialUse, createSpecialUse: this.capabilities.createSpecialUse }
  }

  /** The connection, free for the next command: a message that nobody read to its end would block it for ever. */
  #next(): ImapConnection {
    this.#beingRead?.abandon()
    this.#beingRead = null
    this.#calls += 1
    return this.#connection
  }

  async #search(criteria: string, text?: string): Promise<readonly Uid[]> {
    const found = new Set<number>()
    const connection = this.#next()
    const completion = await connection.run(
      [`UID SEARCH ${criteria}`, ...(text === undefined ? [] : [astring(text)])],
      {
        onData: (response) => {
          if (response.keyword === 'SEARCH') for (const uid of response.numbers) found.add(uid)
        },
      },
    )
    mustSucceed(connection, 'SEARCH', completion)
    return [...found].toSorted((a, b) => a - b) as Uid[]
  }

  /** Ends at the first refusal. */
  async #forEachSet(uids: readonly Uid[], command: (set: string) => string): Promise<CommandOutcome> {
    for (const set of uidSets(uids)) {
      const outcome = outcomeOf(await this.#next().run([command(set)]))
      if (outcome.kind === 'refused') return outcome
    }
    return { kind: 'ok' }
  }
}
