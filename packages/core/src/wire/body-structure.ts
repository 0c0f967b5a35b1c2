/** A part of a message as BODYSTRUCTURE describes it (RFC 3501 §7.4.2). */
export interface BodyPart {
  /** What `fetchPart` takes: `1`, `2.1`; `TEXT` for a multipart that is the whole body, `2` for one that is a part. */
  readonly section: string
  /** In lower case: `text/plain`, `multipart/mixed`. */
  readonly contentType: string
  /** Names in lower case; values decoded (RFC 2231). */
  readonly parameters: Readonly<Record<string, string>>
  /** In lower case: `base64`; null for a multipart. */
  readonly encoding: string | null
  /** Of the body as it is stored, in octets; null for a multipart. */
  readonly size: number | null
  /** In lower case: `attachment`, `inline`. */
  readonly disposition: string | null
  /** Decoded (RFC 2231, RFC 2047); of the disposition, else the type's `name`. */
  readonly filename: string | null
  /** With its angle brackets. */
  readonly contentId: string | null
  /** The parts of a multipart; the one body of a `message/rfc822`. */
  readonly children: readonly BodyPart[]
}
