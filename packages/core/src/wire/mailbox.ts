import type { FolderPath, MessageId, Uid, UidValidity, Umid } from '../ids.ts'
import type { BodyPart } from './body-structure.ts'
import type { BounceReader } from './bounce.ts'
import type { MessageFormat } from './message-format.ts'
import type { UidSet } from './uid-set.ts'

/** How to reach a server. No secret in it leaves the adapter again. */
export interface ServerAddress {
  /** A name, also an internationalised one (RFC 5890), or an IP address. */
  readonly host: string
  readonly port: number
  /** `tls` from the first byte, `starttls` required before AUTH, or `none` (loopback and tests). */
  readonly security: 'tls' | 'starttls' | 'none'
  readonly user: string
  /** Accept a certificate that the platform does not trust. Default false. */
  readonly allowUntrusted?: boolean
  /** `socks5://[user:password@]host:port` (RFC 1928; the proxy looks the host up) or `http://…` (CONNECT). Default: none. */
  readonly proxy?: string
  /** COMPRESS=DEFLATE (RFC 4978) where the server has it. Default true. */
  readonly compress?: boolean
}

/** Login by a password. */
export interface ServerSettings extends ServerAddress {
  readonly password: string
}

/** Login by an access token: OAUTHBEARER (RFC 7628), or XOAUTH2 where the server knows only that. */
export interface OAuth2Settings extends ServerAddress {
  readonly auth: {
    readonly type: 'oauth2'
    /** Asked at each login; once more with `renew` where the server refuses what it gave: then a cached one is of no use. */
    accessToken(options: { readonly renew: boolean }): Promise<string>
  }
}

export type LoginSettings = ServerSettings | OAuth2Settings

/**
 * A mailbox on a server, as the engine needs it (IMAP4rev1, RFC 3501, and extensions as data).
 *
 * The port hides a library's traps and no decision: which copy to remove is the planners' affair.
 */
export interface MailboxPort {
  /** How drafts become messages of this mailbox and back. */
  readonly format: MessageFormat
  /** How it reads reports of mail that came back. Without it nobody looks for any. */
  readonly bounces?: BounceReader
  /**
   * Opens an authenticated session.
   * @throws {WireError} UNREACHABLE, TIMEOUT, CERTIFICATE, AUTH_FAILED, REFUSED
   */
  connect(settings: LoginSettings, options: ConnectOptions): Promise<MailboxSession>
}

export interface ConnectOptions {
  /** Ends the connecting, and the session after it, at once. */
  readonly signal: AbortSignal
  /** Silence after which a command counts as lost. */
  readonly timeoutMs: number
}

/** What the server can do; capabilities are data, servers are never recognised by name. */
export interface MailboxCapabilities {
  /** RFC 4315: APPENDUID and UID EXPUNGE. */
  readonly uidPlus: boolean
  /** RFC 8508. */
  readonly replace: boolean
  /** RFC 4469. */
  readonly catenate: boolean
  /** RFC 3516. */
  readonly binary: boolean
  /** RFC 6154. */
  readonly specialUse: boolean
  readonly createSpecialUse: boolean
  /** RFC 6851. */
  readonly move: boolean
  /** RFC 2177. */
  readonly idle: boolean
  /** RFC 7162. */
  readonly condstore: boolean
  readonly qresync: boolean
  /** RFC 4731. */
  readonly esearch: boolean
  /** RFC 5465. */
  readonly notify: boolean
  /** RFC 4978. */
  readonly compress: boolean
  /** RFC 8474. */
  readonly objectId: boolean
  /** RFC 9208. */
  readonly quota: boolean
  /** X-GM-EXT-1: labels instead of folders, and an EXPUNGE that archives. */
  readonly gmail: boolean
  /** RFC 7889: the largest message in bytes that APPEND takes; null where the server does not say or says no limit. */
  readonly appendLimit: number | null
}

export type SpecialUse = 'inbox' | 'drafts' | 'sent' | 'trash' | 'junk' | 'archive' | 'all' | 'flagged'

