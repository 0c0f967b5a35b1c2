import type { Owner } from '../../access.ts'
import type { SendPhase, SendReason, SendRecipient, SendStatus } from '../../draft/send-state.ts'
import type { AccountId, MessageId, SendId, Umid, Version } from '../../ids.ts'
import type { RepeatableRequest } from '../../storage/repeatable-request.ts'
import type { Page, PageRequest } from './pages.ts'

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
