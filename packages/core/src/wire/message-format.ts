import type { Address } from '../draft/address.ts'
import type { DraftContent } from '../draft/draft.ts'
import type { Hasher } from '../environment.ts'
import type { MessageId, Sha256 } from '../ids.ts'

/** A message to be built: what the draft says, and what identifies this copy of it. */
export interface MessageToCompose {
  readonly content: DraftContent
  readonly messageId: MessageId
  /** Milliseconds; the `Date` header (RFC 5322 §3.6.1). */
  readonly date: number
  /** Additional header fields, in order; `X-Everdraft-…` for a draft copy. */
  readonly headers: readonly { readonly name: string; readonly value: string }[]
  /** Drafts keep Bcc; a message on its way to SMTP must not (hazard 39). */
  readonly includeBcc: boolean
}

/** Where an attachment's encoded bytes stand in the message. */
export type ComposedSegment =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | {
      readonly kind: 'attachment'
      readonly sha256: Sha256
      /** The IMAP section of that part, `2` or `1.3` (RFC 3501 §6.4.5). */
      readonly section: string
      /** Exactly what `encode` yields. */
      readonly encodedSize: number
      /** The part's body as it goes into the message: base64, lines of 76, CRLF between them and none at the end. */
      encode(decoded: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>
    }

export interface ComposedMessage {
  readonly segments: readonly ComposedSegment[]
  /** RFC822.SIZE: the sum of all segments. */
  readonly size: number
}

export interface ParsedAttachment {
  readonly filename: string
  readonly contentType: string
  readonly size: number
  readonly sha256: Sha256
  readonly disposition: 'attachment' | 'inline'
  readonly contentId: string | null
}

export interface ParsedMessage {
  readonly messageId: MessageId | null
  readonly from: Address | null
  readonly to: readonly Address[]
  readonly cc: readonly Address[]
  readonly bcc: readonly Address[]
  readonly subject: string
  readonly inReplyTo: MessageId | null
  readonly references: readonly MessageId[]
  /** LF line ends. */
  readonly text: string
  readonly html: string | null
  readonly attachments: readonly ParsedAttachment[]
}

/** Builds and reads messages (RFC 5322, MIME). What is built from the same input is the same to the byte. */
export interface MessageFormat {
  compose(message: MessageToCompose): Promise<ComposedMessage>
  /** Reads to the end; attachments are hashed as they pass, never held whole. */
  parse(raw: AsyncIterable<Uint8Array>, createSha256: () => Hasher): Promise<ParsedMessage>
}
