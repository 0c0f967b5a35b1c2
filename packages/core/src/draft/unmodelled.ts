import type { Sha256 } from '../ids.ts'

/**
 * What a message says beside the fields of a draft: it came from another program, and goes back to where it stood when the
 * draft is saved (hazard 12). Survives `JSON`, as it is part of a revision.
 */
export interface Unmodelled {
  /** Header fields of the message. */
  readonly headers: readonly RawField[]
  /** In the order of the message. Their bytes went to `onPart`. */
  readonly parts: readonly UnmodelledPart[]
  /** Where text, HTML, attachments and unmodelled parts stood. */
  readonly structure: PartStructure
}

/**
 * A header field as it stood: a character for each byte (ISO 8859-1), CRLF where it is folded and none at its end.
 * Blanks before its colon are gone: RFC 5322 §4.5 forbids to write them, and servers refuse them.
 */
export interface RawField {
  readonly name: string
  readonly raw: string
}

export interface UnmodelledPart {
  /** Lower case, without parameters. */
  readonly contentType: string
  readonly section: string
  /** The part's own header and the empty line after it, a character for each byte. */
  readonly header: string
  /** Of the body as it stood, still encoded. */
  readonly size: number
  readonly sha256: Sha256
}

/** A part as it stood. `parameters` are those of its Content-Type that the model does not hold, in their own words. */
export type PartStructure =
  | {
      readonly kind: 'multipart'
      readonly subtype: string
      readonly parameters: readonly string[]
      readonly fields: readonly RawField[]
      readonly parts: readonly PartStructure[]
    }
  | {
      readonly kind: 'text' | 'html'
      readonly parameters: readonly string[]
      readonly fields: readonly RawField[]
    }
  | {
      readonly kind: 'attachment'
      /** Which of the draft's attachments stands here; one that was removed leaves no trace. */
      readonly sha256: Sha256
      readonly parameters: readonly string[]
      /** Those of its Content-Disposition; null where it had no such field. */
      readonly dispositionParameters: readonly string[] | null
      readonly fields: readonly RawField[]
    }
  /** By index of `Unmodelled.parts`. */
  | { readonly kind: 'unmodelled'; readonly part: number }
