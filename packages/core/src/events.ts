import type { Owner } from './access.ts'
import type { ContentField, DraftSyncView, LastError, UploadMethod } from './draft/draft.ts'
import type { SendPhase, SendReason, SendStatus } from './draft/send-state.ts'
import type {
  AccountId,
  AttemptId,
  ConflictId,
  EventCursor,
  FolderPath,
  MessageId,
  OutcomeId,
  SendId,
  TaskId,
  Uid,
  UidValidity,
  Umid,
  UserId,
  Version,
  WebhookId,
} from './ids.ts'
import type { EvidenceClass, Verdict } from './responder/outcome.ts'

/** An event as subscribers hear it. `at`: epoch milliseconds. */
export type ToldEvent = EngineEvent & { readonly cursor: EventCursor; readonly at: number }

/** What happened, told after it was committed. Never with a user's text. */
export type EngineEvent =
  | { readonly type: 'account-added' | 'account-changed'; readonly accountId: AccountId }
  /** With whose it was, as nothing else here knows that any more. */
  | { readonly type: 'account-removed'; readonly accountId: AccountId; readonly owner: Owner }
  | {
      readonly type: 'draft-created' | 'draft-discarded' | 'draft-undiscarded'
      readonly accountId: AccountId
      readonly draftId: Umid
      readonly version: Version
    }
  | {
      readonly type: 'draft-approved'
      readonly accountId: AccountId
      readonly draftId: Umid
      readonly version: Version
      readonly by: UserId
    }
  /** From now on it is sent only as it was approved, or need not be approved any more. */
  | {
      readonly type: 'review-changed'
      readonly accountId: AccountId
      readonly draftId: Umid
      readonly required: boolean
    }
  | {
      readonly type: 'conflict-raised' | 'conflict-resolved'
      readonly accountId: AccountId
      readonly draftId: Umid
      readonly conflictId: ConflictId
    }
  /** A message that another program put into the folder is a draft here now. `succeeds`: the draft that it comes from. */
  | {
      readonly type: 'draft-imported'
      readonly accountId: AccountId
      readonly draftId: Umid
      readonly version: Version
      readonly succeeds: Umid | null
    }
  /** To another account; heard by the subscribers of the new one. */
  | {
      readonly type: 'draft-moved'
      readonly accountId: AccountId
      readonly draftId: Umid
      readonly version: Version
      readonly fromAccountId: AccountId
    }
  | {
      readonly type: 'draft-saved'
      readonly accountId: AccountId
      readonly draftId: Umid
      readonly version: Version
      readonly fieldsChanged: readonly ContentField[]
    }
  | {
      readonly type: 'upload-started'
      readonly accountId: AccountId
      readonly draftId: Umid
      readonly version: Version
      readonly attemptId: AttemptId
      readonly method: UploadMethod
    }
  | {
      readonly type: 'upload-finished'
      readonly accountId: AccountId
      readonly draftId: Umid
      readonly version: Version
      readonly attemptId: AttemptId
      readonly method: UploadMethod
      readonly messageId: MessageId
      readonly folder: FolderPath
      readonly uidValidity: UidValidity
      readonly uid: Uid
      readonly bytesSent: number
      /** There was an older copy, which this one takes the place of. */
      readonly replaced: boolean
    }
  /** A copy of ours went from the server. */
  | {
      readonly type: 'copy-removed'
      readonly accountId: AccountId
      readonly draftId: Umid
      readonly folder: FolderPath
      readonly uid: Uid
    }
  /** A mass vanish: nothing is purged until `sync` is called with `confirmLosses`. */
  | { readonly type: 'losses-held'; readonly accountId: AccountId; readonly error: LastError }
  /** The draft's copy vanished from the server by somebody's hand: the draft is in the local trash. */
  | {
      readonly type: 'draft-purged'
      readonly accountId: AccountId
      readonly draftId: Umid
      /** The Message-ID of the mail in Sent that somebody made of it elsewhere; null where none was found. */
      readonly sentAs: MessageId | null
    }
  /** Somebody has consented to send it. */
  | {
      readonly type: 'send-queued'
      readonly accountId: AccountId
      readonly draftId: Umid
      readonly sendId: SendId
      readonly version: Version
      /** Not before that time, in epoch milliseconds. */
      readonly dueAt: number
    }
  /** Also when only the phase has changed. */
  | {
      readonly type: 'send-status-changed'
      readonly accountId: AccountId
      readonly draftId: Umid
      readonly sendId: SendId
      readonly status: SendStatus
      readonly phase: SendPhase
      readonly error: SendReason | null
    }
  /** What was taken for somebody came back: the record of the send says of whom. */
  | {
      readonly type: 'send-bounced'
      readonly accountId: AccountId
      readonly draftId: Umid
      readonly sendId: SendId
      readonly reason: SendReason
    }
  /** A program has answered a mail by this draft, and it is for a person to send it. */
  | {
      readonly type: 'outcome.created'
      readonly accountId: AccountId
      readonly draftId: Umid
      readonly outcomeId: OutcomeId
    }
  /** The conversation went on before it was sent: the draft `by` answers it now. */
  | {
      readonly type: 'outcome.superseded'
      readonly accountId: AccountId
      readonly draftId: Umid
      readonly outcomeId: OutcomeId
      readonly by: Umid
      /** It has a person's words in it, and stays where it is. */
      readonly isKept: boolean
    }
  /** A mail that was sent comes from it; told again where later evidence names another mail. */
  | {
      readonly type: 'outcome.sent'
      readonly accountId: AccountId
      readonly draftId: Umid
      readonly outcomeId: OutcomeId
      readonly evidence: EvidenceClass
      readonly verdict: Verdict
    }
  | {
      readonly type: 'draft-sync-changed'
      readonly accountId: AccountId
      readonly draftId: Umid
      readonly state: DraftSyncView['state']
    }
  | {
      readonly type: 'task-retrying' | 'task-parked' | 'task-failed'
      readonly accountId: AccountId
      readonly taskId: TaskId
      readonly kind: string
      readonly key: string
      readonly error: LastError
      readonly nextRunAt: number | null
    }
  /** It took nothing for days, and is given nothing more. Of no account. */
  | {
      readonly type: 'webhook-disabled'
      readonly accountId: null
      readonly owner: Owner
      readonly webhookId: WebhookId
    }

export type EventType = EngineEvent['type']

/** The compiler sees that none is forgotten. */
const known = {
  'account-added': true,
  'account-changed': true,
  'account-removed': true,
  'draft-created': true,
  'draft-saved': true,
  'draft-discarded': true,
  'draft-undiscarded': true,
  'draft-imported': true,
  'draft-moved': true,
  'draft-purged': true,
  'draft-sync-changed': true,
  'draft-approved': true,
  'review-changed': true,
  'conflict-raised': true,
  'conflict-resolved': true,
  'upload-started': true,
  'upload-finished': true,
  'copy-removed': true,
  'losses-held': true,
  'send-queued': true,
  'send-status-changed': true,
  'send-bounced': true,
  'outcome.created': true,
  'outcome.superseded': true,
  'outcome.sent': true,
  'task-retrying': true,
  'task-parked': true,
  'task-failed': true,
  'webhook-disabled': true,
} satisfies Record<EventType, true>

export const eventTypes: readonly EventType[] = Object.keys(known) as EventType[]
