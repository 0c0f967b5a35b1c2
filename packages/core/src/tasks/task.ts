import type { DraftStatus, LastError } from '../draft/draft.ts'
import type { Environment } from '../environment.ts'
import { EverdraftError } from '../errors.ts'
import type { AccountId, DeviceId, Umid } from '../ids.ts'
import type { ResponderRequest, ResponderSettings } from '../responder/responder.ts'
import type { Answered } from '../storage/direct.ts'
import type { Join } from '../storage/postponed.ts'
import type { Changes, Store, Write } from '../storage/store.ts'
import type { BounceReader } from '../wire/bounce.ts'
import { type MailboxSession, WireError } from '../wire/mailbox.ts'
import type { MessageFormat } from '../wire/message-format.ts'
import type { SubmissionSession } from '../wire/submission.ts'

/** Tasks whose effects are local: planned and done in one transaction. */
export type LocalTaskName =
  | 'draft_create'
  | 'draft_save'
  | 'draft_attach'
  | 'draft_detach'
  | 'draft_discard'
  | 'draft_undiscard'
  | 'draft_restore'
  | 'draft_move'
  | 'draft_resolve'
  | 'draft_approve'
  | 'outbox_queue'
  | 'outbox_cancel'
  | 'outbox_retry'
  | 'outbox_resolve'
  | 'outbox_release'
/** Tasks that are executed on the wire, from a row of the queue. */
export type WireTaskName =
  | 'draft_upload'
  | 'draft_import'
  | 'mailbox_sync'
  | 'outbox_check'
  | 'outbox_quote'
  | 'outbox_send'
  | 'outbox_file'
  | 'outbox_bounces'
  | 'outcome_correlate'
  | 'inbox_watch'
  | 'responder_answer'

/** A task to be stored in the transaction that asks for it. */
export interface FollowUp {
  readonly task: WireTaskName
  readonly accountId: AccountId
  /** What it is about; requests with the same key join. */
  readonly key: string
  readonly delayMs: number
  readonly join: Join
  /** Somebody waits for it. Default false. */
  readonly urgent?: boolean
  /** Of one part one runs at a time, beside those of the others. The same key is always of the same part. Default 0. */
  readonly part?: number
}

export interface PlanContext {
  readonly write: Write
  readonly environment: Environment
  readonly now: number
  readonly device: DeviceId
  /** How long a save waits for the next one before it is uploaded. */
  readonly uploadDelay: { readonly delayMs: number; readonly join: Join }
}

export interface Planned<Result> {
  readonly result: Result
  readonly followUps: readonly FollowUp[]
}

export interface LocalTask<Input, Result> {
  readonly name: LocalTaskName
  /** See `Store.write`. Default `other`. */
  readonly changes?: Changes
  /** Local, fast, offline; runs in one transaction with its effects and follow-ups. */
  plan(context: PlanContext, input: Input): Answered<Planned<Result>>
}

export interface ExecuteContext {
  readonly accountId: AccountId
  readonly environment: Environment
  readonly store: Store
  readonly format: MessageFormat
  readonly signal: AbortSignal
  /** When to look at a folder again where nothing else asks for it. */
  readonly pollMs: number
  /** Somebody waits for this run: what it costs in bytes is no reason to wait. */
  readonly urgent: boolean
  /** What a server does to drafts is found out by storing a message there. */
  readonly probes: boolean
  /** Listens to the account's folders from now on. */
  watch(): void
  /** Connects where that is not done yet. @throws {WireError} */
  session(): Promise<MailboxSession>
  /** Likewise, to the server that takes the account's mail. @throws {WireError} */
  submission(): Promise<SubmissionSession>
  readonly sentCopy: SentCopyTiming
  readonly bounces: BounceWatch
  /** Listens to the account's INBOX, too, from now on, over a connection of its own. */
  watchInbox(): void
  readonly responders: ResponderAccess
  /** A write that is refused when somebody else has claimed the lane since. */
  write<Result>(change: (write: Write) => Promise<Result>): Promise<Result>
}

/** All in milliseconds, from when a server took the mail. */
export interface SentCopyTiming {
  /** How long a server that nothing is known of has to file the mail in Sent by itself, before we do. */
  readonly waitMs: number
  /** When we look whether it did so after all. */
  readonly lookAgainMs: number
}

