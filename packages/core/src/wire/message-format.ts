import type { Address } from '../draft/address.ts'
import type { Attachment, DraftContent } from '../draft/draft.ts'
import type { Unmodelled, UnmodelledPart } from '../draft/unmodelled.ts'
import type { Hasher } from '../environment.ts'
import type { MessageId, Sha256 } from '../ids.ts'

/**
 * A message to be built: what the draft says, and what identifies this copy of it. What `parse` gave as unmodelled for the
 * message that the draft was read from goes back to where it was (hazard 12).
 */
export interface MessageToCompose {
  readonly content: DraftContent
  readonly messageId: MessageId
  /** Milliseconds; the `Date` header (RFC 5322 §3.6.1). */
  readonly date: number
  /** Additional header fields, in order; `X-Everdraft-…` for a draft copy. */
  readonly headers: readonly { readonly name: string; readonly value: string }[]
  /** Drafts keep Bcc; a message on its way to SMTP must not (hazard 39), nor other programs' notes to themselves. */
  readonly includeBcc: boolean
  /** Other programs' notes to themselves, and ours. Default: as Bcc. A draft that is handed on has Bcc, and none of these. */
  readonly includeNotes?: boolean
  /**
   * Reads an attachment's decoded bytes. Only asked for `message/…` types, which must not be base64 (RFC 2046 §5.2.1):
   * whether they can travel as they are has to be seen. Without it they are base64, which readers decode all the same.
   */
  readonly open?: (attachment: Attachment) => AsyncIterable<Uint8Array>
  /**
   * Attachments as they are, with `Content-Transfer-Encoding: binary`, for a mailbox with BINARY (RFC 3516 §4.4): a quarter
   * less goes over the line than with base64. Default false.
   */
  readonly binary?: boolean
  /**
   * Whatever mail can be sent to stands there as an address, in raw UTF-8 (RFC 6532) where ASCII has no form for it: for servers with
   * SMTPUTF8 or UTF8=ACCEPT. Default: 7-bit, and what some servers mend or drop is the name of an empty group.
   */
  readonly utf8Addresses?: boolean
}

/** Where an attachment's encoded bytes stand in the message. */
export type ComposedSegment =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | {
      /** An attachment, or an unmodelled part: then `sha256` and `size` are those of its raw body. */
      readonly kind: 'attachment'
      readonly sha256: Sha256
      /** How many bytes `encode` takes. */
      readonly size: number
      /** The IMAP section of that part, `2` or `1.3`; `TEXT` where it is the whole body (RFC 3501 §6.4.5). */
      readonly section: string
      /** Exactly what `encode` yields. */
      readonly encodedSize: number
      /**
       * The part's body as it goes into the message: in lines of base64, or as it is. Each piece is memory of its own, or that
       * of a piece of `decoded`, and keeps none of that for later.
       */
      encode(decoded: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>
    }

export interface ComposedMessage {
  readonly segments: readonly ComposedSegment[]
  /** RFC822.SIZE: the sum of all segments. */
  readonly size: number
  /** Some part is 8-bit: SMTP needs 8BITMIME for it (RFC 6152). Without unmodelled parts and `open` it never is. */
  readonly eightBit: boolean
  /** Some address is in raw UTF-8: SMTP needs SMTPUTF8 for it (RFC 6531). Absent is false; without `utf8Addresses` it never is. */
  readonly utf8Header?: boolean
  /**
   * Some part is binary: to be stored with `binary`, and never to be sent. The server keeps it in an encoding of its own,
   * so that `size`, `encodedSize` and sections are to be read back from it. Absent is false.
   */
  readonly binary?: boolean
}

export interface ParsedAttachment {
  readonly filename: string
  readonly contentType: string
  readonly size: number
  readonly sha256: Sha256
  readonly disposition: 'attachment' | 'inline'
  readonly contentId: string | null
  /** Where its encoded bytes are to be fetched (RFC 3501 §6.4.5), and how they are encoded (RFC 2045 §6.1). */
  readonly section: string
  readonly encoding: string
  /** Of the body as it stands in the message (RFC 3501 §7.4.2, "size in octets"). */
  readonly encodedSize: number
}

/** Signed and encrypted bodies are opaque: a change of a byte would break the one, and we cannot read the other. */
export type Protection = 'signed' | 'encrypted'

export interface ParsedMessage {
  readonly messageId: MessageId | null
  /** Milliseconds; null where the field is missing or says no date. */
  readonly date: number | null
  readonly from: Address | null
  readonly sender: Address | null
  readonly replyTo: readonly Address[]
  readonly to: readonly Address[]
  readonly cc: readonly Address[]
  readonly bcc: readonly Address[]
  /** `Mail-Followup-To`: where the author wants replies to all. */
  readonly mailFollowupTo: readonly Address[]
  /** The address of a mailing list (RFC 2369 §3.4). */
  readonly listPost: string | null
  readonly subject: string
  readonly inReplyTo: MessageId | null
  readonly references: readonly MessageId[]
  /** LF line ends. */
  readonly text: string
  readonly html: string | null
  readonly attachments: readonly ParsedAttachment[]
  /** Not null: the body as a whole is one unmodelled part; text, HTML and attachments are empty. */
  readonly protection: Protection | null
  /** What the fields above do not say; null where `compose` makes all of the message from them alone. */
  readonly unmodelled: Unmodelled | null
}

export interface ParseOptions {
  /**
   * Takes the bytes of attachments (decoded) and of unmodelled parts (as they stand) while they pass. The parser waits
   * for it, and reads on over what it leaves.
   */
  readonly onPart?: (part: PassingPart, bytes: AsyncIterable<Uint8Array>) => Promise<void>
  /**
   * Reads the text of a signed message, to show it or to quote from it; `protection` still says that it is signed.
   * Such a message cannot be composed again: `unmodelled` is null. Default false.
   */
  readonly lookIntoSigned?: boolean
}

export type PassingPart =
  | ({ readonly kind: 'attachment' } & Omit<ParsedAttachment, 'size' | 'sha256' | 'encodedSize'>)
  | ({ readonly kind: 'unmodelled' } & Omit<UnmodelledPart, 'size' | 'sha256'>)

/**
 * Builds and reads messages (RFC 5322, MIME). What is built from the same input is the same to the byte, and what was
 * built is read as what it was built from.
 */
export interface MessageFormat {
  /** @throws {TypeError} for a header field that would break the header */
  compose(message: MessageToCompose): Promise<ComposedMessage>
  /**
   * Reads to the end; attachments are hashed as they pass, never held whole. However broken a message is, it is read:
   * only `raw` and `onPart` make this fail.
   */
  parse(raw: AsyncIterable<Uint8Array>, createSha256: () => Hasher, options?: ParseOptions): Promise<ParsedMessage>
}
