import { checkHeaderText } from '../draft/address.ts'
import { applyChanges, changedFields, type DraftChanges } from '../draft/content.ts'
import type { Attachment, ContentField, DraftContent } from '../draft/draft.ts'
import { type MissingAttachment, missingAttachments, withMissingAttachments } from '../draft/missing-attachments.ts'
import { EverdraftError, validationError } from '../errors.ts'
import { type AttachmentId, isUuid } from '../ids.ts'
import type { ChangesSummary, DraftStateAttachmentInput, DraftStateInput } from './envelope.ts'
import { scheduleKey, scheduleOf, storageOf } from './state-of-draft.ts'

/**
 * What a client's state makes of the content that it began with; absent fields stay. `known`: attachments that are in the base no
 * more, or not yet, and whose bytes are here.
 * @throws {EverdraftError} VALIDATION_ERROR naming the field as the client spells it
 */
export function contentOfState(
  base: DraftContent,
  state: DraftStateInput,
  known: readonly Attachment[] = [],
): DraftContent {
  const written = inTheirWords(() => applyChanges(base, changesOf(base, state)))
  if (state.attachments === undefined) return written
  const given = state.attachments.map((one, index) => readAttachment(one, `draft.attachments[${index}]`))
  const here = new Map([...known, ...base.attachments].map((attachment) => [attachment.id, attachment]))
  const attachments = new Map<AttachmentId, Attachment>()
  const missing = new Map<AttachmentId, MissingAttachment>()
  // One that is named twice is there once (hazard 15).
  for (const { id, filename, contentId, ...rest } of given) {
    const attachment = here.get(id)
    if (attachment === undefined) missing.set(id, { id, filename, contentId: contentId ?? null, ...rest })
    else attachments.set(id, { ...attachment, filename, contentId: contentId ?? attachment.contentId })
  }
  return {
    ...written,
    attachments: [...attachments.values()],
    metadata: withMissingAttachments(written.metadata, [...missing.values()]),
  }
}

/** The attachments that a state names and the content lacks: perhaps an earlier revision has them. */
export function unknownAttachments(base: DraftContent, { attachments = [] }: DraftStateInput): ReadonlySet<string> {
  const known = new Set<string>([...base.attachments, ...missingAttachments(base)].map(({ id }) => id))
  return new Set(attachments.map(({ id }) => id.toLowerCase()).filter((id) => !known.has(id)))
}

function changesOf(base: DraftContent, state: DraftStateInput): DraftChanges {
  const { subject, body, bodyHtml, to, cc, bcc, tags, references, scheduledSendTime } = state
  return {
    ...(subject === undefined ? {} : { subject }),
    ...(body === undefined ? {} : { text: body }),
    ...(bodyHtml === undefined ? {} : { html: bodyHtml }),
    ...(to === undefined ? {} : { to }),
    ...(cc === undefined ? {} : { cc }),
    ...(bcc === undefined ? {} : { bcc }),
    ...(tags === undefined ? {} : { tags }),
    ...(references === undefined ? {} : { references }),
    ...(scheduledSendTime === undefined ? {} : { metadata: withSchedule(base.metadata, scheduledSendTime) }),
  }
}

function withSchedule(metadata: DraftContent['metadata'], at: number | null): DraftContent['metadata'] {
  const { [scheduleKey]: _before, ...others } = metadata
  return at === null ? others : { ...others, [scheduleKey]: at }
}

function readAttachment(
  input: DraftStateAttachmentInput,
  path: string,
): Omit<MissingAttachment, 'contentId'> & { readonly contentId: string | null | undefined } {
  const id = input.id.toLowerCase()
  if (!isUuid(id)) throw validationError(`${path}.id`, 'must be a UUID')
  const filename = checkHeaderText(input.filename, `${path}.filename`).trim()
  if (filename === '') throw validationError(`${path}.filename`, 'must not be empty')
  const { size = 0, blobUrl = null, mimeType = 'application/octet-stream', contentId } = input
  if (!Number.isSafeInteger(size) || size < 0)
    throw validationError(`${path}.size`, 'must be a whole number, 0 or more')
  return {
    id: id as AttachmentId,
    filename,
    contentType: checkHeaderText(mimeType, `${path}.mimeType`),
    size,
    contentId: typeof contentId === 'string' ? checkHeaderText(contentId, `${path}.contentId`) : contentId,
    url: blobUrl,
  }
}

const theirNames: Readonly<Record<string, string>> = { text: 'body', html: 'bodyHtml' }

/** The same error, with the fields as `DraftState` has them. */
function inTheirWords<Value>(apply: () => Value): Value {
  try {
    return apply()
  } catch (error) {
    if (!(error instanceof EverdraftError) || error.code !== 'VALIDATION_ERROR') throw error
    const errors = error.errors.map(({ path, message }) => ({ path: `draft.${theirNames[path] ?? path}`, message }))
    throw new EverdraftError('VALIDATION_ERROR', errors.map(({ path, message }) => `${path}: ${message}`).join('; '), {
      errors,
    })
  }
}

/** `before` null: there was none. */
export function summaryOf(before: DraftContent | null, after: DraftContent): ChangesSummary {
  const had = new Set(before === null ? [] : attachmentIds(before))
  const has = new Set(attachmentIds(after))
  return {
    fieldsChanged: before === null ? fieldsWritten(after) : stateFieldsChanged(before, after),
    attachmentsAdded: [...has].filter((id) => !had.has(id)).length,
    attachmentsRemoved: [...had].filter((id) => !has.has(id)).length,
    bytesAdded: storageOf(after) - (before === null ? 0 : storageOf(before)),
  }
}

function attachmentIds(content: DraftContent): readonly string[] {
  return [...content.attachments, ...missingAttachments(content)].map(({ id }) => id)
}

function fieldsWritten(content: DraftContent): readonly string[] {
  return stateFieldsChanged(
    {
      ...content,
      to: [],
      cc: [],
      bcc: [],
      subject: '',
      text: '',
      html: null,
      references: [],
      attachments: [],
      metadata: {},
      tags: [],
    },
    content,
  )
}

/** What differs, by the names of `DraftState`; what has none there keeps the engine's. */
function stateFieldsChanged(before: DraftContent, after: DraftContent): readonly string[] {
  const fields = changedFields(before, after).flatMap((field) =>
    field === 'metadata' ? metadataFields(before, after) : [stateFieldName(field)],
  )
  return [...new Set(fields)]
}

export function stateFieldName(field: ContentField): string {
  return theirNames[field] ?? field
}

function metadataFields(before: DraftContent, after: DraftContent): readonly string[] {
  const named = [
    ...(scheduleOf(before) === scheduleOf(after) ? [] : ['scheduledSendTime']),
    ...(missedText(before) === missedText(after) ? [] : ['attachments']),
  ]
  return named.length === 0 ? ['metadata'] : named
}

function missedText(content: DraftContent): string {
  return JSON.stringify(missingAttachments(content))
}
