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
  type MessageFields,
  type MessageId,
  type MessageIdentity,
  type MessageStructure,
  type MoveOutcome,
  type PartRange,
  type PartUrls,
  type PartUrlsRequest,
  type RawMessage,
  type RemoveOutcome,
  type SpecialUse,
  type StoreOutcome,
  type StoreRequest,
  type Uid,
  type UidValidity,
  type WatchOptions,
  type WireBytes,
} from '@everdraft/core'

import { fetchStructures } from './body-structure.ts'
import { readChanges } from './changes.ts'
import type { ImapConnection } from './connection.ts'
import { fetchDetails } from './details.ts'
import { fetchSection, partItem, pieceBytes } from './fetch-section.ts'
import { createFolder, FolderNames, listFolders } from './folders.ts'
import { fetchIdentities } from './identity.ts'
import { notReadToItsEnd, type LiteralStream } from './literal-stream.ts'
import { fetchMessageFields } from './message-fields.ts'
import { moveMessages } from './move.ts'
import { mustSucceed, outcomeOf } from './outcome.ts'
import { OwnDoing } from './own-doing.ts'
import { fetchQuotaLeft } from './quota.ts'
import { fetchRawMessages } from './raw-messages.ts'
import { removeMessages } from './remove.ts'
import { searchAll, SearchReading, since } from './search.ts'
import { selectCommand, SelectReading } from './select-folder.ts'
import { storeMessage } from './store-message.ts'
import { astring, uidSets } from './syntax.ts'
import { generateUrls } from './url-auth.ts'
import { watchFolders, type Watched } from './watch.ts'

const logoutWaitMs = 1000

export interface ImapSessionParts {
  readonly connection: ImapConnection
  /** Who is logged in. */
  readonly user: string
  readonly capabilities: MailboxCapabilities
  readonly serverId: string | null
  readonly listReturnsSpecialUse: boolean
  /** Compress before a message goes over the line. */
  readonly compresses: boolean
  bytes(): WireBytes
}

type Mode = 'read-only' | 'read-write'

interface Opened {
  readonly path: FolderPath
  readonly mode: Mode
  readonly uidValidity: UidValidity
}

/** The mailbox port over one IMAP connection. */
export class ImapSession implements MailboxSession {
  readonly capabilities: MailboxCapabilities
  readonly serverId: string | null
  readonly #connection: ImapConnection
  readonly #user: string
  readonly #listReturnsSpecialUse: boolean
  readonly #bytes: () => WireBytes
  readonly #names = new FolderNames()
  #turn: Promise<unknown> = Promise.resolve()
  #beingRead: LiteralStream | null = null
  #calls = 0
  /** That run, or wait for their turn. */
  #calling = 0
  #lastCallAt = 0
  /** What the caller has selected, and what is selected on the wire: a watch may select another folder meanwhile. */
  #selected: Opened | null = null
  #open: Opened | null = null
  readonly #own = new OwnDoing()
  #enablesQresync: boolean
  /** From the first SELECT on that said so (RFC 7162 §3.1). */
  #hasEnabledCondstore = false
  #compresses: boolean

  constructor(parts: ImapSessionParts) {
    this.capabilities = parts.capabilities
    this.serverId = parts.serverId
    this.#connection = parts.connection
    this.#user = parts.user
    this.#listReturnsSpecialUse = parts.listReturnsSpecialUse
    this.#bytes = () => parts.bytes()
    this.#enablesQresync = parts.capabilities.qresync
    this.#compresses = parts.compresses
  }

  get alive(): boolean {
    return this.#connection.alive
  }

  bytes(): WireBytes {
    return this.#bytes()
  }

  async folders(): Promise<readonly Folder[]> {
    return this.#use(async (connection) => listFolders(connection, this.#names, this.#folderAbilities))
  }

  async createFolder(path: FolderPath, specialUse: SpecialUse): Promise<CommandOutcome> {
    return this.#use(async (connection) =>
      createFolder(connection, this.#names.toWire(path), specialUse, this.#folderAbilities),
    )
  }

