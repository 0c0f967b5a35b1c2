import type { AccountId, ConversationId, MessageId, OutcomeId, TenantId, Umid, UserId } from '../ids.ts'

/** `superseded`: the conversation went on before the draft was sent, and a newer draft answers it. */
export type OutcomeStatus = 'draft_created' | 'sent' | 'superseded'

/** How sure it is that the sent mail comes from the draft. */
export type EvidenceClass = (typeof evidenceClasses)[number]

export const evidenceClasses = ['exact', 'strong', 'probable'] as const

/**
 * What became of a draft that a program wrote. `replied-without-draft`: somebody answered, and not by this draft. `unknown`: it is
 * gone from Drafts, and nothing that was sent says where to.
 */
export type Verdict = (typeof verdicts)[number]

export const verdicts = [
  'pending',
  'sent-unchanged',
  'sent-edited',
  'replied-without-draft',
  'discarded',
  'unknown',
] as const

/** A draft that a program wrote, and what a person made of it. Times in epoch milliseconds. */
export interface Outcome {
  readonly id: OutcomeId
  readonly accountId: AccountId
  readonly tenantId: TenantId
  readonly userId: UserId
  /** Of the account, as it was then; empty where it has none. */
  readonly userName: string
  /** The draft's own id: the sending does not change it. */
  readonly messageId: Umid
  readonly conversationId: ConversationId
  /** Of the mail that is answered; null where it has none. */
  readonly replyToMessageId: MessageId | null
  /** As it was given, whether anybody knows it or not; null: none was. */
  readonly scenario: string | null
  /** What the program gave: without the quote. */
  readonly draftSubject: string
  readonly draftBody: string
  /** What went to the server. */
  readonly finalSubject: string
  readonly finalBody: string
  readonly metadata: Readonly<Record<string, unknown>>
  readonly status: OutcomeStatus
  readonly createdAt: number
  readonly superseded: Supersession | null
  readonly sent: SentOutcome | null
  readonly verdict: Verdict
}

export interface Supersession {
  readonly at: number
  /** The draft that took its place. */
  readonly by: Umid
  /** Somebody had written in it, or was about to: it was left where it is. */
  readonly isKept: boolean
}

/** The mail that went, and how like the draft it is. */
export interface SentOutcome {
  /** Of the sent mail, or what else tells it apart where it has none: no two outcomes of an account have the same. */
  readonly messageId: string
  readonly subject: string
  readonly body: string
  /** Addresses, with commas between them. */
  readonly to: string
  readonly at: number
  readonly evidence: EvidenceClass
  /** From 0 to 1. */
  readonly score: number
  /** From 0 to 1, between what was written above the quote in the one and in the other. */
  readonly similarity: number
  /** Between the same, in characters. */
  readonly editDistance: number
}
