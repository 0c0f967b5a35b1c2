import type { Comparison } from '@everdraft/core'
import { z } from 'zod'

import type { App, Context } from '../app.ts'
import { contentShape, contentToJson, fieldToJson, type DraftContentJson } from '../draft-content.ts'
import { draftSchema, draftToJson, reviewSchema, reviewToJson, type ReviewJson } from '../draft-resource.ts'
import { draftPathSchema, versionSchema, versionTextSchema } from '../fields.ts'
import { ownDraft, ownerOf } from '../ownership.ts'
import { versionToEtag } from '../request-headers.ts'

export interface ReviewChangesJson {
  readonly review: ReviewJson | null
  readonly version: number
  /** Null: nothing was approved yet, and no version was asked for. */
  readonly since: number | null
  readonly changes: readonly FieldChangeJson[]
}

export interface FieldChangeJson {
  /** `other_parts`: what another program wrote and a draft has no field for; it is not shown. */
  readonly field: keyof DraftContentJson | 'other_parts'
  readonly before: unknown
  readonly after: unknown
}

const fieldNames = [...(Object.keys(contentShape) as (keyof DraftContentJson)[]), 'other_parts'] as const

const changesSchema: z.ZodType<ReviewChangesJson> = z
  .object({
    review: reviewSchema.nullable(),
    version: z.int(),
    since: z.int().nullable(),
    changes: z.array(z.object({ field: z.enum(fieldNames), before: z.unknown(), after: z.unknown() })),
  })
  .meta({ id: 'ReviewChanges' })

export function reviewRoutes(app: App, { engine }: Context): void {
  app.get(
    '/accounts/:id/drafts/:draft_id/review',
    {
      config: { access: 'read' },
      schema: {
        summary: 'What changed since the approval: each field, before and after',
        description: '`since` asks for the changes since another version; 404 for one that is not kept.',
        params: draftPathSchema,
        querystring: z.strictObject({ since: versionTextSchema.exactOptional() }),
        response: { 200: changesSchema },
      },
    },
    async (request) => {
      const draft = await ownDraft(engine, request, request.params.id, request.params.draft_id)
      const since = request.query.since ?? draft.review.approval?.version ?? null
      const changes = since === null ? [] : changesToJson(await engine.drafts.changesSince(draft.id, since))
      return { review: reviewToJson(draft), version: draft.version, since, changes }
    },
  )

  app.post(
    '/accounts/:id/drafts/:draft_id/approve',
    {
      config: { access: 'approve', problems: ['NOT_A_DRAFT', 'VERSION_MISMATCH'] },
      schema: {
        summary: 'Let the draft go as it is at this version; any edit after that makes it void',
        params: draftPathSchema,
        body: z.strictObject({ version: versionSchema }),
        response: { 200: draftSchema },
      },
    },
    async (request, reply) => {
      const { id } = await ownDraft(engine, request, request.params.id, request.params.draft_id)
      const draft = await engine.drafts.approve(id, request.body.version, { by: ownerOf(request).userId })
      return reply.header('etag', versionToEtag(draft.version)).send(draftToJson(draft))
    },
  )
}

// JSON ↔ engine.

function changesToJson(comparison: Comparison): readonly FieldChangeJson[] {
  const before = contentToJson(comparison.before)
  const after = contentToJson(comparison.after)
  return comparison.fields.map((changed) => {
    const field = fieldToJson(changed)
    return field === 'other_parts'
      ? { field, before: null, after: null }
      : { field, before: before[field], after: after[field] }
  })
}