export interface BounceWatch {
  /** Null: nobody looks for bounces. */
  readonly reader: BounceReader | null
  /** How long after a mail went one may come, in milliseconds. */
  readonly forMs: number
}

export interface ResponderAccess {
  /** What responders write is for people to send. */
  readonly draftOnly: boolean
  /** Null: this engine asks nobody, and leaves the mail to one that does. */
  readonly ask: AskResponder | null
}

/** What came back, which may be anything. @throws {ResponderError} */
export type AskResponder = (
  settings: ResponderSettings,
  request: ResponderRequest,
  options: { readonly deliveryId: string; readonly signal: AbortSignal },
) => Promise<unknown>

export interface WireTask {
  readonly name: WireTaskName
  /** One task at a time in each (account, lane), and in each part of it. */
  readonly lane: 'mailbox' | 'submission' | 'responder'
  /** The higher goes first: what a person waits for. */
  readonly priority: number
  /** May be cut anywhere and run again. */
  execute(context: ExecuteContext, key: string): Promise<Outcome>
}

/** How a run ended. Exceptions are for bugs, and for what `outcomeOf` knows. */
export type Outcome =
  | { readonly kind: 'done'; readonly followUps: readonly FollowUp[] }
  /**
   * Done, once `change` is stored: that is part of the transaction which ends the run. Where the store refuses, it is tried
   * until it does not, so that what is known by now is not lost. Like every change it may be run anew.
   */
  | { readonly kind: 'closing'; readonly change: (write: Write) => Promise<readonly FollowUp[]> }
  /** Try again, with back-off; it costs an attempt. */
  | { readonly kind: 'retry'; readonly error: LastError }
  /** Try again, with back-off; it costs no attempt (hazard 29). */
  | { readonly kind: 'offline'; readonly error: LastError }
  | { readonly kind: 'snooze'; readonly untilMs: number }
  /** Only a change of the draft or the user's word starts it again; the reason is for them to read (hazard 22). */
  | { readonly kind: 'park'; readonly error: LastError }
  /** What it was about is gone. */
  | { readonly kind: 'cancel' }
  /** Sent, and the reply lost. The attempt's record says how it is resolved, first thing in the next run. */
  | { readonly kind: 'ambiguous'; readonly error: LastError }
  /** Our code threw: kept with its error, never dropped, and it blocks nothing else. */
  | { readonly kind: 'failed'; readonly error: LastError }

/** A round over the account's folder. */
export function syncAfter(accountId: AccountId, delayMs: number): FollowUp {
  return { task: 'mailbox_sync', accountId, key: accountId, delayMs, join: 'sooner' }
}

/** For what the drafts themselves say is to be done. One that is parked or backs off is left to its reason. */
export function uploadInNeed(draft: { readonly id: Umid; readonly accountId: AccountId }): FollowUp {
  return { task: 'draft_upload', accountId: draft.accountId, key: draft.id, delayMs: 0, join: 'keep' }
}

export function done(...followUps: readonly FollowUp[]): Extract<Outcome, { kind: 'done' }> {
  return { kind: 'done', followUps }
}

/** The outcome of a run that threw. */
export function outcomeOf(error: unknown, now: number): Exclude<Outcome, { kind: 'closing' }> {
  if (error instanceof WireError) {
    const lastError: LastError = { code: error.code, message: error.message, at: now }
    return { kind: error.isConnectivity || error.code === 'ABORTED' ? 'offline' : 'retry', error: lastError }
  }
  if (error instanceof EverdraftError && error.code === 'NOT_FOUND') return { kind: 'cancel' }
  if (error instanceof EverdraftError) {
    return { kind: 'retry', error: { code: error.code, message: error.message, at: now } }
  }
  // Messages of unknown errors may hold anything, also what a user wrote: only the kind is told.
  const name = error instanceof Error ? error.name : typeof error
  return { kind: 'failed', error: { code: 'INTERNAL', message: `unexpected ${name}`, at: now } }
}

export function isWanted(status: DraftStatus): boolean {
  return status === 'draft' || status === 'queued' || status === 'sending'
}
