import type { Owner, Scope } from '../access.ts'
import type { DraftManager } from '../draft-manager/envelope.ts'
import type { DraftChanges } from '../draft/content.ts'
import type { Bundles } from '../draft-manager/bundles.ts'
import type {
  Attachment,
  Author,
  Comparison,
  Draft,
  DraftContent,
  DraftListItem,
  DraftPolicy,
  DraftStatus,
  LastError,
  Revision,
  UploadMethod,
} from '../draft/draft.ts'
import type { MergeStrategy } from '../draft/merge.ts'
import type { OriginalMessage, ReplyMode, ReplyPhrases } from '../draft/reply.ts'
import type { SendPhase, SendReason, SendRecipient, SendStatus } from '../draft/send-state.ts'
import type { EventType, ToldEvent } from '../events.ts'
import type {
  AccountId,
  ApiTokenId,
  AttachmentId,
  ConflictId,
  DeviceId,
  EventCursor,
  FolderPath,
  MessageId,
  SendId,
  TaskId,
  TemplateId,
  Umid,
  UserId,
  Version,
  WebhookId,
} from '../ids.ts'
import type { MailFilters } from '../responder/mail-filters.ts'
import type { Outcome, OutcomeStatus } from '../responder/outcome.ts'
import type { ResponderSettings } from '../responder/responder.ts'
import type { Conflict } from '../storage/conflicts.ts'
import type { RepeatableRequest } from '../storage/repeatable-request.ts'
import type { EventPage, EventScope } from '../storage/events.ts'
import type { Figures } from '../storage/figures.ts'
import type { OutcomeCounts, OutcomeTrend, ScenarioCounts, UserCounts } from '../storage/outcome-figures.ts'
import type { TaskStep } from '../storage/task-steps.ts'
import type { Webhook, WebhookDelivery } from '../storage/webhooks.ts'
import type { AccountProbe } from '../storage/account-probes.ts'
import type { EditCost } from '../sync/account-probe.ts'
import type { Login, LoginInput } from '../wire/login.ts'
import type { MailboxCapabilities } from '../wire/mailbox.ts'
import type { SubmissionCapabilities } from '../wire/submission.ts'
import type { WebhookPolicy } from './webhook-progress.ts'

/** The door of the engine: everything that an app, the daemon or the CLI does goes through here. */
export interface Engine {
  readonly accounts: Accounts
  readonly drafts: Drafts
  readonly sends: Sends
  readonly tasks: Tasks
  readonly templates: Templates
  /** What answers new mail by drafts. */
  readonly responders: AccountResponders
  /** What became of the drafts that responders wrote. */
  readonly outcomes: Outcomes
  /** Drafts out to files and in from them: bundles, messages and mboxes. */
  readonly bundles: Bundles
  /** What programs show at the door of a daemon; the engine itself asks nobody for one. */
  readonly apiTokens: ApiTokens
  /** Where a daemon delivers events to; the engine itself asks nobody. */
  readonly webhooks: Webhooks
  /** Seven actions in one envelope, for workflow tools and browsers: another door to `drafts`. It always answers; see docs/draft-manager.md. */
  readonly draftManager: DraftManager
  /**
   * One round with the server now, up and down: debounce, byte budget and back-off are overridden. Resolves when
   * nothing is runnable for the account any more, or after `waitMs` with `settled: false`.
   */
  sync(accountId: AccountId, options?: SyncOptions): Promise<SyncReport>
  /**
   * Events after their commit, in order. With `after`, first those since that cursor, which may be from before a
   * restart; cursors are kept for 30 days. Returns the function that ends the subscription.
   */
  subscribe(filter: EventFilter, listener: (event: ToldEvent) => void): () => void
  /** The log of events, for who reads it at a pace of their own. */
  readonly events: Events
  /** How much of everything there is, for who watches over it. */
  figures(): Promise<Figures>
  /**
   * Another number after each change of whatever kind, for who remembers what was read: as long as it is the same, all that was
   * read since is still so. Null: this store cannot tell.
   */
  changeMark(): number | null
  /**
   * Seals passwords, refresh tokens and the secrets of webhooks by a new key, and forgets the older ones.
   * @throws {EverdraftError} SECRETS_LOCKED: the keys cannot be changed from here, or not be written; the old ones still open
   */
  rotateKey(): Promise<void>
  /** Thins out old history, empties the old trash, collects attachments. It runs by itself each hour. */
  housekeep(): Promise<HousekeepingReport>
  /**
   * A consistent copy of the store, while it is in use. Attachments that lie in a `BlobStore` are not in it.
   * @throws {EverdraftError} STORAGE_ERROR: there is a file already, the disk is full, or the store cannot do it
   */
  backup(destination: string): Promise<void>
  /** Lets what is on the wire end (at most a few seconds), then closes the store. What is left goes on at the next start. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export interface SyncOptions {
  readonly waitMs?: number
  /**
   * The user says that what vanished from the server is to go here too. Asked for after MASS_VANISH: more than half of
   * ten or more drafts were gone at once.
   */
  readonly confirmLosses?: boolean
}

