import { Readable } from 'node:stream'

import { validationError, type Attachment, type AttachmentId, type AttachmentInput } from '@everdraft/core'
import { z } from 'zod'

import type { App, Context } from '../app.ts'
import { parseRange } from '../byte-range.ts'
import { formatContentDisposition, parseContentDisposition } from '../content-disposition.ts'
import {
  accountIdSchema,
  attachmentIdSchema,
  authorSchema,
  draftIdSchema,
  draftPathSchema,
  pageQuerySchema,
  pageSchema,
  pageToJson,
  saveHeadersSchema,
} from '../fields.ts'
import { ownDraft } from '../ownership.ts'
import { ProblemError } from '../problems.ts'
import { baseVersion, versionToEtag } from '../request-headers.ts'

export interface AttachmentJson {
  readonly id: string
  readonly filename: string
  readonly content_type: string
  readonly size: number
  readonly sha256: string
  readonly disposition: 'attachment' | 'inline'
  readonly content_id: string | null
}

export const attachmentSchema: z.ZodType<AttachmentJson> = z
  .object({
    id: z.string(),
    filename: z.string(),
    content_type: z.string(),
    size: z.int(),
    sha256: z.string(),
    disposition: z.enum(['attachment', 'inline']),
    content_id: z.string().nullable(),
  })
  .meta({ id: 'Attachment' })

const attachmentPathSchema = z.strictObject({
  id: accountIdSchema,
  draft_id: draftIdSchema,
  attachment_id: attachmentIdSchema,
})

// For the OpenAPI document: a stream is sent as it is.
const fileSchema = z.string() as unknown as z.ZodType<Readable>

