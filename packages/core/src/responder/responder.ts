import type { Address } from '../draft/address.ts'
import type { AccountId, MessageId } from '../ids.ts'
import type { MailFilters } from './mail-filters.ts'

/** What answers new mail of an account by drafts. */
export interface ResponderSettings {
  readonly accountId: AccountId
  /** Who is asked. */
  readonly target: ResponderTarget
  readonly filters: MailFilters
  /** Of its drafts, where an answer names none. */
  readonly scenario: string | null
  /** How long an answer may take. */
  readonly timeoutMs: number
  /** For so long after a draft of a conversation was sent, none is made in it. */
  readonly cooldownMs: number
  /** So many drafts within an hour at most: the rest of the mails wait. */
  readonly hourlyLimit: number
  readonly createdAt: number
  readonly updatedAt: number
}

export type ResponderTarget =
  /** A function of the program that the engine is part of, by its name there. */
  | { readonly kind: 'module'; readonly name: string }
  /** `allowPrivate`: also within one's own network. */
  | { readonly kind: 'url'; readonly url: string; readonly allowPrivate: boolean }

/** A mail that is to be answered. */
export interface ResponderMail {
  readonly messageId: MessageId | null
  readonly from: Address | null
  readonly to: readonly Address[]
  readonly cc: readonly Address[]
  readonly subject: string
  /** Epoch milliseconds; null where it has none. */
  readonly date: number | null
  /** At most 256 KiB; where the mail has only HTML, its words. LF line ends. */
  readonly text: string
  readonly html: string | null
  readonly inReplyTo: MessageId | null
  readonly references: readonly MessageId[]
}

/** What came before in the conversation, as far as it is known here. */
export interface EarlierMail {
  /** A mail that came; a draft that was made for one, and not sent; a draft as it was sent. */
  readonly kind: 'received' | 'draft' | 'sent'
  readonly messageId: string | null
  readonly subject: string
  readonly text: string
  /** Epoch milliseconds. */
  readonly at: number
}

export interface ResponderRequest {
  readonly accountId: AccountId
  readonly message: ResponderMail
  /** The oldest first, the last twenty. */
  readonly conversation: readonly EarlierMail[]
}

/** The words of a reply; the quote, the recipients and the threading are not its affair. */
export interface ResponderAnswer {
  readonly text: string
  readonly html?: string
  /** Default: `Re: ` and the subject of the mail. */
  readonly subject?: string
  /** Kept as given, whether anybody knows it or not. */
  readonly scenario?: string
  /** JSON, kept with the draft. */
  readonly metadata?: Readonly<Record<string, unknown>>
}

/**
 * Answers a mail; null: it is not to be answered. It is asked again where it throws or takes too long, and may be asked again about
 * the same mail after a crash: of the answers one becomes a draft. `signal`: nobody waits any more.
 */
export type Responder = (
  request: ResponderRequest,
  options: { readonly signal: AbortSignal },
) => Promise<ResponderAnswer | null> | ResponderAnswer | null