export interface EventFilter {
  readonly accountId?: AccountId
  readonly after?: EventCursor
}

export interface Events {
  /**
   * What came after the cursor for that owner, oldest first; `after` null: the end of the log, to go on from. One that
   * goes on at each page's `next` hears of every event, and of none twice. Events are kept for 30 days.
   */
  page(scope: EventScope, options: { readonly after: EventCursor | null; readonly limit?: number }): Promise<EventPage>
}

export interface HousekeepingReport {
  readonly revisionsDropped: number
  readonly draftsEmptied: number
  readonly blobsCollected: number
}

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

export interface ResponderInput {
  /** A URL that is asked by a signed POST, or `module`. */
  readonly url?: string
  /** A function of `EngineOptions.responders`, by its name. */
  readonly module?: string
  /** Default: all mail that a program may answer at all (RFC 3834). */
  readonly filters?: MailFilters
  /** Of its drafts, where an answer names none. */
  readonly scenario?: string | null
  /** 1 s to 10 min; default 30 s. */
  readonly timeoutMs?: number
  /** Up to 30 days; default 0. Where drafts are sent at once it is five minutes at least. */
  readonly cooldownMs?: number
  /** 1 to 10,000; default 100. */
  readonly hourlyLimit?: number
  /** The URL may be `http:`, and within one's own network. Default false. */
  readonly allowPrivate?: boolean
}

export interface AccountResponders {
  /**
   * In place of what was there. Mail that comes from the first time on is answered, and what was parked is tried again.
   * @returns with the secret that signs what its URL is asked, which nobody is told again; null where there was one before
   * @throws {EverdraftError} VALIDATION_ERROR, NOT_FOUND (account)
   */
  set(
    accountId: AccountId,
    input: ResponderInput,
  ): Promise<{ readonly settings: ResponderSettings; readonly secret: string | null }>
  /** Null: nothing answers the account's mail. @throws {EverdraftError} NOT_FOUND (account) */
  get(accountId: AccountId): Promise<ResponderSettings | null>
  /** What it has not answered yet is not answered any more. @throws {EverdraftError} NOT_FOUND */
  remove(accountId: AccountId): Promise<void>
}

export interface OutcomeFilter extends PageRequest {
  readonly accountId: AccountId
  readonly status?: OutcomeStatus
}

export interface Outcomes {
  /** Null: no responder wrote that draft. */
  ofDraft(id: Umid): Promise<Outcome | null>
  /** The newest first. */
  list(filter: OutcomeFilter): Promise<Page<Outcome>>
  /** How many there are; each counts once, as what it is now. @throws {EverdraftError} VALIDATION_ERROR: `from` is after `to` */
  counts(filter: OutcomeFigureFilter): Promise<OutcomeCounts>
  /** The scenario with the most outcomes first. @throws {EverdraftError} VALIDATION_ERROR */
  byScenario(filter: OutcomeFigureFilter): Promise<readonly ScenarioCounts[]>
  /** The user with the most outcomes first. @throws {EverdraftError} VALIDATION_ERROR */
  byUser(filter: OutcomeFigureFilter): Promise<readonly UserCounts[]>
  /** By the week of their making and by scenario; the first week first. @throws {EverdraftError} VALIDATION_ERROR */
  trends(filter: OutcomeFigureFilter): Promise<readonly OutcomeTrend[]>
  /** Those of which the sent mail is known, the last sent first. */
  sent(filter: { readonly owner: Owner } & PageRequest): Promise<Page<Outcome>>
}