export function attachmentRoutes(app: App, { engine }: Context): void {
  // The body is the file: any type, handed on as it comes from the socket.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))

  app.get(
    '/accounts/:id/drafts/:draft_id/attachments',
    {
      config: { access: 'read' },
      schema: {
        summary: 'The attachments of a draft, in their order',
        params: draftPathSchema,
        querystring: pageQuerySchema,
        response: { 200: pageSchema(attachmentSchema) },
      },
    },
    async (request) => {
      const { limit, offset } = request.query
      const { attachments } = await ownDraft(engine, request, request.params.id, request.params.draft_id)
      const items = attachments.slice(offset, offset + limit)
      return pageToJson({ items, total: attachments.length, limit, offset }, attachmentToJson)
    },
  )

  app.post(
    '/accounts/:id/drafts/:draft_id/attachments',
    {
      config: { access: 'write', problems: ['NOT_A_DRAFT', 'VERSION_MISMATCH'] },
      schema: {
        summary: 'Attach the body as a file',
        description:
          '`Content-Disposition: attachment; filename="…"` names it (also `filename*`); `Content-Type` is kept. With `Idempotency-Key`, a UUID, attaching again changes nothing.',
        consumes: ['*/*'],
        params: draftPathSchema,
        headers: z.object({
          'content-disposition': z.string('is needed: it names the file'),
          'content-id': z.string().max(500).exactOptional(),
          'idempotency-key': attachmentIdSchema.exactOptional(),
          'if-match': z.string().exactOptional(),
          'everdraft-author': authorSchema,
        }),
        body: z.unknown(),
        response: { 201: attachmentSchema },
      },
    },
    async (request, reply) => {
      const { headers } = request
      const head = await ownDraft(engine, request, request.params.id, request.params.draft_id)
      const { draft, attachment } = await engine.drafts.attach(
        head.id,
        {
          ...attachmentInput({
            contentDisposition: headers['content-disposition'],
            contentType: request.headers['content-type'],
            contentId: headers['content-id'],
            id: headers['idempotency-key'],
          }),
          // Without a body there is nothing to read: a file may be empty.
          content: (request.body as AsyncIterable<Uint8Array> | null | undefined) ?? new Uint8Array(),
        },
        { by: headers['everdraft-author'], ...baseVersion(headers['if-match'], head.version) },
      )
      return reply
        .code(201)
        .header('location', `/accounts/${draft.accountId}/drafts/${draft.id}/attachments/${attachment.id}`)
        .header('etag', versionToEtag(draft.version))
        .send(attachmentToJson(attachment))
    },
  )

  app.get(
    '/accounts/:id/drafts/:draft_id/attachments/:attachment_id',
    {
      config: { access: 'read', problems: ['RANGE_NOT_SATISFIABLE'] },
      schema: {
        summary: 'The file; `Range` is honoured',
        params: attachmentPathSchema,
        headers: z.object({ range: z.string().exactOptional(), 'if-range': z.string().exactOptional() }),
        response: {
          200: { description: 'The file', content: { '*/*': { schema: fileSchema } } },
          206: { description: 'The part asked for', content: { '*/*': { schema: fileSchema } } },
        },
      },
    },
    async (request, reply) => {
      const { id, draft_id: draftId, attachment_id: attachmentId } = request.params
      const draft = await ownDraft(engine, request, id, draftId)
      const attachment = draft.attachments.find((candidate) => candidate.id === attachmentId)
      if (attachment === undefined) throw new ProblemError(404, 'NOT_FOUND', 'the draft has no such attachment')
      const etag = `"${attachment.sha256}"`
      const ifRange = request.headers['if-range']
      // RFC 9110 §14.2: Range is defined for GET alone.
      const rangeHolds = request.method === 'GET' && (ifRange === undefined || ifRange === etag)
      const range = parseRange(rangeHolds ? request.headers.range : undefined, attachment.size)
      if (range.kind === 'unsatisfiable') {
        throw new ProblemError(416, 'RANGE_NOT_SATISFIABLE', `Range: the file has ${attachment.size} bytes`, {
          headers: { 'content-range': `bytes */${attachment.size}` },
        })
      }
      const { start, end } = range.kind === 'part' ? range : { start: 0, end: attachment.size }
      reply.headers({
        'content-type': attachment.contentType,
        'content-length': String(end - start),
        'content-disposition': formatContentDisposition(attachment.filename),
        'accept-ranges': 'bytes',
        etag,
      })
      if (range.kind === 'part') reply.code(206).header('content-range', `bytes ${start}-${end - 1}/${attachment.size}`)
      const { content } = await engine.drafts.readAttachment(draft.id, attachment.id, { start, end })
      return reply.send(Readable.from(content, { objectMode: false }))
    },
  )

  app.delete(
    '/accounts/:id/drafts/:draft_id/attachments/:attachment_id',
    {
      config: { access: 'write', problems: ['NOT_A_DRAFT', 'VERSION_MISMATCH'] },
      schema: {
        summary: 'Take a file off the draft',
        params: attachmentPathSchema,
        headers: saveHeadersSchema,
        response: { 204: z.null().meta({ description: 'Taken off' }) },
      },
    },
    async (request, reply) => {
      const { id, draft_id: draftId, attachment_id: attachmentId } = request.params
      const head = await ownDraft(engine, request, id, draftId)
      const draft = await engine.drafts.detach(head.id, attachmentId, {
        by: request.headers['everdraft-author'],
        ...baseVersion(request.headers['if-match'], head.version),
      })
      return reply.code(204).header('etag', versionToEtag(draft.version)).send(null)
    },
  )
}

// HTTP ↔ engine.

interface AttachmentHeaders {
  readonly contentDisposition: string
  readonly contentType: string | undefined
  readonly contentId: string | undefined
  readonly id: AttachmentId | undefined
}

function attachmentInput(headers: AttachmentHeaders): Omit<AttachmentInput, 'content'> {
  const parsed = parseContentDisposition(headers.contentDisposition)
  if (parsed === null) throw validationError('content-disposition', 'does not follow RFC 6266')
  if (parsed.filename === null || parsed.filename === '') {
    throw validationError('content-disposition', 'filename is missing')
  }
  // oxlint-disable-next-line no-control-regex -- refusing control characters is the purpose
  if (/[\u0000-\u001f\u007f]/.test(parsed.filename) || !parsed.filename.isWellFormed()) {
    throw validationError('content-disposition', 'filename must not contain control characters')
  }
  return {
    filename: parsed.filename,
    disposition: parsed.type,
    contentType: (headers.contentType?.split(';')[0] ?? '').trim().toLowerCase() || 'application/octet-stream',
    ...(headers.contentId === undefined ? {} : { contentId: headers.contentId.trim().replace(/^<(.*)>$/, '$1') }),
    ...(headers.id === undefined ? {} : { id: headers.id }),
  }
}

export function attachmentToJson(attachment: Attachment): AttachmentJson {
  return {
    id: attachment.id,
    filename: attachment.filename,
    content_type: attachment.contentType,
    size: attachment.size,
    sha256: attachment.sha256,
    disposition: attachment.disposition,
    content_id: attachment.contentId,
  }
}
