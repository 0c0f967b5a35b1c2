import type { Owner } from '../../access.ts'
import type { LastError, UploadMethod } from '../../draft/draft.ts'
import type { AccountId, FolderPath } from '../../ids.ts'
import type { AccountProbe } from '../../storage/account-probes.ts'
import type { EditCost } from '../../sync/account-probe.ts'
import type { Login, LoginInput } from '../../wire/login.ts'
import type { MailboxCapabilities } from '../../wire/mailbox.ts'
import type { SubmissionCapabilities } from '../../wire/submission.ts'
import type { Page, PageRequest } from './pages.ts'

export interface AccountInput {
  readonly address: string
  /** Display name for `From`. */
  readonly name?: string
  readonly imap: LoginInput
  readonly smtp?: LoginInput
  /** Default: tenant and user `default`. */
  readonly owner?: Owner
}

/**
 * What is left out stays. A server that is given takes the place of the one before as a whole, with its password: what was
 * given for one server goes to no other.
 */
export interface AccountChanges {
  readonly name?: string
  readonly imap?: LoginInput
  /** Null: nothing is sent from this account any more. */
  readonly smtp?: LoginInput | null
}

/** Without secrets: they go in and never come back. */
export interface Account {
  readonly id: AccountId
  readonly owner: Owner
  readonly address: string
  readonly name: string
  readonly imap: Login
  readonly smtp: Login | null
  /** The last failure to reach or enter the server; null after a success. */
  readonly lastError: LastError | null
  readonly createdAt: number
}

export interface Accounts {
  /** Stores the account; the server is not contacted. */
  add(input: AccountInput): Promise<Account>
  /** @throws {EverdraftError} NOT_FOUND */
  get(id: AccountId): Promise<Account>
  /** Without `owner`: everybody's. */
  list(filter?: PageRequest & { readonly owner?: Owner }): Promise<Page<Account>>
  /** The servers are not contacted by it, but used from then on. @throws {EverdraftError} NOT_FOUND, VALIDATION_ERROR */
  change(id: AccountId, changes: AccountChanges): Promise<Account>
  /**
   * Connects and says what was found, and what will be done. What the server does to drafts is found out by a small message
   * in Drafts, which is removed at once. Nothing is sent. @throws {WireError}, {EverdraftError} NOT_FOUND, SECRETS_LOCKED
   */
  verify(id: AccountId): Promise<AccountReport>
  /**
   * With `unsent` missing and drafts not sent: UNSENT_DRAFTS. `keep` leaves their copies on the server, and is refused
   * with the same code while one is not there as it is here.
   */
  remove(id: AccountId, options?: { readonly unsent?: 'keep' | 'discard' }): Promise<void>
}

export interface AccountReport {
  readonly capabilities: MailboxCapabilities
  /** Null: none was found, one will be created at the first upload. */
  readonly draftsFolder: FolderPath | null
  readonly sentFolder: FolderPath | null
  readonly trashFolder: FolderPath | null
  /** What the first upload makes where there is no Drafts folder; null where there is one. */
  readonly toCreate: { readonly path: FolderPath; readonly withSpecialUse: boolean } | null
  /** How a changed draft will be uploaded there. */
  readonly uploadMethod: UploadMethod
  /** What an edit of a few words costs: of text alone, and with an attachment of 10 MiB. */
  readonly editCost: { readonly text: EditCost; readonly withAttachment: EditCost }
  /** How changes are heard of: NOTIFY (RFC 5465), IDLE (RFC 2177) in one folder at a time, or only by asking. */
  readonly push: 'notify' | 'idle' | 'poll'
  /** Bytes that still fit into Drafts; null where the server does not say or has no limit. */
  readonly quotaLeft: number | null
  /** What the server does to drafts; null where it was not looked at. */
  readonly probe:
    | (Pick<AccountProbe, 'at' | 'serverId' | 'survival' | 'refusal'> & {
        /** The probe's message could not be removed: it is tried again before the next upload. */
        readonly messageLeft: boolean
      })
    | null
  /** Whether the server files what was sent by itself cannot be found out without sending. */
  readonly filesSentCopies: 'unknown'
  /** Null: the account has no settings for sending, or the engine no port for it. */
  readonly submission: SubmissionReport | null
}

export type SubmissionReport =
  /** It let us in. */
  | { readonly kind: 'ok'; readonly capabilities: SubmissionCapabilities }
  | { readonly kind: 'failed'; readonly error: LastError }
