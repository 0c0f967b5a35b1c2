import type { Author, Revision } from '@everdraft/core'
import { z } from 'zod'

import type { App, Context } from '../app.ts'
import { fieldToJson } from '../draft-content.ts'
import { draftSchema, draftToJson } from '../draft-resource.ts'
import {
  deviceIdSchema,
  draftPathSchema,
  pageQuerySchema,
  pageSchema,
  saveHeadersSchema,
  sliceToJson,
  timeSchema,
  timeToJson,
  versionSchema,
} from '../fields.ts'
import { ownDraft } from '../ownership.ts'
import { baseVersion, versionToEtag } from '../request-headers.ts'

export interface RevisionJson {
  readonly version: number
  readonly saved_at: string
  readonly device: string
  readonly by: Author
  readonly fields_changed: readonly string[]
  readonly bytes: number
}

const revisionSchema: z.ZodType<RevisionJson> = z
  .object({
    version: z.int(),
    saved_at: timeSchema,
    device: z.string(),
    by: z.enum(['user', 'program', 'foreign']),
    fields_changed: z.array(z.string()),
    bytes: z.int(),
  })
  .meta({ id: 'Revision' })

/** The history of a draft, and the ways back in it. */
export function historyRoutes(app: App, { engine }: Context): void {
  app.get(
    '/accounts/:id/drafts/:draft_id/history',
    {
      config: { access: 'read' },
      schema: {
        summary: 'The revisions of a draft, newest first',
        params: draftPathSchema,
        querystring: pageQuerySchema,
        response: { 200: pageSchema(revisionSchema) },
      },
    },
    async (request) => {
      const draft = await ownDraft(engine, request, request.params.id, request.params.draft_id)
      const revisions = await engine.drafts.history(draft.id)
      return sliceToJson(revisions, request.query, revisionToJson)
    },
  )

  app.post(
    '/accounts/:id/drafts/:draft_id/restore',
    {
      config: { access: 'write', problems: ['NOT_A_DRAFT', 'VERSION_MISMATCH'] },
      schema: {
        summary: 'Back to an earlier version: a new one that says what that one said',
        params: draftPathSchema,
        headers: saveHeadersSchema,
        body: z.strictObject({ version: versionSchema }),
        response: { 200: draftSchema },
      },
    },
    async (request, reply) => {
      const head = await ownDraft(engine, request, request.params.id, request.params.draft_id)
      const draft = await engine.drafts.restore(head.id, request.body.version, {
        by: request.headers['everdraft-author'],
        ...baseVersion(request.headers['if-match'], head.version),
      })
      return reply.header('etag', versionToEtag(draft.version)).send(draftToJson(draft))
    },
  )

  app.post(
    '/accounts/:id/drafts/:draft_id/discard-changes',
    {
      config: { access: 'write', problems: ['NOT_A_DRAFT', 'VERSION_MISMATCH'] },
      schema: {
        summary: 'Back to what it was when it was opened, else to what was synchronized last; the draft stays',
        description: '`device_id` says whose composer; without it, or when that has not opened the draft, the latter.',
        params: draftPathSchema,
        headers: saveHeadersSchema,
        body: z.strictObject({ device_id: deviceIdSchema.exactOptional() }).nullish(),
        response: { 200: draftSchema },
      },
    },
    async (request, reply) => {
      const device = request.body?.device_id
      const head = await ownDraft(engine, request, request.params.id, request.params.draft_id)
      const draft = await engine.drafts.discardChanges(head.id, {
        by: request.headers['everdraft-author'],
        ...(device === undefined ? {} : { device }),
        ...baseVersion(request.headers['if-match'], head.version),
      })
      return reply.header('etag', versionToEtag(draft.version)).send(draftToJson(draft))
    },
  )

  app.post(
    '/accounts/:id/drafts/:draft_id/undiscard',
    {
      config: { access: 'write', problems: ['NOT_DISCARDED'] },
      schema: {
        summary: 'Out of the local trash, within 30 days: a draft again, with its history, and uploaded again',
        params: draftPathSchema,
        response: { 200: draftSchema },
      },
    },
    async (request, reply) => {
      const { id } = await ownDraft(engine, request, request.params.id, request.params.draft_id)
      const draft = await engine.drafts.undiscard(id)
      return reply.header('etag', versionToEtag(draft.version)).send(draftToJson(draft))
    },
  )
}

// JSON ↔ engine.

function revisionToJson(revision: Revision): RevisionJson {
  return {
    version: revision.version,
    saved_at: timeToJson(revision.savedAt),
    device: revision.device,
    by: revision.by,
    fields_changed: revision.fieldsChanged.map(fieldToJson),
    bytes: revision.bytes,
  }
}
