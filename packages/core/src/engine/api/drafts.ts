import type { Owner } from '../../access.ts'
import type { DraftChanges } from '../../draft/content.ts'
import type {
  Attachment,
  Author,
  Comparison,
  Draft,
  DraftListItem,
  DraftPolicy,
  DraftStatus,
  Revision,
} from '../../draft/draft.ts'
import type { MergeStrategy } from '../../draft/merge.ts'
import type { AccountId, AttachmentId, ConflictId, DeviceId, TemplateId, Umid, UserId, Version } from '../../ids.ts'
import type { Conflict } from '../../storage/conflicts.ts'
import type { RepeatableRequest } from '../../storage/repeatable-request.ts'
import type { AttachmentInput, AttachmentRead } from './attachments.ts'
import type { Page, PageRequest } from './pages.ts'
import type { ReplyInput } from './replies.ts'
import type { ReviewInput } from './reviews.ts'
import type { SendOptions, SendRecord } from './sends.ts'

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
  /** Of the draft's account, which is picked by it where nothing else names one; the fields given win over the template's. */
  readonly templateId?: TemplateId
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
   * Back to what it was when this device's composer opened it, or to what another program has made of it since; without
   * a composer, to what was synchronized last. The draft stays, and so does its history (hazard 18). @throws as `save`
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

export interface DraftHit {
  readonly draft: DraftListItem
  /** The words around the first hit; each hit stands between U+2068 and U+2069. */
  readonly snippet: string
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
