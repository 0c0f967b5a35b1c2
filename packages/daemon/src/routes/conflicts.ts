import type { Author, Conflict, DraftChanges, MergeStrategy } from '@everdraft/core'
import { z } from 'zod'

import type { App, Context } from '../app.ts'
import {
  changesShape,
  contentShape,
  contentToJson,
  draftChanges,
  fieldToJson,
  type DraftContentJson,
} from '../draft-content.ts'
import { draftSchema, draftToJson } from '../draft-resource.ts'
import {
  accountIdSchema,
  conflictIdSchema,
  draftIdSchema,
  draftPathSchema,
  pageQuerySchema,
  pageSchema,
  saveHeadersSchema,
  sliceToJson,
  timeSchema,
  timeToJson,
} from '../fields.ts'
import { ownDraft } from '../ownership.ts'
import { baseVersion, versionToEtag } from '../request-headers.ts'

export interface ConflictJson {
  readonly id: string
  readonly draft_id: string
  readonly base_version: number
  readonly remote_version: number
  /** What both sides began with. */
  readonly base: DraftContentJson
  /** What was to be saved. */
  readonly local: DraftContentJson
  /** What the draft said by then. */
  readonly remote: DraftContentJson
  /** Those that could not be merged. */
  readonly fields: readonly (keyof DraftContentJson)[]
  readonly device: string
  readonly by: Author
  readonly created_at: string
  readonly resolved_at: string | null
  /** A strategy, `fields`, or `superseded`. */
  readonly resolution: string | null
}

const contentSchema: z.ZodType<DraftContentJson> = z.object(contentShape).meta({ id: 'DraftContent' })
const fieldNames = Object.keys(contentShape) as (keyof DraftContentJson)[]

const conflictSchema: z.ZodType<ConflictJson> = z
  .object({
    id: z.string(),
    draft_id: z.string(),
    base_version: z.int(),
    remote_version: z.int(),
    base: contentSchema,
    local: contentSchema,
    remote: contentSchema,
    fields: z.array(z.enum(fieldNames)),
    device: z.string(),
    by: z.enum(['user', 'program', 'foreign']),
    created_at: timeSchema,
    resolved_at: timeSchema.nullable(),
    resolution: z.string().nullable(),
  })
  .meta({ id: 'Conflict' })

const resolutionSchema = z
  .strictObject({ strategy: z.enum(['local-wins', 'remote-wins', 'merge']).exactOptional(), ...changesShape })
  .refine(({ strategy, ...fields }) => (strategy === undefined) === Object.keys(fields).length > 0, {
    path: ['strategy'],
    message: 'is needed, or the merged fields, and not both',
  })
  .meta({ id: 'Resolution' })

export function conflictRoutes(app: App, { engine }: Context): void {
  app.get(
    '/accounts/:id/drafts/:draft_id/conflicts',
    {
      config: { access: 'read' },
      schema: {
        summary: 'Both sides and the base of each conflict; those that wait for a decision first',
        params: draftPathSchema,
        querystring: pageQuerySchema,
        response: { 200: pageSchema(conflictSchema) },
      },
    },
    async (request) => {
      const draft = await ownDraft(engine, request, request.params.id, request.params.draft_id)
      const conflicts = await engine.drafts.conflicts(draft.id)
      return sliceToJson(conflicts, request.query, conflictToJson)
    },
  )

  app.post(
    '/accounts/:id/drafts/:draft_id/conflicts/:conflict_id/resolve',
    {
      config: { access: 'write', problems: ['NOT_A_DRAFT', 'VERSION_MISMATCH', 'CONFLICT'] },
      schema: {
        summary: 'End a conflict by a strategy, or by the fields as they were merged',
        description:
          'The draft gets a new version, and both sides stay in the record. `merge` that cannot be done is 409 `CONFLICT`.',
        params: z.strictObject({ id: accountIdSchema, draft_id: draftIdSchema, conflict_id: conflictIdSchema }),
        headers: saveHeadersSchema,
        body: resolutionSchema,
        response: { 200: draftSchema },
      },
    },
    async (request, reply) => {
      const { id, draft_id: draftId, conflict_id: conflictId } = request.params
      const head = await ownDraft(engine, request, id, draftId)
      const draft = await engine.drafts.resolve(head.id, conflictId, howToResolve(request.body), {
        by: request.headers['everdraft-author'],
        ...baseVersion(request.headers['if-match'], head.version),
      })
      return reply.header('etag', versionToEtag(draft.version)).send(draftToJson(draft))
    },
  )
}

// JSON ↔ engine.

function howToResolve({ strategy, ...fields }: z.output<typeof resolutionSchema>): MergeStrategy | DraftChanges {
  return strategy ?? draftChanges(fields)
}

function conflictToJson(conflict: Conflict): ConflictJson {
  return {
    id: conflict.id,
    draft_id: conflict.draftId,
    base_version: conflict.baseVersion,
    remote_version: conflict.remoteVersion,
    base: contentToJson(conflict.base),
    local: contentToJson(conflict.local),
    remote: contentToJson(conflict.remote),
    fields: conflict.fields.map(fieldToJson).filter((field) => field !== 'other_parts'),
    device: conflict.device,
    by: conflict.by,
    created_at: timeToJson(conflict.createdAt),
    resolved_at: conflict.resolvedAt === null ? null : timeToJson(conflict.resolvedAt),
    resolution: conflict.resolution,
  }
}
