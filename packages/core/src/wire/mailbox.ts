import type { FolderPath, MessageId, Uid, UidValidity, Umid } from '../ids.ts'
import type { MessageFormat } from './message-format.ts'

/** How to reach a server. `password` never leaves the adapter again. */
export interface ServerSettings {
  readonly host: string
  readonly port: number
  /** `tls` from the first byte, `starttls` required before AUTH, or `none` (loopback and tests). */
  readonly security: 'tls' | 'starttls' | 'none'
  readonly user: string
  readonly password: string
  /** Accept a certificate that the platform does not trust. Default false. */
  readonly allowUntrusted?: boolean
}

/**
 * A mailbox on a server, as the engine needs it (IMAP4rev1, RFC 3501, and extensions as data).
 *
 * The port hides a library's traps and no decision: which copy to remove is the planners' affair.
 */
export interface MailboxPort {
  /** How drafts become messages of this mailbox and back. */
  readonly format: MessageFormat
  /**
   * Opens an authenticated session.
   * @throws {WireError} UNREACHABLE, TIMEOUT, CERTIFICATE, AUTH_FAILED, REFUSED
   */
  connect(settings: ServerSettings, options: ConnectOptions): Promise<MailboxSession>
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
  /** RFC822.SIZE. */
  readonly size: number
  readonly deleted: boolean
  readonly draft: boolean
}

/** A piece of a message to be stored, in order. */
export type MessageSegment =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** Exactly `size` bytes; opened when its turn on the wire comes, so that it is never whole in memory. */
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

export interface StoreRequest {
  readonly folder: FolderPath
  readonly segments: readonly MessageSegment[]
  /** `\Draft`, `\Seen`, … */
  readonly flags: readonly string[]
  readonly internalDate: number
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
  readonly alive: boolean
  /** Counted since the session began, with the login. */
  bytes(): WireBytes
  folders(): Promise<readonly Folder[]>
  /** Also subscribes to it. With CREATE-SPECIAL-USE (RFC 6154 §3) where the server has it. */
  createFolder(path: FolderPath, specialUse: SpecialUse): Promise<CommandOutcome>
  /** Selects for writing; where it is selected already, its state is read afresh. Null: there is no such folder. */
  select(path: FolderPath): Promise<FolderState | null>
  /** All UIDs of the selected folder, ascending (UID SEARCH ALL). */
  uids(): Promise<readonly Uid[]>
  /** UIDs of the selected folder that carry `\Deleted`. */
  deletedUids(): Promise<readonly Uid[]>
  /** Exact match: the server's substring search (RFC 3501 §6.4.4) is filtered by what the messages themselves say. */
  findByMessageId(messageId: MessageId): Promise<readonly MessageIdentity[]>
  /** Of the given UIDs those that exist, ascending. */
  identities(uids: readonly Uid[]): Promise<readonly MessageIdentity[]>
  /** All with UID ≥ `from`; unlike RFC 3501's `n:*` never the last message below it. */
  identitiesFrom(from: Uid): Promise<readonly MessageIdentity[]>
  /** The raw message (BODY.PEEK[]), or null if there is none under that UID. Read it to its end before the next call. */
  fetchRaw(uid: Uid): Promise<AsyncIterable<Uint8Array> | null>
  /** APPEND, with CATENATE where a segment is a `part`. */
  append(request: StoreRequest): Promise<StoreOutcome>
  /** UID REPLACE of a message in the selected folder (RFC 8508), with CATENATE where a segment is a `part`. */
  replace(uid: Uid, request: StoreRequest): Promise<StoreOutcome>
  /** UID STORE +FLAGS.SILENT (\Deleted) on exactly these. */
  markDeleted(uids: readonly Uid[]): Promise<CommandOutcome>
  /** UID EXPUNGE (RFC 4315 §2.1) of exactly these; throws a `TypeError` without `uidPlus`, and never falls back to EXPUNGE. */
  expungeUids(uids: readonly Uid[]): Promise<CommandOutcome>
  /** Plain EXPUNGE: removes *every* message marked `\Deleted`. Only after `deletedUids()` held nothing foreign. */
  expungeAllDeleted(): Promise<CommandOutcome>
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
