import { type ApiToken, type ApiTokenInput, type Scope, scopes, type TenantId, type UserId } from '@everdraft/core'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'

import type { App, Context } from '../app.ts'
import { apiTokenIdSchema, pageQuerySchema, pageSchema, pageToJson, timeSchema, timeToJson } from '../fields.ts'
import { ownToken, ownTokens } from '../ownership.ts'
import { principalOf } from '../principal.ts'
import { ProblemError } from '../problems.ts'

export interface TokenJson {
  readonly id: string
  readonly name: string
  readonly tenant_id: string
  readonly user_id: string
  readonly scopes: readonly Scope[]
  readonly expires_at: string | null
  readonly last_used_at: string | null
  readonly created_at: string
}

export interface NewTokenJson extends TokenJson {
  /** What the bearer shows; told this once. */
  readonly token: string
}

const ownerNameSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,199}$/,
    'must be 1 to 200 letters, digits and any of . _ @ + -, a letter or digit first',
  )

const newTokenSchema = z
  .strictObject({
    name: z.string().max(200).exactOptional(),
    tenant_id: ownerNameSchema.exactOptional(),
    user_id: ownerNameSchema.exactOptional(),
    scopes: z.array(z.enum(scopes)).min(1).max(scopes.length),
    expires_at: z.iso.datetime({ offset: true }).nullish(),
  })
  .meta({ id: 'NewToken' })

const tokenShape = {
  id: z.string(),
  name: z.string(),
  tenant_id: z.string(),
  user_id: z.string(),
  scopes: z.array(z.enum(scopes)),
  expires_at: timeSchema.nullable(),
  last_used_at: timeSchema.nullable(),
  created_at: timeSchema,
}

const tokenSchema: z.ZodType<TokenJson> = z.object(tokenShape).meta({ id: 'Token' })
const createdTokenSchema: z.ZodType<NewTokenJson> = z
  .object({ ...tokenShape, token: z.string() })
  .meta({ id: 'CreatedToken' })

export function tokenRoutes(app: App, { engine }: Context): void {
  app.get(
    '/tokens',
    {
      config: { access: 'admin' },
      schema: {
        summary: 'The tokens, the newest first; never what their bearers show',
        description: 'Those of the own tenant and user; with the token of the daemon itself those of all.',
        querystring: pageQuerySchema,
        response: { 200: pageSchema(tokenSchema) },
      },
    },
    async (request) => pageToJson(await ownTokens(engine, request, request.query), tokenToJson),
  )

  app.post(
    '/tokens',
    {
      config: { access: 'admin' },
      schema: {
        summary: 'Make a token; `token` is what its bearer shows, and is told this once',
        description:
          'It can do no more than the token that makes it: no other scopes, no later end. Only the token of the daemon itself makes tokens for other tenants and users.',
        body: newTokenSchema,
        response: { 201: createdTokenSchema },
      },
    },
    async (request, reply) => {
      const { token, text } = await engine.apiTokens.create(tokenInput(request, request.body))
      return reply
        .code(201)
        .header('location', `/tokens/${token.id}`)
        .send({ ...tokenToJson(token), token: text })
    },
  )

  app.delete(
    '/tokens/:id',
    {
      config: { access: 'admin' },
      schema: {
        summary: 'Revoke a token: it opens nothing from now on',
        params: z.strictObject({ id: apiTokenIdSchema }),
        response: { 204: z.null().meta({ description: 'Revoked' }) },
      },
    },
    async (request, reply) => {
      const { id } = await ownToken(engine, request, request.params.id)
      await engine.apiTokens.revoke(id)
      return reply.code(204).send(null)
    },
  )
}

// JSON ↔ engine.

/** @throws {ProblemError} 403 for more than the one who asks may do */
function tokenInput(request: FastifyRequest, json: z.output<typeof newTokenSchema>): ApiTokenInput {
  const maker = principalOf(request)
  const owner = {
    tenantId: (json.tenant_id ?? maker.owner.tenantId) as TenantId,
    userId: (json.user_id ?? maker.owner.userId) as UserId,
  }
  const isOther = owner.tenantId !== maker.owner.tenantId || owner.userId !== maker.owner.userId
  if (isOther && maker.tokenId !== null) {
    throw refusal('tenant_id', 'only the token of the daemon itself makes tokens for other tenants and users')
  }
  const lacking = json.scopes.find((scope) => !maker.scopes.has(scope))
  if (lacking !== undefined) throw refusal('scopes', `the token that makes it lacks the scope ${lacking}`)
  const given = json.expires_at ?? null
  const expiresAt = given === null ? maker.expiresAt : Date.parse(given)
  if (maker.expiresAt !== null && expiresAt !== null && expiresAt > maker.expiresAt) {
    throw refusal('expires_at', `the token that makes it ends at ${timeToJson(maker.expiresAt)}`)
  }
  return { owner, scopes: json.scopes, expiresAt, ...(json.name === undefined ? {} : { name: json.name }) }
}

function refusal(path: string, message: string): ProblemError {
  return new ProblemError(403, 'UNAUTHORIZED', `${path}: ${message}`, { errors: [{ path, message }] })
}

function tokenToJson(token: ApiToken): TokenJson {
  return {
    id: token.id,
    name: token.name,
    tenant_id: token.owner.tenantId,
    user_id: token.owner.userId,
    scopes: token.scopes,
    expires_at: token.expiresAt === null ? null : timeToJson(token.expiresAt),
    last_used_at: token.lastUsedAt === null ? null : timeToJson(token.lastUsedAt),
    created_at: timeToJson(token.createdAt),
  }
}
