import type { MessageId } from '../ids.ts'

/** What became of a mail for one recipient (RFC 3464 §2.3.3). */
export interface BouncedRecipient {
  /** As it was sent to where the report says that (Original-Recipient), else as it failed. Empty: the report names nobody. */
  readonly address: string
  readonly action: 'failed' | 'delayed' | 'delivered' | 'relayed' | 'expanded'
  /** RFC 3463, `5.1.1`; null where the report has none. */
  readonly status: string | null
  /** The words of the server that refused it, at most 500 characters; null where there are none. */
  readonly diagnostic: string | null
}

/** A message that a mail system wrote about one of ours, with what says which one it is about. */
export interface Bounce {
  readonly recipients: readonly BouncedRecipient[]
  /** Original-Envelope-Id (RFC 3464 §2.2.1): the ENVID that we gave. */
  readonly envid: string | null
  /** Of the mail that came back: as we gave it, where a provider that gives another one keeps ours. */
  readonly messageId: MessageId | null
  /** `X-Everdraft-Id` of the mail that came back, or the token in its Message-ID, where it has one. */
  readonly token: string | null
  /** `report`: RFC 3464 or RFC 6533, to be trusted in each field. `text`: read from words that people were to read. */
  readonly kind: 'report' | 'text'
}

/** Reads reports of mail systems. Null: it is none; answers of people's programs (RFC 3834) are none. */
export interface BounceReader {
  /** The header fields that `mayBe` wants. */
  readonly fields: readonly string[]
  /** Whether a message may be a report, from those fields: false for nearly all that people and lists write. */
  mayBe(header: Uint8Array): boolean
  /** Never fails, however broken the message is. Only the first megabyte is looked at. */
  read(raw: Uint8Array): Bounce | null
}