  async select(path: FolderPath, mode: Mode = 'read-write'): Promise<FolderState | null> {
    return this.#use(async () => {
      const folder = await this.#openFolder(path, mode)
      this.#selected = this.#open
      return folder
    })
  }

  async changes(path: FolderPath, mark: FolderMark | null): Promise<FolderChanges | null> {
    return this.#use(async (connection) => {
      const { capabilities } = this
      this.#open = null
      this.#selected = null
      const parts = { connection, names: this.#names, capabilities, enablesQresync: this.#enablesQresync }
      const changes = await readChanges(parts, path, mark)
      this.#enablesQresync = false
      this.#open = changes && { path, mode: 'read-write', uidValidity: changes.folder.uidValidity }
      if (changes) this.#hasEnabledCondstore = true
      this.#selected = this.#open
      this.#own.looked(path, changes?.folder ?? null)
      return changes
    })
  }

  async watch(paths: readonly FolderPath[], options: WatchOptions): Promise<void> {
    const open = (): FolderPath | null => this.#open?.path ?? null
    const watched: Watched = {
      connection: this.#connection,
      names: this.#names,
      capabilities: this.capabilities,
      own: this.#own,
      get open() {
        return open()
      },
      openToWatch: async (path) => (await this.#openFolder(path, 'read-write')) !== null,
      exclusively: async (work) => this.#exclusively(work),
      idleMs: () => (this.#calling > 0 ? 0 : Date.now() - this.#lastCallAt),
    }
    await watchFolders(watched, paths, options)
  }

  async uids(): Promise<readonly Uid[]> {
    return this.#useSelected(async (connection) => this.#search(connection, 'ALL'))
  }

  async uidsSince(at: number): Promise<readonly Uid[]> {
    return this.#useSelected(async (connection) => this.#search(connection, since(at)))
  }

  async deletedUids(): Promise<readonly Uid[]> {
    return this.#useSelected(async (connection) => this.#search(connection, 'DELETED'))
  }

  async findByMessageId(messageId: MessageId): Promise<readonly MessageIdentity[]> {
    return this.#useSelected(async (connection) => {
      const found = await this.#search(connection, 'HEADER Message-ID ', messageId)
      const candidates = await forEachSet(found, (set) => fetchIdentities(connection, set))
      return candidates.filter((candidate) => candidate.messageId === messageId)
    })
  }

  async findByGmailMessageId(gmailMessageId: string): Promise<readonly Uid[]> {
    if (!this.capabilities.gmail) throw new TypeError('X-GM-MSGID needs X-GM-EXT-1, which this server does not have')
    if (!/^\d{1,20}$/.test(gmailMessageId)) throw new TypeError('an X-GM-MSGID is a number of at most 20 digits')
    return this.#useSelected(async (connection) => this.#search(connection, `X-GM-MSGID ${gmailMessageId}`))
  }

  async identities(uids: readonly Uid[], brief?: 'brief'): Promise<readonly MessageIdentity[]> {
    return this.#useSelected(async (connection) => forEachSet(uids, (set) => fetchIdentities(connection, set, brief)))
  }

  async identitiesFrom(from: Uid): Promise<readonly MessageIdentity[]> {
    const found = await this.#useSelected(async (connection) => fetchIdentities(connection, `${from}:*`))
    // `n:*` always holds the last message, even where its UID is below n (RFC 3501 §6.4.8).
    return found.filter((identity) => identity.uid >= from)
  }

  async details(uids: readonly Uid[]): Promise<readonly MessageDetails[]> {
    return this.#useSelected(async (connection) =>
      forEachSet(uids, (set) => fetchDetails(connection, this.capabilities, set)),
    )
  }

  async structures(uids: readonly Uid[]): Promise<readonly MessageStructure[]> {
    return this.#useSelected(async (connection) => forEachSet(uids, (set) => fetchStructures(connection, set)))
  }

  async headerFields(uids: readonly Uid[], names: readonly string[]): Promise<readonly MessageFields[]> {
    return this.#useSelected(async (connection) =>
      forEachSet(uids, (set) => fetchMessageFields(connection, set, names)),
    )
  }

  async fetchHeader(uid: Uid): Promise<Uint8Array | null> {
    return this.#useSelected(async (connection) => {
      const header = await fetchSection(connection, uid, 'BODY.PEEK[HEADER]')
      if (header === null) return null
      const pieces: Uint8Array[] = []
      for await (const piece of header) pieces.push(piece)
      return Buffer.concat(pieces)
    })
  }

  async *fetchPart(uid: Uid, section: string, range: PartRange = {}): AsyncGenerator<Uint8Array, void, undefined> {
    let at = range.start ?? 0
    const end = at + (range.length ?? Infinity)
    let call: number | null = null
    while (at < end) {
      if (call !== null && call !== this.#calls) throw notReadToItsEnd()
      const asked = Math.min(pieceBytes, end - at)
      const piece = await this.#read(uid, partItem(section, range, at, asked))
      call = this.#calls
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
    return this.#read(uid, 'BODY.PEEK[]')
  }

  async fetchMany(uids: readonly Uid[]): Promise<readonly RawMessage[]> {
    return this.#useSelected(async (connection) => {
      await this.#compress()
      return forEachSet(uids, (set) => fetchRawMessages(connection, set))
    })
  }

  async partUrls(request: PartUrlsRequest): Promise<PartUrls> {
    return this.#use(async (connection) => generateUrls(connection, this.#user, request))
  }

  async append(request: StoreRequest): Promise<StoreOutcome> {
    return this.#use(async (connection) => {
      await this.#compress()
      const outcome = await storeMessage(connection, 'APPEND', this.#names.toWire(request.folder), request)
      this.#own.did(outcome.kind === 'stored' ? { stored: { ...outcome, path: request.folder } } : {})
      return outcome
    })
  }

  async replace(uid: Uid, request: StoreRequest): Promise<StoreOutcome> {
    return this.#useSelected(async (connection) => {
      await this.#compress()
      const command = `UID REPLACE ${uid}`
      const outcome = await storeMessage(connection, command, this.#names.toWire(request.folder), request)
      this.#own.did(outcome.kind === 'stored' ? { stored: { ...outcome, path: request.folder }, removed: 1 } : {})
      return outcome
    })
  }

  async markDeleted(uids: readonly Uid[]): Promise<CommandOutcome> {
    return this.#change(uids, (set) => `UID STORE ${set} +FLAGS.SILENT (\\Deleted)`)
  }

  async expungeUids(uids: readonly Uid[]): Promise<CommandOutcome> {
    if (!this.capabilities.uidPlus) throw new TypeError('UID EXPUNGE needs UIDPLUS, which this server does not have')
    return this.#change(uids, (set) => `UID EXPUNGE ${set}`)
  }

  async removeUids(uids: readonly Uid[]): Promise<RemoveOutcome> {
    if (!this.capabilities.uidPlus) throw new TypeError('UID EXPUNGE needs UIDPLUS, which this server does not have')
    return this.#useSelected(async (connection) => {
      const outcome = await removeMessages(connection, uids)
      this.#own.did({ removed: outcome.kind === 'ok' ? outcome.told.length : 0 })
      return outcome
    })
  }

  async expungeAllDeleted(): Promise<CommandOutcome> {
    return this.#useSelected(async (connection) => {
      const outcome = outcomeOf(await connection.run(['EXPUNGE']))
      this.#own.did({ removed: null })
      return outcome
    })
  }

  async moveUids(uids: readonly Uid[], to: FolderPath): Promise<MoveOutcome> {
    if (!this.capabilities.move) throw new TypeError('UID MOVE needs MOVE, which this server does not have')
    return this.#useSelected(async (connection) => moveMessages(connection, uids, this.#names.toWire(to)))
  }

  async quotaLeft(path: FolderPath): Promise<number | null> {
    if (!this.capabilities.quota) return null
    return this.#use(async (connection) => fetchQuotaLeft(connection, this.#names.toWire(path)))
  }

  async close(): Promise<void> {
    this.#beingRead?.abandon()
    await this.#connection.logOut(logoutWaitMs)
  }

  get #folderAbilities(): { readonly listReturnsSpecialUse: boolean; readonly createSpecialUse: boolean } {
    return { listReturnsSpecialUse: this.#listReturnsSpecialUse, createSpecialUse: this.capabilities.createSpecialUse }
  }

  /** One call after another, each with all its commands. */
  async #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#turn
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#turn = promise
    try {
      await before
      return await work()
    } finally {
      resolve()
    }
  }

  async #use<T>(work: (connection: ImapConnection) => Promise<T>): Promise<T> {
    this.#calling += 1
    try {
      return await this.#exclusively(async () => {
        // A message that nobody read to its end would block the connection for ever.
        this.#beingRead?.abandon()
        this.#beingRead = null
        this.#calls += 1
        return await work(this.#connection)
      })
    } finally {
      this.#calling -= 1
      this.#lastCallAt = Date.now()
    }
  }

  /** With the folder that the caller has selected. */
  async #useSelected<T>(work: (connection: ImapConnection) => Promise<T>): Promise<T> {
    return this.#use(async (connection) => {
      const selected = this.#selected
      if (selected !== null && this.#open?.path !== selected.path) {
        const folder = await this.#openFolder(selected.path, selected.mode)
        if (folder?.uidValidity !== selected.uidValidity) {
          // The UIDs that the caller knows mean nothing there any more (hazard 10).
          throw new WireError('REFUSED', `The selected folder at ${connection.peer} is not the one it was`)
        }
      }
      return work(connection)
    })
  }

  async #openFolder(path: FolderPath, mode: Mode): Promise<FolderState | null> {
    const reading = new SelectReading()
    // RFC 3501 §6.3.1: after a SELECT that failed no folder is selected.
    this.#open = null
    const enables = this.capabilities.condstore && !this.#hasEnabledCondstore
    const verb = mode === 'read-only' ? 'EXAMINE' : 'SELECT'
    const command = selectCommand(this.#names, path, enables ? 'CONDSTORE' : null, verb)
    const completion = await this.#connection.run(command, reading)
    const folder = await reading.state(this.#connection, this.#names, path, completion)
    this.#open = folder && { path, mode, uidValidity: folder.uidValidity }
    if (folder) this.#hasEnabledCondstore = true
    if (folder) this.#own.selected(folder)
    return folder
  }

  /** What is read goes on after the call, until it is read or the next call begins. */
  async #read(uid: Uid, item: string): Promise<LiteralStream | null> {
    return this.#useSelected(async (connection) => {
      await this.#compress()
      this.#beingRead = await fetchSection(connection, uid, item)
      return this.#beingRead
    })
  }

  /** Before the first message only: most sessions of idle accounts carry none, and compressing costs memory. */
  async #compress(): Promise<void> {
    if (!this.#compresses) return
    this.#compresses = false
    await this.#connection.compress()
  }

  async #search(connection: ImapConnection, criteria: string, text?: string): Promise<readonly Uid[]> {
    const reading = new SearchReading()
    // What is found by other criteria is little, and shorter to ask for without RETURN.
    const esearch = this.capabilities.esearch && criteria === 'ALL'
    const command = [searchAll({ esearch }, criteria), ...(text === undefined ? [] : [astring(text)])]
    mustSucceed(connection, 'SEARCH', await connection.run(command, reading))
    return reading.uids()
  }

  /** Ends at the first refusal. */
  async #change(uids: readonly Uid[], command: (set: string) => string): Promise<CommandOutcome> {
    return this.#useSelected(async (connection) => {
      for (const set of uidSets(uids)) {
        const outcome = outcomeOf(await connection.run([command(set)]))
        this.#own.did({ removed: null })
        if (outcome.kind === 'refused') return outcome
      }
      return { kind: 'ok' }
    })
  }
}

async function forEachSet<Row>(
  uids: readonly Uid[],
  fetch: (set: string) => Promise<readonly Row[]>,
): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const set of uidSets(uids)) rows.push(...(await fetch(set)))
  return rows
}
