import type { AttachmentId } from '../ids.ts'
import type { DraftContent } from './draft.ts'

/** An attachment that somebody has named, and whose bytes never came. */
export interface MissingAttachment {
  readonly id: AttachmentId
  readonly filename: string
  readonly contentType: string
  /** As it was said to be, in bytes. */
  readonly size: number
  readonly contentId: string | null
  /** Where its bytes were said to be; nothing is fetched from there. */
  readonly url: string | null
}

type Metadata = DraftContent['metadata']

/**
 * It stands in the draft's metadata, each under a key of its own, so that it is in every revision and merges like the rest; on the
 * server's copy it is not, as there is nothing of it to upload.
 */
const prefix = 'missingAttachment:'

/** Those that have come meanwhile, under their ids, are missing no more. */
export function missingAttachments({
  attachments,
  metadata,
}: Pick<DraftContent, 'attachments' | 'metadata'>): readonly MissingAttachment[] {
  return Object.keys(metadata)
    .filter((key) => key.startsWith(prefix))
    .map((key) => read(key.slice(prefix.length) as AttachmentId, metadata[key]))
    .filter(({ id }) => !attachments.some((attachment) => attachment.id === id))
}

/** In the place of all that were missing before. */
export function withMissingAttachments(metadata: Metadata, missing: readonly MissingAttachment[]): Metadata {
  const others = Object.entries(metadata).filter(([key]) => !key.startsWith(prefix))
  return Object.fromEntries([...others, ...missing.map(({ id, ...rest }) => [`${prefix}${id}`, rest] as const)])
}

/** Metadata is whatever somebody wrote there: what cannot be read is missing all the same. */
function read(id: AttachmentId, value: unknown): MissingAttachment {
  const fields: Partial<Record<string, unknown>> = typeof value === 'object' && value !== null ? { ...value } : {}
  return {
    id,
    filename: text(fields['filename']) ?? '',
    contentType: text(fields['contentType']) ?? 'application/octet-stream',
    size: typeof fields['size'] === 'number' ? fields['size'] : 0,
    contentId: text(fields['contentId']),
    url: text(fields['url']),
  }
}

function text(field: unknown): string | null {
  return typeof field === 'string' ? field : null
}
