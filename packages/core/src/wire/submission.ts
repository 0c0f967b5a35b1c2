import type { MessageId } from '../ids.ts'
import { type ConnectOptions, type LoginSettings, type WireBytes, WireError, type WireErrorCode } from './mailbox.ts'

/**
 * A server that takes mail for delivery, as the engine needs it (RFC 6409 on RFC 5321, extensions as data).
 *
 * It has two phases, as the journal has to know who was accepted before the bytes go, and has to be told that the
 * message may be taken before it can be: `open`, then `commit`. Nothing is ever repeated below this port (hazard 23).
 */
export interface SubmissionPort {
  /**
   * Opens an authenticated session. With an empty `user` it does not log in (a relay on loopback).
   * @throws {WireError} UNREACHABLE, TIMEOUT, CERTIFICATE, AUTH_FAILED, REFUSED, ABORTED
   */
  connect(settings: LoginSettings, options: SubmissionOptions): Promise<SubmissionSession>
}

export interface SubmissionOptions extends ConnectOptions {
  /**
   * How long the answer to the final dot is waited for, in milliseconds. Whoever gives up early does not know what became of
   * the mail: never less than `timeoutMs`. Default 10 min (RFC 5321 §4.5.3.2.6).
   */
  readonly finalReplyTimeoutMs?: number
}

/** What the server can do; capabilities are data, servers are never recognised by name. */
export interface SubmissionCapabilities {
  /** RFC 1870: MAIL takes SIZE=. */
  readonly size: boolean
  /** RFC 1870: the largest message in bytes; null where the server does not say or says no limit. */
  readonly sizeLimit: number | null
  /** RFC 6152. */
  readonly eightBitMime: boolean
  /** RFC 6531. */
  readonly smtpUtf8: boolean
  /** RFC 2920. */
  readonly pipelining: boolean
  /** RFC 3461. */
  readonly dsn: boolean
  /** RFC 2034: replies carry codes of RFC 3463. */
  readonly enhancedStatusCodes: boolean
  /** RFC 3030. */
  readonly chunking: boolean
  /** RFC 8689. */
  readonly requireTls: boolean
  /** RFC 4468, with URLs of the user's own mailbox (RFC 4467). */
  readonly burl: boolean
  /** The mailboxes that it says it can fetch from (RFC 4468 §3.1), as `host` or `host:port`. Some name them only after the login. */
  readonly burlServers: readonly string[]
  /** RFC 4865: how far ahead a mail may be held. Null without. */
  readonly futureRelease: FutureReleaseLimits | null
  /** RFC 4954, in upper case, as they were offered before the login. */
  readonly authMechanisms: readonly string[]
}

export interface FutureReleaseLimits {
  /** The longest HOLDFOR in seconds. */
  readonly longestSeconds: number
  /** The latest HOLDUNTIL in milliseconds; null where the server did not say it in a form that can be read. */
  readonly latest: number | null
}

/** Who sends to whom (RFC 5321 §3.3), and what of the message the server must know before it comes. */
export interface SubmissionEnvelope {
  /** Empty for the null reverse-path. */
  readonly from: string
  /** At least one, each once. */
  readonly recipients: readonly string[]
  /** Bytes of the message as it is committed, without what the wire adds (RFC 1870 §5). */
  readonly size: number
  /** Some byte of the message is above 127 (RFC 6152). */
  readonly eightBit: boolean
  /** The header holds raw UTF-8 (RFC 6532). Addresses that need SMTPUTF8 are found without being told. Default false. */
  readonly utf8Header?: boolean
  /**
   * ENVID (RFC 3461 §4.4): comes back in reports as Original-Envelope-Id. With `dsn` failures and delays are reported, with the
   * header only. 1 to 100 printable ASCII characters; null: no reports are asked for.
   */
  readonly envid: string | null
  /** HOLDUNTIL (RFC 4865 §5) in milliseconds; needs `futureRelease`. Default: at once. */
  readonly holdUntil?: number | null
}

/** What a server said (RFC 5321 §4.2). */
export interface SubmissionReply {
  /** Three digits. */
  readonly code: number
  /** RFC 3463, `5.1.1`; null where the reply has none. */
  readonly enhanced: string | null
  /** The server's words without the codes, at most 500 characters, in one line. */
  readonly text: string
}

export interface RecipientResult {
  /** As in the envelope. */
  readonly address: string
  /** `refused` is for good (5xx), `temporary` may be tried later (4xx). */
  readonly kind: 'accepted' | 'refused' | 'temporary'
  readonly reply: SubmissionReply
}

