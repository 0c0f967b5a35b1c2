import type { Author, ContentField, Revision } from '@everdraft/core'
import { z } from 'zod'

import type { App, Context } from '../app.ts'
import {
  accountIdSchema,
  draftIdSchema,
  pageQuerySchema,
  pageSchema,
  pageToJson,
  timeSchema,
  timeToJson,
} from '../fields.ts'
import { ownDraft } from '../ownership.ts'

export interface RevisionJson {
  readonly version: number
  readonly saved_at: string
  readonly device: string
  readonly by: Author
  readonly fields_changed: readonly string[]
}

const revisionSchema: z.ZodType<RevisionJson> = z
  .object({
    version: z.int(),
    saved_at: timeSchema,
    device: z.string(),
    by: z.enum(['user', 'program', 'foreign']),
    fields_changed: z.array(z.string()),
  })
  .meta({ id: 'Revision' })

export function historyRoutes(app: App, { engine }: Context): void {
  app.get(
    '/accounts/:id/drafts/:draft_id/history',
    {
      schema: {
        summary: 'The revisions of a draft, newest first',
        params: z.strictObject({ id: accountIdSchema, draft_id: draftIdSchema }),
        querystring: pageQuerySchema,
        response: { 200: pageSchema(revisionSchema) },
      },
    },
    async (request) => {
      const { limit, offset } = request.query
      const draft = await ownDraft(engine, request.params.id, request.params.draft_id)
      const revisions = await engine.drafts.history(draft.id)
      const items = revisions.slice(offset, offset + limit)
      return pageToJson({ items, total: revisions.length, limit, offset }, revisionToJson)
    },
  )
}

// JSON ↔ engine.

const fieldToJson = {
  from: 'from',
  to: 'to',
  cc: 'cc',
  bcc: 'bcc',
  subject: 'subject',
  text: 'text',
  html: 'html',
  inReplyTo: 'in_reply_to',
  references: 'references',
  attachments: 'attachments',
  metadata: 'metadata',
  tags: 'tags',
} satisfies Record<ContentField, string>

function revisionToJson(revision: Revision): RevisionJson {
  return {
    version: revision.version,
    saved_at: timeToJson(revision.savedAt),
    device: revision.device,
    by: revision.by,
    fields_changed: revision.fieldsChanged.map((field) => fieldToJson[field]),
  }
}