export interface Folder {
  readonly path: FolderPath
  readonly delimiter: string | null
  /** By attribute (any letter case), RFC 6154; `inbox` by name. Null where the server gives none. */
  readonly specialUse: SpecialUse | null
  readonly selectable: boolean
}

export interface FolderState {
  readonly path: FolderPath
  readonly uidValidity: UidValidity
  /** RFC 3501 §2.3.1.1. Null where the server does not say. */
  readonly uidNext: Uid | null
  readonly exists: number
  /** RFC 7162, decimal; null without CONDSTORE. */
  readonly highestModseq: string | null
}

/** What says which draft a message is a copy of, without its content. */
export interface MessageIdentity {
  readonly uid: Uid
  /** As the server gives it back; null where the header is missing. */
  readonly messageId: MessageId | null
  /** `X-Everdraft-Id` and `X-Everdraft-Base`. */
  readonly everdraftId: Umid | null
  readonly everdraftBase: MessageId | null
  /** `X-Everdraft-Answers`, as it stands there. */
  readonly everdraftAnswers: string | null
  /** RFC822.SIZE. */
  readonly size: number
  readonly deleted: boolean
  readonly draft: boolean
  /** Somebody has answered it, as the program says that did so. */
  readonly answered: boolean
}

/** What the server knows of a message beyond its identity. */
export interface MessageDetails {
  readonly uid: Uid
  /** As the server shows them: `\Draft`, `$Forwarded`. */
  readonly flags: readonly string[]
  /** Milliseconds; INTERNALDATE. */
  readonly internalDate: number | null
  /**
   * RFC 8474, with `objectId`: of the content and of the conversation; with `gmail` the latter is X-GM-THRID. EMAILID is the same
   * for equal contents.
   */
  readonly emailId: string | null
  readonly threadId: string | null
  /** X-GM-MSGID and X-GM-LABELS, with `gmail`. */
  readonly gmailMessageId: string | null
  readonly gmailLabels: readonly string[]
}

/** A message's tree of parts, without a byte of them. */
export interface MessageStructure {
  readonly uid: Uid
  /** RFC822.SIZE. */
  readonly size: number
  readonly body: BodyPart
}

/** Some fields of a message's header, as they lie there. */
export interface MessageFields {
  readonly uid: Uid
  readonly bytes: Uint8Array
}

/** A message as it lies on the server (BODY.PEEK[]). */
export interface RawMessage {
  readonly uid: Uid
  readonly bytes: Uint8Array
}

/** What a folder was like when it was last looked at: the `folder` of an earlier `changes`, or a stored copy of it. */
export type FolderMark = Pick<FolderState, 'uidValidity' | 'uidNext' | 'highestModseq'>

export interface FlagChange {
  readonly uid: Uid
  /** In lower case: `\draft`, `\deleted`, `$forwarded`. */
  readonly flags: readonly string[]
}

/**
 * What happened to a folder since a mark. A `delta` says what has changed; `full` says what there is, and the caller
 * compares. It is always `full` where the mark says nothing about the folder of today: no mark, another UIDVALIDITY, or a
 * UIDNEXT or HIGHESTMODSEQ that went back (a server restored from a backup).
 */
export type FolderChanges = FolderDelta | FolderContents

export interface FolderDelta {
  readonly kind: 'delta'
  readonly folder: FolderState
  /** VANISHED (RFC 7162 §3.2.10): may hold UIDs that never existed, in ranges of any length. */
  readonly vanished: UidSet
  /** Messages that were there before, with the flags that they have now. */
  readonly changed: readonly FlagChange[]
  /** All with a UID ≥ the mark's UIDNEXT, ascending. */
  readonly added: readonly MessageIdentity[]
}

export interface FolderContents {
  readonly kind: 'full'
  readonly folder: FolderState
  /** All, ascending. */
  readonly uids: readonly Uid[]
  /** Of `uids` those that carry `\Deleted`. */
  readonly deleted: readonly Uid[]
  /** CHANGEDSINCE (RFC 7162 §3.1.4.1) the mark; null where that cannot be known. */
  readonly changed: readonly FlagChange[] | null
  /** All with a UID ≥ the mark's UIDNEXT, ascending; all messages where the mark says nothing about the folder. */
  readonly added: readonly MessageIdentity[]
}

