import {
  validationError,
  type AccountId,
  type Draft,
  type DraftInput,
  type SaveOptions,
  type Umid,
  type Version,
} from '@everdraft/core'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'

import type { App, Context } from '../app.ts'
import { changesShape, draftChanges } from '../draft-content.ts'
import {
  draftListItemToJson,
  draftSchema,
  draftToJson,
  listItemShape,
  policySchema,
  reviewInputSchema,
  statusSchema,
  syncStateSchema,
  type DraftListItemJson,
} from '../draft-resource.ts'
import {
  accountPathSchema,
  authorSchema,
  draftPathSchema,
  limitSchema,
  offsetSchema,
  pageSchema,
  pageToJson,
  saveHeadersSchema,
  templateIdSchema,
  versionTextSchema,
} from '../fields.ts'
import { createIdempotencyKeys, repeatableRequestOf } from '../idempotency.ts'
import { ownAccount, ownDraft, ownerKey, ownerOf } from '../ownership.ts'
import { principalOf } from '../principal.ts'
import { ProblemError } from '../problems.ts'
import { baseVersion, versionToEtag } from '../request-headers.ts'

/** An item of a list; of a search with what was found. */
export interface FoundDraftJson extends DraftListItemJson {
  readonly snippet?: string | undefined
}

const foundDraftSchema: z.ZodType<FoundDraftJson> = z
  .object({ ...listItemShape, snippet: z.string().exactOptional() })
  .meta({ id: 'DraftListItem' })

const newDraftSchema = z
  .strictObject({
    ...changesShape,
    policy: policySchema.exactOptional(),
    review: reviewInputSchema.exactOptional(),
    template_id: templateIdSchema.exactOptional(),
  })
  .meta({ id: 'NewDraft' })

const savedDraftSchema = z
  .strictObject({ ...changesShape, review: reviewInputSchema.exactOptional() })
  .meta({ id: 'DraftChanges' })

const createHeadersSchema = z.object({
  'idempotency-key': z.string().min(1).max(255).exactOptional(),
  'everdraft-author': authorSchema,
})

const mergeQuerySchema = z.strictObject({
  on_conflict: z.enum(['merge', 'local-wins', 'remote-wins']).exactOptional(),
  base_version: versionTextSchema.exactOptional(),
})

