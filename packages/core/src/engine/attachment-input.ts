import { checkHeaderText } from '../draft/address.ts'
import type { Attachment } from '../draft/draft.ts'
import type { Environment } from '../environment.ts'
import { validationError } from '../errors.ts'
import { type AttachmentId, isUuid, uuidv7 } from '../ids.ts'
import { inOnePiece } from '../storage/chunks.ts'
import type { AttachmentInput } from './api.ts'

/** @throws {EverdraftError} VALIDATION_ERROR naming the field */
export function describeAttachment(
  input: Omit<AttachmentInput, 'content'>,
  { now, random }: Pick<Environment, 'now' | 'random'>,
): Omit<Attachment, 'size' | 'sha256'> {
  const contentType = (input.contentType ?? 'application/octet-stream').toLowerCase()
  // RFC 6838 §4.2: names of types.
  if (!/^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/.test(contentType)) {
    throw validationError('content_type', 'must be type/subtype, such as application/pdf')
  }
  if (input.id !== undefined && !isUuid(input.id)) throw validationError('id', 'must be a UUID')
  const filename = checkHeaderText(input.filename, 'filename').trim()
  if (filename === '') throw validationError('filename', 'must not be empty')
  const contentId = input.contentId === undefined ? null : checkHeaderText(input.contentId, 'content_id')
  return {
    id: input.id ?? (uuidv7(now(), random) as AttachmentId),
    filename,
    contentType,
    disposition: input.disposition ?? 'attachment',
    contentId: contentId === null ? null : contentId.replace(/^<|>$/g, ''),
  }
}

export function bytesOf({ content }: Pick<AttachmentInput, 'content'>): AsyncIterable<Uint8Array> {
  return content instanceof Uint8Array ? inOnePiece(content) : content
}
