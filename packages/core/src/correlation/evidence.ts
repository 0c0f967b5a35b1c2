import type { Address } from '../draft/address.ts'
import type { MessageId, Sha256, Umid } from '../ids.ts'
import type { EvidenceClass } from '../responder/outcome.ts'

/** What ties a sent mail to a draft, the surest first. */
export type EvidenceKind =
  /** We sent it, or another device of ours. */
  | 'submission'
  /** EMAILID (RFC 8474 §5.1) or X-GM-MSGID: the server itself says that it is the same message. */
  | 'server-id'
  /** Our token or id in its header, or in the field in which a provider keeps the Message-ID that it has replaced. */
  | 'token'
  /** The id of another program's edit of the draft, which was seen in Drafts. */
  | 'successor'
  /** It answers the same mail, or none and has the same subject, from and to the same people; and the draft vanished when it went. */
  | 'vanished'
  /** It says much the same, to the same people. */
  | 'content'

export const classOfEvidence: Readonly<Record<EvidenceKind, EvidenceClass>> = {
  submission: 'exact',
  'server-id': 'exact',
  token: 'exact',
  successor: 'strong',
  vanished: 'probable',
  content: 'probable',
}

/** What a draft said, or a sent mail says. */
export interface MailText {
  readonly from: Address | null
  readonly to: readonly Address[]
  readonly cc: readonly Address[]
  readonly bcc: readonly Address[]
  readonly subject: string
  readonly text: string
  readonly html: string | null
  readonly inReplyTo: MessageId | null
  readonly references: readonly MessageId[]
  /** Null: nobody has read them. */
  readonly attachments: readonly { readonly sha256: Sha256 }[] | null
}

/** All that a draft may be known again by. Times are epoch milliseconds. */
export interface DraftTrace {
  readonly draftId: Umid
  readonly createdAt: number
  /** See sync/message-ids.ts: it stands in the Message-ID of each copy. */
  readonly token: string
  /** What the Message-IDs of our own mails of this draft begin with; null where nobody has worked it out. */
  readonly sentMark: string | null
  /** Of copies that we stored. */
  readonly uploadIds: readonly MessageId[]
  /** Of what other programs made of it in Drafts. */
  readonly successorIds: readonly MessageId[]
  /** Of mails that we sent of it, with those that a provider gave them. */
  readonly submissionIds: readonly MessageId[]
  /** EMAILID or X-GM-MSGID of its messages. */
  readonly serverIds: readonly string[]
  /** What it said, the first as its author gave it, the last as it was last seen in Drafts. At least one. */
  readonly versions: readonly [MailText, ...MailText[]]
  readonly whereabouts: Whereabouts
}

export type Whereabouts =
  /** In Drafts, when it was looked for last. */
  | { readonly kind: 'there'; readonly seenAt: number }
  /** It went from Drafts, by somebody else's doing, after `seenAt` and before `goneAt`. */
  | { readonly kind: 'gone'; readonly seenAt: number; readonly goneAt: number }
  /** Removed here. */
  | { readonly kind: 'discarded'; readonly at: number }

/** A mail in Sent. */
export interface SentMail {
  /** How the caller calls it. */
  readonly key: string
  readonly messageId: MessageId | null
  /** From `X-Google-Original-Message-ID` and `X-Microsoft-Original-Message-ID`. */
  readonly originalIds: readonly MessageId[]
  readonly everdraftId: Umid | null
  readonly serverIds: readonly string[]
  /** Its `Date`, else when the server got it. */
  readonly sentAt: number
  readonly content: MailText
}