export function draftRoutes(app: App, { engine }: Context): void {
  const idempotencyKeys = createIdempotencyKeys<Umid>()

  const create = async (
    request: FastifyRequest,
    accountId: AccountId | null,
    json: z.output<typeof newDraftSchema>,
    headers: z.output<typeof createHeadersSchema>,
  ): Promise<Draft> => {
    const where = accountId === null ? { owner: ownerOf(request) } : { accountId }
    const scope = accountId ?? `${ownerKey(request)} any account`
    const idempotent = { key: headers['idempotency-key'], scope, body: json }
    const repeatable = repeatableRequestOf(idempotent)
    const options = { by: headers['everdraft-author'], ...(repeatable === null ? {} : { request: repeatable }) }
    let made: Draft | null = null
    const id = await idempotencyKeys.once(idempotent, async () => {
      made = await engine.drafts.create({ ...draftInput(json), ...where }, options)
      return made.id
    })
    return made ?? (await engine.drafts.get(id))
  }

  app.post(
    '/drafts',
    {
      config: { access: 'write', problems: ['NOT_FOUND', 'IN_FLIGHT', 'IDEMPOTENCY_KEY_REUSED'] },
      schema: {
        summary: 'Create a draft in the account that fits: by `from`, by recipients, else the one used last',
        headers: createHeadersSchema,
        body: newDraftSchema,
        response: { 201: draftSchema },
      },
    },
    async (request, reply) => {
      const draft = await create(request, null, request.body, request.headers)
      return reply.code(201).headers(createdHeaders(draft)).send(draftToJson(draft))
    },
  )

  app.post(
    '/accounts/:id/drafts',
    {
      config: { access: 'write', problems: ['NOT_FOUND', 'IN_FLIGHT', 'IDEMPOTENCY_KEY_REUSED'] },
      schema: {
        summary: 'Create a draft; it is on disk when the answer comes',
        params: accountPathSchema,
        headers: createHeadersSchema,
        body: newDraftSchema,
        response: { 201: draftSchema },
      },
    },
    async (request, reply) => {
      await ownAccount(engine, request, request.params.id)
      const draft = await create(request, request.params.id, request.body, request.headers)
      return reply.code(201).headers(createdHeaders(draft)).send(draftToJson(draft))
    },
  )

  app.get(
    '/accounts/:id/drafts',
    {
      config: { access: 'read', remembered: true },
      schema: {
        summary: 'Drafts without their text and HTML, newest change first; with `q`, best match first',
        description:
          '`q` finds words by their beginnings, all of them, in subject, people, text and names of files, whatever their case and accents. Such an item has a `snippet`, in which each hit stands between U+2068 and U+2069.',
        params: accountPathSchema,
        querystring: z.strictObject({
          limit: limitSchema,
          offset: offsetSchema,
          status: statusSchema.exactOptional(),
          sync_state: syncStateSchema.exactOptional(),
          tag: z.string().min(1).exactOptional(),
          q: z.string().min(1).max(1000).exactOptional(),
        }),
        response: { 200: pageSchema(foundDraftSchema) },
      },
    },
    async (request) => {
      await ownAccount(engine, request, request.params.id)
      const { sync_state: syncState, q, ...query } = request.query
      const filter = {
        ...query,
        accountId: request.params.id,
        ...(syncState === undefined ? {} : { syncState }),
      }
      if (q !== undefined) {
        const page = await engine.drafts.search(q, filter)
        return pageToJson(page, ({ draft, snippet }) => ({ ...draftListItemToJson(draft), snippet }))
      }
      const page = await engine.drafts.list(filter)
      return pageToJson(page, (draft): FoundDraftJson => draftListItemToJson(draft))
    },
  )

  app.get(
    '/accounts/:id/drafts/:draft_id',
    {
      config: { access: 'read' },
      schema: { summary: 'A draft', params: draftPathSchema, response: { 200: draftSchema } },
    },
    async (request, reply) => {
      const draft = await ownDraft(engine, request, request.params.id, request.params.draft_id)
      // No 304 to If-None-Match: an upload changes `sync`, and not the version.
      return reply.header('etag', versionToEtag(draft.version)).send(draftToJson(draft))
    },
  )

  app.put(
    '/accounts/:id/drafts/:draft_id',
    {
      config: { access: 'write', problems: ['NOT_A_DRAFT', 'VERSION_MISMATCH', 'CONFLICT'] },
      schema: {
        summary: 'Save: changes the fields given, null empties one',
        description:
          'With `on_conflict` and `base_version`, the version that the changes were made on, a draft that has moved on is merged with them, field by field. What cannot be merged is 409 `CONFLICT` with the `conflict_id` under which both sides are kept.',
        params: draftPathSchema,
        querystring: mergeQuerySchema,
        headers: saveHeadersSchema,
        body: savedDraftSchema,
        response: { 200: draftSchema },
      },
    },
    async (request, reply) => {
      const head = await ownDraft(engine, request, request.params.id, request.params.draft_id)
      const base = baseOfSave(request.query, request.headers['if-match'], head.version)
      const by = request.headers['everdraft-author']
      const { review, ...changes } = request.body
      if (review !== undefined) checkReview(request, head, review)
      const draft = await engine.drafts.save(head.id, draftChanges(changes), {
        by,
        ...base,
        ...(review === undefined ? {} : { review: review ?? { required: false } }),
      })
      return reply.header('etag', versionToEtag(draft.version)).send(draftToJson(draft))
    },
  )

  app.delete(
    '/accounts/:id/drafts/:draft_id',
    {
      config: { access: 'write', problems: ['NOT_A_DRAFT', 'VERSION_MISMATCH'] },
      schema: {
        summary: 'Discard: to the local trash for 30 days; its copies on the server go',
        params: draftPathSchema,
        headers: saveHeadersSchema,
        response: { 200: draftSchema },
      },
    },
    async (request, reply) => {
      const head = await ownDraft(engine, request, request.params.id, request.params.draft_id)
      const draft = await engine.drafts.discard(head.id, {
        by: request.headers['everdraft-author'],
        ...baseVersion(request.headers['if-match'], head.version),
      })
      return reply.header('etag', versionToEtag(draft.version)).send(draftToJson(draft))
    },
  )
}

/**
 * `If-Match` is a precondition and stays one (RFC 9110 §13.1.1): what is to be merged says its base in the query.
 * @throws {EverdraftError} VALIDATION_ERROR
 */
function baseOfSave(
  query: z.output<typeof mergeQuerySchema>,
  ifMatch: string | undefined,
  head: Version,
): Pick<SaveOptions, 'baseVersion' | 'onConflict'> {
  const { on_conflict: onConflict, base_version: base } = query
  if (onConflict === undefined && base === undefined) return baseVersion(ifMatch, head)
  if (onConflict === undefined) throw validationError('on_conflict', 'is needed with base_version')
  if (base === undefined) throw validationError('base_version', 'is needed with on_conflict')
  if (ifMatch !== undefined) throw validationError('base_version', 'cannot be combined with If-Match')
  if (base > head) throw validationError('base_version', `the draft is at version ${head}`)
  return { baseVersion: base, onConflict }
}

/** Whoever may only write cannot take back that the draft is to be looked at: else nobody would have to. */
function checkReview(request: FastifyRequest, head: Draft, review: { readonly required: boolean } | null): void {
  const isTakenBack = head.review.required && review?.required !== true
  if (!isTakenBack || principalOf(request).scopes.has('approve')) return
  throw new ProblemError(403, 'UNAUTHORIZED', 'review: to take it back, the token lacks the scope approve')
}

// JSON ↔ engine.

function createdHeaders(draft: Draft): { readonly location: string; readonly etag: string } {
  return { location: `/accounts/${draft.accountId}/drafts/${draft.id}`, etag: versionToEtag(draft.version) }
}

function draftInput(json: z.output<typeof newDraftSchema>): DraftInput {
  const { policy, review, template_id: templateId, ...changes } = json
  return {
    ...draftChanges(changes),
    ...(policy === undefined ? {} : { policy }),
    ...(review === undefined ? {} : { review: review ?? { required: false } }),
    ...(templateId === undefined ? {} : { templateId }),
  }
}
