import type { Attachment } from '../draft/draft.ts'
import type { RevisionRecord } from '../storage/revisions.ts'
import type { BundledAttachment, BundledDraft } from './bundle.ts'
import type { DraftStateAttachment } from './envelope.ts'
import type { ExportedRecord } from './export-records.ts'

/** A draft as it stands in a bundle, in JSON. The same draft gives the same text, wherever it is. */
export function entryText({ draft, state, history }: ExportedRecord, withHistory: boolean): string {
  const { content, policy, review, createdAt } = draft
  const { from, inReplyTo, metadata, unmodelled } = content
  const files = new Map(content.attachments.map((attachment) => [attachment.id as string, attachment]))
  const entry: BundledDraft = {
    ...state,
    attachments: state.attachments.map((shown) => withFile(shown, files.get(shown.id))),
    from,
    inReplyTo,
    metadata,
    ...(unmodelled === undefined || unmodelled === null ? {} : { unmodelled }),
    policy,
    reviewRequired: review.required,
    createdAt,
  }
  const text = JSON.stringify(entry)
  return withHistory ? `${text.slice(0, -1)},"history":[${history.map(revisionText).join(',')}]}` : text
}

/** One whose bytes were never here has no hash. */
function withFile(shown: DraftStateAttachment, file: Attachment | undefined): BundledAttachment {
  return file === undefined ? shown : { ...shown, sha256: file.sha256, disposition: file.disposition }
}

/** What is stored of it is JSON already. */
function revisionText({ encoding, encoded, ...revision }: RevisionRecord): string {
  const { version, savedAt, device, by, fieldsChanged, bytes } = revision
  const text = JSON.stringify({ version, savedAt, device, by, fieldsChanged, bytes })
  if (encoding === 'head') return text
  return `${text.slice(0, -1)},"${encoding === 'full' ? 'content' : 'back'}":${encoded}}`
}
