import type { MailFilters, ResponderInput, ResponderSettings } from '@everdraft/core'
import { z } from 'zod'

import type { App, Context } from '../app.ts'
import { accountPathSchema, timeSchema, timeToJson, userTextSchema } from '../fields.ts'
import { checkMayReachPrivate, ownAccount } from '../ownership.ts'
import { ProblemError } from '../problems.ts'

interface FiltersJson {
  readonly from?: string[] | undefined
  readonly to?: string[] | undefined
  readonly subject?: string[] | undefined
  readonly headers?: Record<string, string[]> | undefined
  readonly list_id?: string[] | undefined
}

export interface ResponderJson {
  readonly account_id: string
  /** One of these is null. */
  readonly url: string | null
  readonly module: string | null
  readonly filters: FiltersJson
  readonly scenario: string | null
  readonly timeout_seconds: number
  readonly cooldown_seconds: number
  readonly hourly_limit: number
  readonly allow_private: boolean
  readonly created_at: string
  readonly updated_at: string
  /** Signs what the URL is asked; told where it is new, and never again. */
  readonly secret?: string | undefined
}

const patternsSchema = z.array(userTextSchema().min(1).max(500)).min(1).max(200)

const filtersSchema: z.ZodType<FiltersJson> = z.strictObject({
  from: patternsSchema.exactOptional(),
  to: patternsSchema.exactOptional(),
  subject: patternsSchema.exactOptional(),
  headers: z.record(z.string().max(78), patternsSchema).exactOptional(),
  list_id: patternsSchema.exactOptional(),
})

const responderInputSchema = z
  .strictObject({
    url: z.string().max(2_000).exactOptional(),
    module: z.string().max(100).exactOptional(),
    filters: filtersSchema.exactOptional(),
    scenario: userTextSchema().min(1).max(200).nullable().exactOptional(),
    timeout_seconds: z.int().min(1).max(600).default(30),
    cooldown_seconds: z.int().min(0).max(2_592_000).default(0),
    hourly_limit: z.int().min(1).max(10_000).default(100),
    allow_private: z.boolean().default(false),
  })
  .meta({ id: 'ResponderSettings' })

const responderSchema: z.ZodType<ResponderJson> = z
  .object({
    account_id: z.string(),
    url: z.string().nullable(),
    module: z.string().nullable(),
    filters: filtersSchema,
    scenario: z.string().nullable(),
    timeout_seconds: z.number(),
    cooldown_seconds: z.number(),
    hourly_limit: z.int(),
    allow_private: z.boolean(),
    created_at: timeSchema,
    updated_at: timeSchema,
    secret: z.string().optional(),
  })
  .meta({ id: 'Responder' })

export function responderRoutes(app: App, { engine }: Context): void {
  app.get(
    '/accounts/:id/responder',
    {
      config: { access: 'read', problems: ['NOT_FOUND'] },
      schema: {
        summary: 'What answers new mail in INBOX by drafts',
        params: accountPathSchema,
        response: { 200: responderSchema },
      },
    },
    async (request) => {
      const { id } = await ownAccount(engine, request, request.params.id)
      const settings = await engine.responders.get(id)
      if (settings === null) throw new ProblemError(404, 'NOT_FOUND', 'the account has no responder')
      return responderToJson(settings, null)
    },
  )

  app.put(
    '/accounts/:id/responder',
    {
      config: { access: 'write' },
      schema: {
        summary: 'Have new mail in INBOX answered by drafts: a program writes them, and a person sends them',
        description:
          'The URL gets a signed POST for each mail, and answers with JSON `{text, html?, subject?, scenario?, metadata?}`, or 204 for none. `secret` signs, and is told where it is new. What programs, lists and mail systems write is never answered (RFC 3834).',
        params: accountPathSchema,
        body: responderInputSchema,
        response: { 200: responderSchema },
      },
    },
    async (request) => {
      const { id } = await ownAccount(engine, request, request.params.id)
      if (request.body.allow_private) checkMayReachPrivate(request)
      const { settings, secret } = await engine.responders.set(id, inputOf(request.body))
      return responderToJson(settings, secret)
    },
  )

  app.delete(
    '/accounts/:id/responder',
    {
      config: { access: 'write', problems: ['NOT_FOUND'] },
      schema: {
        summary: 'Answer new mail no more; drafts that were made stay',
        params: accountPathSchema,
        response: { 204: z.null().meta({ description: 'Removed' }) },
      },
    },
    async (request, reply) => {
      const { id } = await ownAccount(engine, request, request.params.id)
      await engine.responders.remove(id)
      return reply.code(204).send(null)
    },
  )
}

// JSON ↔ engine.

function inputOf(body: z.infer<typeof responderInputSchema>): ResponderInput {
  const { url, module, filters, scenario } = body
  return {
    ...(url === undefined ? {} : { url }),
    ...(module === undefined ? {} : { module }),
    ...(filters === undefined ? {} : { filters: filtersOf(filters) }),
    ...(scenario === undefined ? {} : { scenario }),
    timeoutMs: body.timeout_seconds * 1000,
    cooldownMs: body.cooldown_seconds * 1000,
    hourlyLimit: body.hourly_limit,
    allowPrivate: body.allow_private,
  }
}

function filtersOf({ from, to, subject, headers, list_id: listId }: FiltersJson): MailFilters {
  return {
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(subject === undefined ? {} : { subject }),
    ...(headers === undefined ? {} : { headers }),
    ...(listId === undefined ? {} : { listId }),
  }
}

function filtersToJson({ from, to, subject, headers, listId }: MailFilters): FiltersJson {
  return {
    ...(from === undefined ? {} : { from: [...from] }),
    ...(to === undefined ? {} : { to: [...to] }),
    ...(subject === undefined ? {} : { subject: [...subject] }),
    ...(headers === undefined
      ? {}
      : { headers: Object.fromEntries(Object.entries(headers).map(([name, patterns]) => [name, [...patterns]])) }),
    ...(listId === undefined ? {} : { list_id: [...listId] }),
  }
}

function responderToJson(settings: ResponderSettings, secret: string | null): ResponderJson {
  const { target } = settings
  return {
    account_id: settings.accountId,
    url: target.kind === 'url' ? target.url : null,
    module: target.kind === 'module' ? target.name : null,
    filters: filtersToJson(settings.filters),
    scenario: settings.scenario,
    timeout_seconds: settings.timeoutMs / 1000,
    cooldown_seconds: settings.cooldownMs / 1000,
    hourly_limit: settings.hourlyLimit,
    allow_private: target.kind === 'url' && target.allowPrivate,
    created_at: timeToJson(settings.createdAt),
    updated_at: timeToJson(settings.updatedAt),
    ...(secret === null ? {} : { secret }),
  }
}