/** Of outcomes by the time of their making. */
export interface OutcomeFigureFilter {
  readonly owner: Owner
  /** All users of the owner's tenant together. Default false. */
  readonly ofTenant?: boolean
  /** Epoch milliseconds, and from then on. */
  readonly from?: number
  /** Epoch milliseconds, and not any more. */
  readonly to?: number
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

export interface PageRequest {
  /** 1 to 500, default 50. */
  readonly limit?: number
  readonly offset?: number
}

export interface Page<Item> {
  readonly items: readonly Item[]
  readonly total: number
  readonly limit: number
  readonly offset: number
}

export interface DraftInput extends DraftChanges {
  /**
   * Left out: the engine picks it (the account whose address is `from`, else the one from which the recipients were
   * written to last, else the one used last).
   */
  readonly accountId?: AccountId
  /** Among whose accounts it is picked; left out: among all. */
  readonly owner?: Owner
  readonly policy?: DraftPolicy
  /** With `required`, it is sent only as somebody has approved it. Default: as whoever sends it likes. */
  readonly review?: ReviewInput
  /** Of the draft's account; the fields given win over the template's. */
  readonly templateId?: TemplateId
}

export interface ReviewInput {
  readonly required: boolean
}

export interface ReplyOptions {
  readonly mode: ReplyMode
  /** HTML beside the text. Default: where the original has it. */
  readonly withHtml?: boolean
  /** The words around the quote; default: English. */
  readonly phrases?: ReplyPhrases
  readonly policy?: DraftPolicy
  readonly review?: ReviewInput
}

/** Which message is answered or passed on: one on the account's server, or one that the app has. */
export type ReplyInput = ReplyOptions &
  (
    | {
        readonly messageId: string
        /** Where it was seen: looked at first. */
        readonly folder?: FolderPath
      }
    | { readonly original: KnownOriginal }
  )

/** A message that the app has: nothing is fetched, so that it works offline. */
export interface KnownOriginal extends Omit<OriginalMessage, 'attachments' | 'protection' | 'unmodelled'> {
  /** A forward gets all of them, a reply the pictures that its quote shows. */
  readonly attachments?: readonly Omit<AttachmentInput, 'id'>[]
}

export interface SaveOptions {
  /** The version that the change was made on; another head → VERSION_MISMATCH. Absent: no check. */
  readonly baseVersion?: Version
  readonly by?: Author
  readonly device?: DeviceId
  /**
   * Where the draft has moved on since `baseVersion`: refuse (the default), or merge the two, field by field. What
   * cannot be merged is in conflict: nothing is saved over, both are kept, and the save throws CONFLICT.
   */
  readonly onConflict?: 'refuse' | MergeStrategy
}

export interface DraftFilter extends PageRequest {
  readonly accountId?: AccountId
  readonly status?: DraftStatus
  readonly syncState?: Draft['sync']['state']
  readonly tag?: string
}

export interface AttachmentInput {
  readonly filename: string
  /** `type/subtype`; `application/octet-stream` where it is not known. */
  readonly contentType?: string
  readonly disposition?: 'attachment' | 'inline'
  readonly contentId?: string
  /** The client's own id: attaching again under it changes nothing (hazard 15). A UUID. */
  readonly id?: AttachmentId
  readonly content: Uint8Array | AsyncIterable<Uint8Array>
}

export interface AttachmentRead {
  readonly attachment: Attachment
  /** The decoded bytes from `start` up to, but not including, `end`. */
  readonly content: AsyncIterable<Uint8Array>
}

export interface Drafts {
  /**
   * Durable when it resolves. With a `request` that has made a draft already, within the last 24 hours, it is that draft, as it is now.
   * @throws {EverdraftError} VALIDATION_ERROR, NOT_FOUND (account), IDEMPOTENCY_KEY_REUSED (`request`)
   */
  create(
    input: DraftInput,
    options?: Pick<SaveOptions, 'by' | 'device'> & { readonly request?: RepeatableRequest },
  ): Promise<Draft>
  /**
   * A draft that answers a message or passes it on: with threading headers (RFC 5322 §3.6.4) and the quote, a forward with
   * the attachments. A signed or encrypted message is forwarded as a whole, without its Bcc. Made in one step once all of
   * it is here: a failure leaves nothing. Durable when it resolves. A `request` that has made its draft already is answered
   * with that, and asks no server.
   * @throws {EverdraftError} VALIDATION_ERROR, NOT_FOUND (account, or message on the server)
   * @throws {WireError} with `messageId`, where the server cannot be reached: UNREACHABLE, TIMEOUT, …
   */
  reply(
    accountId: AccountId,
    input: ReplyInput,
    options?: Pick<SaveOptions, 'by' | 'device'> & { readonly request?: RepeatableRequest },
  ): Promise<Draft>
  /** @throws {EverdraftError} NOT_FOUND */
  get(id: Umid): Promise<Draft>
  /**
   * Full text over subject, people, text and names of files: words by their beginnings, all of them, accents and case
   * folded; best match first, of thousands of matches the newest drafts. The index is complete some tenths of a second after a save.
   */
  search(query: string, filter?: DraftFilter): Promise<Page<DraftHit>>
  /** Newest change first. */
  list(filter?: DraftFilter): Promise<Page<DraftListItem>>
  /**
   * Durable when it resolves. A save that changes nothing makes no revision and no upload.
   * @throws {EverdraftError} VALIDATION_ERROR, NOT_FOUND, NOT_A_DRAFT, VERSION_MISMATCH, CONFLICT
   */
  save(id: Umid, changes: DraftChanges, options?: SaveOptions & { readonly review?: ReviewInput }): Promise<Draft>
  /** The content is streamed to disk, then the draft gets a revision with it. @throws as `save` */
  attach(
    id: Umid,
    input: AttachmentInput,
    options?: SaveOptions,
  ): Promise<{ readonly draft: Draft; readonly attachment: Attachment }>
  /** @throws as `save`, and NOT_FOUND for an attachment that is not there */
  detach(id: Umid, attachmentId: AttachmentId, options?: SaveOptions): Promise<Draft>
  readAttachment(
    id: Umid,
    attachmentId: AttachmentId,
    range?: { readonly start?: number; readonly end?: number },
  ): Promise<AttachmentRead>
  /** To the local trash; its copies on the server go. @throws {EverdraftError} NOT_FOUND, NOT_A_DRAFT, VERSION_MISMATCH */
  discard(id: Umid, options?: SaveOptions): Promise<Draft>
  /** Those that wait for a decision first. */
  conflicts(id: Umid): Promise<readonly Conflict[]>
  /**
   * Ends a conflict by a strategy, or by the fields as somebody merged them.
   * @throws as `save`, CONFLICT where `merge` does not do, NOT_FOUND for a conflict that is not there or is resolved
   */
  resolve(id: Umid, conflictId: ConflictId, how: MergeStrategy | DraftChanges, options?: SaveOptions): Promise<Draft>
  /**
   * A new revision that says what an earlier one said.
   * @throws as `save`, and NOT_FOUND for a version that is not kept
   */
  restore(id: Umid, version: Version, options?: SaveOptions): Promise<Draft>
  /**
   * Back to what it was when this device's composer opened it, else to what was synchronized last. The draft stays, and
   * so does its history (hazard 18). @throws as `save`
   */
  discardChanges(id: Umid, options?: SaveOptions): Promise<Draft>
  /** Out of the local trash, within 30 days. @throws {EverdraftError} NOT_FOUND, NOT_DISCARDED */
  undiscard(id: Umid): Promise<Draft>
  /** To another account: it is from that one's address then, and at no moment nowhere. @throws as `save` */
  move(id: Umid, accountId: AccountId, options?: SaveOptions): Promise<Draft>
  /**
   * Says that a composer shows the draft: until it is closed no sync purges it. The lease is renewed by itself; a
   * process that ends without closing loses it after two minutes.
   */
  open(id: Umid, options?: Pick<SaveOptions, 'device'>): Composer
  /** Uploads at once, without the debounce: for closing a composer and going to the background. */
  flush(id: Umid): Promise<void>
  /** Newest first. */
  history(id: Umid): Promise<readonly Revision[]>
  /**
   * Consents to send the draft as it is at this version. It is in the outbox then, durably, and nobody edits it until the send
   * is undone or has failed.
   * @throws {EverdraftError} NOT_FOUND, NOT_A_DRAFT, VERSION_MISMATCH, APPROVAL_REQUIRED; NO_SUBMISSION where the account has no SMTP settings, or
   * the engine no `submission`; UNSENDABLE with the path of each thing that stands against it
   */
  send(id: Umid, options?: SendOptions): Promise<SendRecord>
  /**
   * Lets the draft go as it is at this version. Any edit after that makes it void, also one by another program that a
   * sync brings. @throws {EverdraftError} NOT_FOUND, NOT_A_DRAFT, VERSION_MISMATCH
   */
  approve(id: Umid, version: Version, options?: { readonly by?: UserId }): Promise<Draft>
  /** What the draft says now, and did not at that version. @throws {EverdraftError} NOT_FOUND, also for a version not kept */
  changesSince(id: Umid, version: Version): Promise<Comparison>
}

export interface SendOptions {
  /** The version that the user saw. Absent: no check. */
  readonly baseVersion?: Version
  /** How long it can be undone at least, in milliseconds. Default 0. */
  readonly undoMs?: number
  /** Not before that time, in epoch milliseconds. Default: at once. */
  readonly sendAt?: number
  /**
   * Let the server that takes mail hold it until `sendAt`, where it can (FUTURERELEASE, RFC 4865): then it goes also if this device is
   * off. As soon as the server has it, undo is too late. Where it cannot, or not for so long, it is held here. Default false.
   */
  readonly holdAtServer?: boolean
  /** The user has read the warning that the text speaks of an attachment and there is none. Default false. */
  readonly confirm?: boolean
  /** A request that may come twice: for a day the second is answered with the send that the first has made. */
  readonly request?: RepeatableRequest
}

/** One consent to send, and what became of it. Times in epoch milliseconds. */
export interface SendRecord {
  readonly id: SendId
  readonly accountId: AccountId
  readonly draftId: Umid
  /** The revision that was consented to. */
  readonly version: Version
  /** Of the mail as it goes. */
  readonly messageId: MessageId
  readonly from: string
  readonly recipients: readonly SendRecipient[]
  readonly subject: string
  readonly status: SendStatus
  /** How far it is, beneath `status`. */
  readonly phase: SendPhase
  /** Why it waits, or what went wrong last; null: nothing did. */
  readonly error: SendReason | null
  /** It waits for the user: `retry` is the word. */
  readonly isHeld: boolean
  /** Transmissions that the server has answered, or may have; being offline is none. */
  readonly attempts: number
  /** Null: it does not wait for a time. */
  readonly nextAttemptAt: number | null
  /** By which the provider knows the mail, in its logs. */
  readonly queueId: string | null
  readonly createdAt: number
  /** When a server took it for somebody. */
  readonly sentAt: number | null
  /** The server has taken it, and holds it until then (FUTURERELEASE); null: it goes on at once. */
  readonly heldUntil: number | null
  /** When its copy was seen in Sent. */
  readonly verifiedAt: number | null
  /** Oldest first. */
  readonly events: readonly SendRecordEvent[]
}

export interface SendRecordEvent {
  readonly at: number
  /** `consented`, or an event of the machine in docs/states.md. */
  readonly type: string
  readonly phase: SendPhase
  readonly reason: SendReason | null
}

export interface SendFilter extends PageRequest {
  /** Those of this one's accounts. */
  readonly owner?: Owner
  readonly accountId?: AccountId
  readonly draftId?: Umid
  readonly status?: SendStatus
}

export interface Sends {
  /** @throws {EverdraftError} NOT_FOUND */
  get(id: SendId): Promise<SendRecord>
  /** The send that a request has made; null: none. @throws {EverdraftError} IDEMPOTENCY_KEY_REUSED */
  ofRequest(request: RepeatableRequest): Promise<SendRecord | null>
  /** The newest consent first. */
  list(filter?: SendFilter): Promise<Page<SendRecord>>
  /**
   * Undo: until the server has accepted recipients the draft is a draft again. Later only those who are left are given up.
   * @throws {EverdraftError} NOT_FOUND, TOO_LATE
   */
  cancel(id: SendId): Promise<SendRecord>
  /**
   * Now, and past what holds it; after a failure anew, under the same id, unless the draft was edited since.
   * @throws {EverdraftError} NOT_FOUND, TOO_LATE; after a failure NOT_A_DRAFT, VERSION_MISMATCH, APPROVAL_REQUIRED
   */
  retry(id: SendId): Promise<SendRecord>
  /**
   * Go: what a restored backup holds is sent, each at its time, unless it is found in Sent. @throws {EverdraftError} NOT_FOUND (account)
   */
  release(accountId: AccountId): Promise<{ readonly released: number }>
  /** The user's word on an `unknown` one. @throws {EverdraftError} NOT_FOUND, TOO_LATE */
  resolve(id: SendId, as: 'sent' | 'send_again'): Promise<SendRecord>
}

export interface DraftHit {
  readonly draft: DraftListItem
  /** The words around the first hit; each hit stands between U+2068 and U+2069. */
  readonly snippet: string
}

export interface TemplateInput extends DraftChanges {
  readonly name: string
}

/** What new drafts can begin with; `drafts.create({ templateId })`. */
export interface Template {
  readonly id: TemplateId
  readonly accountId: AccountId
  readonly name: string
  readonly content: DraftContent
  readonly createdAt: number
  readonly updatedAt: number
}

export interface Templates {
  /** @throws {EverdraftError} VALIDATION_ERROR, NOT_FOUND (account) */
  add(accountId: AccountId, input: TemplateInput): Promise<Template>
  /** @throws {EverdraftError} NOT_FOUND */
  get(accountId: AccountId, id: TemplateId): Promise<Template>
  /** By name. */
  list(accountId: AccountId, page?: PageRequest): Promise<Page<Template>>
  /** @throws {EverdraftError} NOT_FOUND */
  remove(accountId: AccountId, id: TemplateId): Promise<void>
}

export interface ApiTokenInput {
  readonly owner: Owner
  readonly scopes: readonly Scope[]
  /** What it is for, for people. */
  readonly name?: string
  /** In epoch milliseconds; null or left out: it does not expire. */
  readonly expiresAt?: number | null
}

/** Without what is shown at the door: of that only a digest is stored. */
export interface ApiToken {
  readonly id: ApiTokenId
  readonly owner: Owner
  readonly name: string
  readonly scopes: readonly Scope[]
  readonly expiresAt: number | null
  /** Within some minutes, as not each use is written down; null: not used yet. */
  readonly lastUsedAt: number | null
  readonly createdAt: number
}

export interface ApiTokens {
  /** `text` is what the bearer shows; it is told this once. @throws {EverdraftError} VALIDATION_ERROR */
  create(input: ApiTokenInput): Promise<{ readonly token: ApiToken; readonly text: string }>
  /** @throws {EverdraftError} NOT_FOUND */
  get(id: ApiTokenId): Promise<ApiToken>
  /** The newest first. Without `owner`: everybody's. */
  list(filter?: PageRequest & { readonly owner?: Owner }): Promise<Page<ApiToken>>
  /** It opens nothing from now on. @throws {EverdraftError} NOT_FOUND */
  revoke(id: ApiTokenId): Promise<void>
  /** Null: unknown, revoked or expired. */
  authenticate(text: string): Promise<ApiToken | null>
}

export interface WebhookInput {
  readonly owner: Owner
  /** `https:`, with `allowPrivate` also `http:`; without a user or a password. */
  readonly url: string
  /** Left out: all. */
  readonly events?: readonly EventType[]
  /** Left out: of all accounts, and of none. */
  readonly accountId?: AccountId
  /** Also to addresses within one's own network. Default false. */
  readonly allowPrivate?: boolean
}

/** What is left out stays. */
export interface WebhookChanges {
  readonly url?: string
  /** Null: all. */
  readonly events?: readonly EventType[] | null
  /** False: nothing is delivered until it is true again; then it goes on from where it was. */
  readonly isEnabled?: boolean
}

export interface Webhooks {
  /** For events from now on. `secret` signs the deliveries; it is told this once. @throws {EverdraftError} VALIDATION_ERROR */
  add(input: WebhookInput): Promise<{ readonly webhook: Webhook; readonly secret: string }>
  /** @throws {EverdraftError} NOT_FOUND */
  get(id: WebhookId): Promise<Webhook>
  /** The newest first. Without `owner`: everybody's. */
  list(filter?: PageRequest & { readonly owner?: Owner }): Promise<Page<Webhook>>
  /** With its log. @throws {EverdraftError} NOT_FOUND */
  remove(id: WebhookId): Promise<void>
  /** The newest first; of 30 days. @throws {EverdraftError} NOT_FOUND */
  deliveries(id: WebhookId, page?: PageRequest): Promise<Page<WebhookDelivery>>
  /** For events that were not delivered yet. @throws {EverdraftError} NOT_FOUND, VALIDATION_ERROR */
  change(id: WebhookId, changes: WebhookChanges): Promise<Webhook>
  /**
   * A new secret, told this once. The one before signs beside it for so long: default a day, at most seven, 0: not at all. One
   * before that signs no more. @throws {EverdraftError} NOT_FOUND, VALIDATION_ERROR
   */
  changeSecret(
    id: WebhookId,
    options?: { readonly previousValidMs?: number },
  ): Promise<{ readonly webhook: Webhook; readonly secret: string }>
  /** For who delivers: what signs now, the newest first. @throws {EverdraftError} NOT_FOUND, SECRETS_LOCKED */
  secrets(id: WebhookId): Promise<readonly string[]>
  /**
   * Writes an attempt down, and what follows from it: past the event, or when to try again, or that it is given up, which is an event.
   * Durable when it resolves. @throws {EverdraftError} NOT_FOUND
   */
  record(id: WebhookId, delivery: Omit<WebhookDelivery, 'attempt'>, policy: WebhookPolicy): Promise<Webhook>
  /** Up to the cursor nothing was wanted. @throws {EverdraftError} NOT_FOUND */
  skip(id: WebhookId, cursor: EventCursor): Promise<void>
}

/** A draft in a composer. `await using composer = engine.drafts.open(id)` closes it at the end of the block. */
export interface Composer extends AsyncDisposable {
  readonly draftId: Umid
  /** Resolves when the lease is on disk. @throws {EverdraftError} NOT_FOUND */
  readonly opened: Promise<void>
  /** For callers that renew by themselves, as over REST. */
  renew(): Promise<void>
  /** Ends the lease and uploads what was written at once. */
  close(): Promise<void>
}

export type TaskState = 'waiting' | 'running' | 'parked' | 'failed'

/** A row of the queue as users may see it. */
export interface TaskView {
  readonly id: TaskId
  readonly accountId: AccountId
  readonly kind: string
  /** What it is about: the draft's id for `draft_upload`. */
  readonly key: string
  readonly state: TaskState
  readonly attempts: number
  /** How many newer requests this one stands for. */
  readonly superseded: number
  readonly nextRunAt: number | null
  readonly lastError: LastError | null
  readonly createdAt: number
}

/** A task and what happened to it. */
export interface TaskDetails extends Omit<TaskView, 'state' | 'superseded'> {
  /** `done` and `cancelled` have left the queue. */
  readonly state: TaskState | 'done' | 'cancelled'
  /** Null once it has left the queue. */
  readonly superseded: number | null
  /** Oldest first. */
  readonly timeline: readonly TaskStep[]
}

export interface Tasks {
  /** What waits, runs, is parked or has failed; what is done leaves the queue. */
  list(accountId: AccountId, page?: PageRequest): Promise<Page<TaskView>>
  /** Also one that has left the queue, for 30 days. @throws {EverdraftError} NOT_FOUND */
  get(accountId: AccountId, taskId: TaskId): Promise<TaskDetails>
  /** Its timeline, oldest first; also of a task that is done, for 30 days. */
  timeline(accountId: AccountId, taskId: TaskId): Promise<readonly TaskStep[]>
  /** Runs it now, also when it is parked or failed; its attempts count from 0 again. @throws {EverdraftError} NOT_FOUND */
  retry(accountId: AccountId, taskId: TaskId): Promise<TaskView>
}

export interface SyncReport {
  /** Copies stored where there was none before. */
  readonly uploaded: number
  /** Copies stored in the place of an older one. */
  readonly replaced: number
  readonly imported: number
  readonly purged: number
  /** Drafts of the account that are not on the server yet as they are here. */
  readonly pending: number
  readonly errors: readonly LastError[]
  /** Over all connections of the account during this round. */
  readonly bytesSent: number
  readonly bytesReceived: number
  /** False: the time to wait was over before the work was. */
  readonly settled: boolean
}