export interface WatchOptions {
  /** Ends the watching; the session lives on. */
  readonly signal: AbortSignal
  /**
   * A folder is not what it was, or may not be; changes that this session makes may be told, too. Look by `changes`. It is
   * called between commands, and must not wait for one.
   */
  readonly onChange: (path: FolderPath) => void
  /**
   * The first path is to be heard of as soon as can be: by IDLE where there is one, and the others by asking every `pollMs`, as
   * nobody waits for them. Default false.
   */
  readonly firstOfAll?: boolean
  /** How long an IDLE lasts before it is issued again (RFC 2177 §3: less than 29 min), in milliseconds. Default 28 min. */
  readonly renewMs?: number
  /** How often to ask, in milliseconds, where the server does not push. Default 5 min. */
  readonly pollMs?: number
}

/** Bounds in bytes, of what `fetchPart` gives. */
export interface PartRange {
  /** Default 0. */
  readonly start?: number
  /** Default: to the end. */
  readonly length?: number
  /** Without its transfer encoding (RFC 3516 §4.3): needs `binary`, and the server must know the encoding. Default false. */
  readonly decoded?: boolean
}

/** A piece of a message to be stored, in order. */
export type MessageSegment =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /**
   * Exactly `size` bytes; opened when its turn on the wire comes, so that it is never whole in memory. A piece counts until
   * the next is asked for: its memory may be gone then.
   */
  | { readonly kind: 'stream'; readonly size: number; open(): AsyncIterable<Uint8Array> }
  /** A body part that lies on the server: sent as a URL by CATENATE (RFC 4469 §3). `size` is what it should add. */
  | {
      readonly kind: 'part'
      readonly folder: FolderPath
      readonly uidValidity: UidValidity
      readonly uid: Uid
      readonly section: string
      readonly size: number
    }

/** Parts of one message, for a server that takes mail to fetch by itself. */
export interface PartUrlsRequest {
  readonly folder: FolderPath
  readonly uidValidity: UidValidity
  readonly uid: Uid
  readonly sections: readonly string[]
  /** What the server that takes mail calls this mailbox's server: `host` or `host:port`. */
  readonly server: string
  /** The user there: nobody else can use the URLs. */
  readonly submitter: string
  /** Milliseconds; from then on they are of no use. */
  readonly expiresAt: number
}

export type PartUrls =
  /** In the order of the sections; each is as good as a password for its part. */
  { readonly kind: 'urls'; readonly urls: readonly string[] } | Refusal

export interface StoreRequest {
  readonly folder: FolderPath
  readonly segments: readonly MessageSegment[]
  /** `\Draft`, `\Seen`, … */
  readonly flags: readonly string[]
  /** Milliseconds. Default: the server's own clock. */
  readonly internalDate?: number
  /**
   * Some part has `Content-Transfer-Encoding: binary`: it travels as literal8 (RFC 3516 §4.4) and needs `binary`. The
   * server may store it in another encoding: sizes and sections are to be read back by `structures`. Default false.
   */
  readonly binary?: boolean
}

/**
 * What a server answered to a command that changes something. A connection that ends before the tagged answer throws
 * `CONNECTION_LOST` or `TIMEOUT` instead: the command may or may not have been carried out.
 */
export type CommandOutcome = { readonly kind: 'ok' } | Refusal

export interface Refusal {
  readonly kind: 'refused'
  readonly status: 'NO' | 'BAD'
  /** The response code in upper case, without arguments: `OVERQUOTA`, `TOOBIG`, `BADURL`, `TRYCREATE`, … */
  readonly responseCode: string | null
  /** The server's words, at most 500 characters. */
  readonly text: string
}

export type StoreOutcome =
  | {
      readonly kind: 'stored'
      /** From APPENDUID (RFC 4315 §3), null without: look it up by Message-ID. */
      readonly uidValidity: UidValidity | null
      readonly uid: Uid | null
    }
  | Refusal