export type OpenOutcome =
  /** Somebody is accepted: `commit` or `reset` follows. Results are in the order of the envelope. */
  | { readonly kind: 'ready'; readonly recipients: readonly RecipientResult[] }
  /** Nobody is. */
  | { readonly kind: 'no-recipients'; readonly recipients: readonly RecipientResult[] }
  /** The sender, or the envelope as a whole, is not. */
  | { readonly kind: 'refused' | 'temporary'; readonly reply: SubmissionReply }
  /** Nothing was sent: the message is larger than the server takes. */
  | { readonly kind: 'too-large'; readonly limitBytes: number }
  /** Nothing was sent: these addresses, or the message (then none), need an extension that the server does not have. */
  | { readonly kind: 'unsupported'; readonly needs: 'SMTPUTF8' | '8BITMIME'; readonly addresses: readonly string[] }

export type SubmissionBody =
  /** The whole message with CRLF line ends, opened when its turn comes. The wire's dots are the adapter's (RFC 5321 §4.5.2). */
  | { readonly kind: 'bytes'; open(): AsyncIterable<Uint8Array> }
  /**
   * The whole message as well, of which the server fetches some pieces by itself. Needs `burl`, and `chunking`. The dot is `BDAT 0 LAST`:
   * by then the server has every piece, and has taken nothing.
   */
  | { readonly kind: 'pieces'; readonly pieces: readonly SubmissionPiece[] }

/** In order; each exactly `size` bytes. */
export type SubmissionPiece =
  /** BDAT (RFC 3030 §2). */
  | { readonly kind: 'bytes'; readonly size: number; open(): AsyncIterable<Uint8Array> }
  /** BURL (RFC 4468 §3.3), by a URL with URLAUTH (RFC 4467). */
  | { readonly kind: 'url'; readonly size: number; readonly url: string }

export interface CommitOptions {
  /**
   * Called once, when the source was read to its end and all pieces were fetched. Only when it resolves the dot goes.
   * If it rejects, the connection ends without the dot, and `commit` rejects with the same.
   */
  readonly beforeFinalDot: () => Promise<void>
}

export type CommitOutcome =
  | {
      readonly kind: 'accepted'
      readonly reply: SubmissionReply
      /** By which the provider knows the mail, in its logs; null where the reply says none. */
      readonly queueId: string | null
      /** The Message-ID that the provider gives the mail instead of ours; null where it says none. */
      readonly messageId: MessageId | null
    }
  /** Nobody gets it: for good (5xx), or for now (4xx). Also where the server refused before the dot. */
  | { readonly kind: 'refused' | 'temporary'; readonly reply: SubmissionReply }
  /**
   * There was no mark and no dot: the server could not fetch a piece, or fetched something of another size. By `bytes` it can go.
   * What the server said is not told, as it may hold the URL.
   */
  | { readonly kind: 'not-fetched' }

/**
 * One authenticated connection. Calls come one after another. After an error that it throws, or a 421, the session is dead: `alive`
 * is false and every call throws.
 */
export interface SubmissionSession {
  readonly capabilities: SubmissionCapabilities
  readonly alive: boolean
  /** Counted since the session began, with the login. */
  bytes(): WireBytes
  /**
   * MAIL and RCPT. Only `ready` leaves a transaction open.
   * @throws {TransmissionError} with phase `before-dot`
   * @throws {TypeError} for an envelope that breaks the rules above: CR, LF, NUL or brackets in an address, no recipient, `holdUntil`
   * where it cannot be
   */
  open(envelope: SubmissionEnvelope): Promise<OpenOutcome>
  /**
   * DATA, or BDAT and BURL, for the recipients that `open` found accepted. Ends the transaction.
   * @throws {TransmissionError} see `phase`
   * @throws what `beforeFinalDot` or the body's source threw; then there was no dot
   */
  commit(body: SubmissionBody, options: CommitOptions): Promise<CommitOutcome>
  /** RSET: gives an open transaction up. */
  reset(): Promise<void>
  /** QUIT, at most a second of waiting. */
  close(): Promise<void>
}

/** `before-dot`: nobody gets the mail from this session. `after-dot`: the server may have taken it, or not (hazard 21). */
export type TransmissionPhase = 'before-dot' | 'after-dot'

/** A connection that ended in the middle of a submission. */
export class TransmissionError extends WireError {
  readonly phase: TransmissionPhase

  constructor(code: WireErrorCode, message: string, phase: TransmissionPhase, options?: { readonly cause?: unknown }) {
    super(code, message, options)
    this.phase = phase
  }
}
