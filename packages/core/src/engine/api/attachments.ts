import type { Attachment } from '../../draft/draft.ts'
import type { AttachmentId } from '../../ids.ts'

export interface AttachmentInput {
  readonly filename: string
  /** `type/subtype`; `application/octet-stream` where it is not known. */
  readonly contentType?: string
  readonly disposition?: 'attachment' | 'inline'
  readonly contentId?: string
  /** The client's own id: attaching again under it changes nothing (hazard 15). A UUID. */
  readonly id?: AttachmentId
  readonly content: Uint8Array | AsyncIterable<Uint8Array>
}

export interface AttachmentRead {
  readonly attachment: Attachment
  /** The decoded bytes from `start` up to, but not including, `end`. */
  readonly content: AsyncIterable<Uint8Array>
}