export type MoveOutcome =
  | {
      readonly kind: 'moved'
      /** From COPYUID (RFC 4315 §3), where they are now, in no order; null without. */
      readonly to: { readonly uidValidity: UidValidity; readonly uids: readonly Uid[] } | null
    }
  | Refusal

export type RemoveOutcome =
  | {
      readonly kind: 'ok'
      /** Of those that were to go, in any order: what the server itself told to be gone. The others may be there still. */
      readonly told: readonly Uid[]
    }
  | Refusal

export interface WireBytes {
  /** Client to server, as they went over the connection. */
  readonly sent: number
  readonly received: number
}

/**
 * One authenticated connection. Commands run one after another in the order of the calls. After a `WireError` that is
 * not `REFUSED` the session is dead: `alive` is false and every call throws.
 */
export interface MailboxSession {
  readonly capabilities: MailboxCapabilities
  /** Name and version as the server says them (RFC 2971); null where it says neither. */
  readonly serverId: string | null
  readonly alive: boolean
  /** Counted since the session began, with the login. */
  bytes(): WireBytes
  folders(): Promise<readonly Folder[]>
  /** Also subscribes to it. With CREATE-SPECIAL-USE (RFC 6154 §3) where the server has it. */
  createFolder(path: FolderPath, specialUse: SpecialUse): Promise<CommandOutcome>
  /**
   * Selects for writing; where it is selected already, its state is read afresh. `read-only`: by EXAMINE (RFC 3501 §6.3.2), so that
   * nothing there changes by our looking, not even what counts as recent. Null: there is no such folder.
   */
  select(path: FolderPath, mode?: 'read-only'): Promise<FolderState | null>
  /**
   * Selects, and says what happened since `mark`, in as few round trips as the server allows: one with QRESYNC or
   * CONDSTORE, else two. Null: there is no such folder. Without a mark it gives the identities of all messages: for a large
   * folder of which they are not needed, `select` it once and take its state as the mark.
   */
  changes(path: FolderPath, mark: FolderMark | null): Promise<FolderChanges | null>
  /**
   * Waits for changes: of one path by IDLE (RFC 2177); of several by NOTIFY (RFC 5465), else by IDLE for the first of them
   * that exists and polling for the others; else by polling. Other calls go on meanwhile, and find selected what they
   * selected. A path that does not exist is passed over. Resolves when the signal ends it. One at a time.
   * @throws {WireError} when the session ends
   */
  watch(paths: readonly FolderPath[], options: WatchOptions): Promise<void>
  /** All UIDs of the selected folder, ascending (UID SEARCH ALL). */
  uids(): Promise<readonly Uid[]>
  /**
   * UIDs of the selected folder that came then (epoch milliseconds) or later, ascending (UID SEARCH SINCE). It goes by whole days of
   * INTERNALDATE in a zone of the server's choice (RFC 3501 §6.4.4), so that some older ones may be among them.
   */
  uidsSince(at: number): Promise<readonly Uid[]>
  /** UIDs of the selected folder that carry `\Deleted`. */
  deletedUids(): Promise<readonly Uid[]>
  /** Exact match: the server's substring search (RFC 3501 §6.4.4) is filtered by what the messages themselves say. */
  findByMessageId(messageId: MessageId): Promise<readonly MessageIdentity[]>
  /** In the selected folder, what is the very message that X-GM-MSGID names; a TypeError without `gmail`. */
  findByGmailMessageId(gmailMessageId: string): Promise<readonly Uid[]>
  /** Of the given UIDs those that exist, ascending. `brief`: what `X-Everdraft-…` says is not asked for, and may be null. */
  identities(uids: readonly Uid[], brief?: 'brief'): Promise<readonly MessageIdentity[]>
  /** All with UID ≥ `from`; unlike RFC 3501's `n:*` never the last message below it. */
  identitiesFrom(from: Uid): Promise<readonly MessageIdentity[]>
  /** Of the given UIDs those that exist, ascending. */
  details(uids: readonly Uid[]): Promise<readonly MessageDetails[]>
  /** BODYSTRUCTURE (RFC 3501 §7.4.2) of the given UIDs that exist, ascending. */
  structures(uids: readonly Uid[]): Promise<readonly MessageStructure[]>
  /** The named fields (BODY.PEEK[HEADER.FIELDS]) of the given UIDs that exist, ascending, asked for at once. */
  headerFields(uids: readonly Uid[], names: readonly string[]): Promise<readonly MessageFields[]>
  /** The header with the empty line after it (BODY.PEEK[HEADER]), or null if there is no such message. */
  fetchHeader(uid: Uid): Promise<Uint8Array | null>
  /**
   * The body of a part as it is stored, asked for in pieces (BODY.PEEK[section]<start.length>), so that after a cut
   * it goes on with `start` where it ended. Ends early where the message has gone or the section ends. Read it to its end before the next call.
   */
  fetchPart(uid: Uid, section: string, range?: PartRange): AsyncIterable<Uint8Array>
  /** The raw message (BODY.PEEK[]), or null if there is none under that UID. Read it to its end before the next call. */
  fetchRaw(uid: Uid): Promise<AsyncIterable<Uint8Array> | null>
  /**
   * Of the given UIDs those that exist, ascending, asked for at once. All of them are held in memory: it is for the caller
   * to bound what they add up to.
   */
  fetchMany(uids: readonly Uid[]): Promise<readonly RawMessage[]>
  /**
   * URLs by which another server can fetch parts of a message (GENURLAUTH, RFC 4467 §7). No capability says it: some servers have it
   * and announce nothing. Nothing need be selected, and whether there is such a message is not looked at.
   */
  partUrls(request: PartUrlsRequest): Promise<PartUrls>
  /** APPEND, with CATENATE where a segment is a `part`. */
  append(request: StoreRequest): Promise<StoreOutcome>
  /** UID REPLACE of a message in the selected folder (RFC 8508), with CATENATE where a segment is a `part`. */
  replace(uid: Uid, request: StoreRequest): Promise<StoreOutcome>
  /** UID STORE +FLAGS.SILENT (\Deleted) on exactly these. */
  markDeleted(uids: readonly Uid[]): Promise<CommandOutcome>
  /** UID EXPUNGE (RFC 4315 §2.1) of exactly these; throws a `TypeError` without `uidPlus`, and never falls back to EXPUNGE. */
  expungeUids(uids: readonly Uid[]): Promise<CommandOutcome>
  /** Both, in one round trip where that can be, and says what the server told of it. Throws a TypeError without `uidPlus`. */
  removeUids(uids: readonly Uid[]): Promise<RemoveOutcome>
  /** Plain EXPUNGE: removes *every* message marked `\Deleted`. Only after `deletedUids()` held nothing foreign. */
  expungeAllDeleted(): Promise<CommandOutcome>
  /** UID MOVE (RFC 6851) of exactly these, at most 100; throws a `TypeError` without `move`. */
  moveUids(uids: readonly Uid[], to: FolderPath): Promise<MoveOutcome>
  /** Bytes that still fit into a folder (RFC 9208 STORAGE); null where the server does not say or has no limit. */
  quotaLeft(path: FolderPath): Promise<number | null>
  /** LOGOUT, at most a second of waiting. Never CLOSE: that would expunge. */
  close(): Promise<void>
}

export type WireErrorCode =
  /** DNS, refused, no route: nothing was sent. */
  | 'UNREACHABLE'
  /** Nothing came for `timeoutMs`. */
  | 'TIMEOUT'
  /** The connection ended in the middle. */
  | 'CONNECTION_LOST'
  | 'CERTIFICATE'
  | 'AUTH_FAILED'
  /** The server said NO or BAD to a command that must work (SELECT, FETCH, …), or refused the connection in words. */
  | 'REFUSED'
  | 'ABORTED'

/** A failure between us and a server. The message is fit for a user's eyes: host and port, never a password. */
export class WireError extends Error {
  override readonly name = 'WireError'
  readonly code: WireErrorCode

  constructor(code: WireErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.code = code
  }

  /** Being offline is no attempt (hazard 29). */
  get isConnectivity(): boolean {
    return this.code === 'UNREACHABLE' || this.code === 'TIMEOUT' || this.code === 'CONNECTION_LOST'
  }
}
