import { eventTypes, type EventType, type Webhook, type WebhookDelivery, type WebhookFailure } from '@everdraft/core'
import { z } from 'zod'

import type { App, Context } from '../app.ts'
import { eventTypeSchema } from '../event-resource.ts'
import {
  accountIdSchema,
  pageQuerySchema,
  pageSchema,
  pageToJson,
  timeSchema,
  timeToJson,
  webhookIdSchema,
} from '../fields.ts'
import { checkMayReachPrivate, ownAccount, ownerOf, ownWebhook, ownWebhooks } from '../ownership.ts'

export interface WebhookJson {
  readonly id: string
  readonly url: string
  /** Null: all. */
  readonly events: readonly EventType[] | null
  readonly account_id: string | null
  readonly allow_private: boolean
  readonly status: 'active' | 'failing' | 'disabled'
  readonly failures: number
  readonly failing_since: string | null
  readonly next_attempt_at: string | null
  readonly disabled_at: string | null
  /** Until then the secret before this one signs, too. */
  readonly previous_secret_expires_at: string | null
  readonly created_at: string
}

export interface NewWebhookJson extends WebhookJson {
  /** Signs the deliveries; told this once. */
  readonly secret: string
}

export interface WebhookDeliveryJson {
  readonly event: EventType | 'ping'
  readonly cursor: number | null
  readonly attempt: number
  readonly at: string
  readonly duration_ms: number
  readonly status: number | null
  readonly error: WebhookFailure | null
}

const newWebhookSchema = z
  .strictObject({
    url: z.string().max(2_000),
    events: z.array(eventTypeSchema).min(1).max(eventTypes.length).exactOptional(),
    account_id: accountIdSchema.exactOptional(),
    allow_private: z.boolean().default(false),
  })
  .meta({ id: 'NewWebhook' })

const webhookChangesSchema = z
  .strictObject({
    url: z.string().max(2_000).exactOptional(),
    events: z.array(eventTypeSchema).min(1).max(eventTypes.length).nullable().exactOptional(),
    enabled: z.boolean().exactOptional(),
  })
  .meta({ id: 'WebhookChanges' })

const newSecretSchema = z
  .strictObject({ previous_valid_seconds: z.int().min(0).max(604_800).exactOptional() })
  .meta({ id: 'NewWebhookSecret' })

const webhookShape = {
  id: z.string(),
  url: z.string(),
  events: z.array(eventTypeSchema).nullable(),
  account_id: z.string().nullable(),
  allow_private: z.boolean(),
  status: z.enum(['active', 'failing', 'disabled']),
  failures: z.int(),
  failing_since: timeSchema.nullable(),
  next_attempt_at: timeSchema.nullable(),
  disabled_at: timeSchema.nullable(),
  previous_secret_expires_at: timeSchema.nullable(),
  created_at: timeSchema,
}

const webhookSchema: z.ZodType<WebhookJson> = z.object(webhookShape).meta({ id: 'Webhook' })
const createdWebhookSchema: z.ZodType<NewWebhookJson> = z
  .object({ ...webhookShape, secret: z.string() })
  .meta({ id: 'CreatedWebhook' })

const failures = [
  'REFUSED',
  'REDIRECT',
  'FORBIDDEN_ADDRESS',
  'UNREACHABLE',
  'CERTIFICATE',
  'TIMEOUT',
  'SECRETS_LOCKED',
] as const satisfies readonly WebhookFailure[]

const deliverySchema: z.ZodType<WebhookDeliveryJson> = z
  .object({
    event: z.union([eventTypeSchema, z.literal('ping')]),
    cursor: z.int().nullable(),
    attempt: z.int(),
    at: timeSchema,
    duration_ms: z.int(),
    status: z.int().nullable(),
    error: z.enum(failures).nullable(),
  })
  .meta({ id: 'WebhookDelivery' })

const webhookPathSchema = z.strictObject({ id: webhookIdSchema })

export function webhookRoutes(app: App, { engine, webhooks }: Context): void {
  app.get(
    '/webhooks',
    {
      config: { access: 'admin' },
      schema: {
        summary: 'The own webhooks, the newest first; never their secrets',
        querystring: pageQuerySchema,
        response: { 200: pageSchema(webhookSchema) },
      },
    },
    async (request) => pageToJson(await ownWebhooks(engine, request, request.query), webhookToJson),
  )

  app.post(
    '/webhooks',
    {
      config: { access: 'admin' },
      schema: {
        summary: 'Have events from now on delivered to a URL; `secret` signs them, and is told this once',
        description:
          'In order, one after the other, each until it is taken (2xx). `https:` and public addresses only; with `allow_private`, which is for the tenant of the daemon itself, also others. No redirect is followed.',
        body: newWebhookSchema,
        response: { 201: createdWebhookSchema },
      },
    },
    async (request, reply) => {
      const { url, events, account_id: accountId, allow_private: allowPrivate } = request.body
      if (accountId !== undefined) await ownAccount(engine, request, accountId)
      if (allowPrivate) checkMayReachPrivate(request)
      const { webhook, secret } = await engine.webhooks.add({
        owner: ownerOf(request),
        url,
        allowPrivate,
        ...(events === undefined ? {} : { events }),
        ...(accountId === undefined ? {} : { accountId }),
      })
      webhooks.deliverTo(webhook)
      return reply
        .code(201)
        .header('location', `/webhooks/${webhook.id}`)
        .send({ ...webhookToJson(webhook), secret })
    },
  )

  app.patch(
    '/webhooks/:id',
    {
      config: { access: 'admin' },
      schema: {
        summary: 'Change where events go, and which; what is left out stays',
        description:
          '`events: null` is all. With `enabled: false` nothing is delivered; with `enabled: true`, also of one that was given up, it goes on from where it was, at once.',
        params: webhookPathSchema,
        body: webhookChangesSchema,
        response: { 200: webhookSchema },
      },
    },
    async (request) => {
      const { id } = await ownWebhook(engine, request, request.params.id)
      const { enabled, ...changes } = request.body
      // What is on its way goes where it began to go, and its end is not taken for one of the new place.
      await webhooks.stop(id)
      try {
        return webhookToJson(
          await engine.webhooks.change(id, { ...changes, ...(enabled === undefined ? {} : { isEnabled: enabled }) }),
        )
      } finally {
        webhooks.deliverTo(await engine.webhooks.get(id))
      }
    },
  )

  app.post(
    '/webhooks/:id/secret',
    {
      config: { access: 'admin' },
      schema: {
        summary: 'A new `secret`, told this once; the one before signs beside it for a while',
        description:
          'For `previous_valid_seconds`, a day if nothing is said and 0 for not at all, each delivery has both signatures. A secret before the previous one signs no more.',
        params: webhookPathSchema,
        body: newSecretSchema.nullish(),
        response: { 200: createdWebhookSchema },
      },
    },
    async (request) => {
      const { id } = await ownWebhook(engine, request, request.params.id)
      const seconds = request.body?.previous_valid_seconds
      const options = seconds === undefined ? {} : { previousValidMs: seconds * 1000 }
      const { webhook, secret } = await engine.webhooks.changeSecret(id, options)
      return { ...webhookToJson(webhook), secret }
    },
  )

  app.delete(
    '/webhooks/:id',
    {
      config: { access: 'admin' },
      schema: {
        summary: 'Remove a webhook, with its log: nothing is delivered any more',
        params: webhookPathSchema,
        response: { 204: z.null().meta({ description: 'Removed' }) },
      },
    },
    async (request, reply) => {
      const { id } = await ownWebhook(engine, request, request.params.id)
      await webhooks.stop(id)
      await engine.webhooks.remove(id)
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/webhooks/:id/test',
    {
      config: { access: 'admin' },
      schema: {
        summary: 'Deliver a ping now, and say what came of it; one that is taken enables a disabled webhook',
        params: webhookPathSchema,
        response: { 200: deliverySchema },
      },
    },
    async (request) => deliveryToJson(await webhooks.ping(await ownWebhook(engine, request, request.params.id))),
  )

  app.get(
    '/webhooks/:id/deliveries',
    {
      config: { access: 'admin' },
      schema: {
        summary: 'The attempts of 30 days, the newest first',
        params: webhookPathSchema,
        querystring: pageQuerySchema,
        response: { 200: pageSchema(deliverySchema) },
      },
    },
    async (request) => {
      const { id } = await ownWebhook(engine, request, request.params.id)
      return pageToJson(await engine.webhooks.deliveries(id, request.query), deliveryToJson)
    },
  )
}

// JSON ↔ engine.

function webhookToJson({ progress, previousSecretUntil, ...webhook }: Webhook): WebhookJson {
  const { failures: inARow, failingSince, nextAttemptAt, disabledAt } = progress
  const previousUntil = previousSecretUntil !== null && previousSecretUntil > Date.now() ? previousSecretUntil : null
  return {
    id: webhook.id,
    url: webhook.url,
    events: webhook.events,
    account_id: webhook.accountId,
    allow_private: webhook.allowPrivate,
    status: disabledAt !== null ? 'disabled' : inARow > 0 ? 'failing' : 'active',
    failures: inARow,
    failing_since: failingSince === null ? null : timeToJson(failingSince),
    next_attempt_at: nextAttemptAt === null ? null : timeToJson(nextAttemptAt),
    disabled_at: disabledAt === null ? null : timeToJson(disabledAt),
    previous_secret_expires_at: previousUntil === null ? null : timeToJson(previousUntil),
    created_at: timeToJson(webhook.createdAt),
  }
}

function deliveryToJson(delivery: WebhookDelivery): WebhookDeliveryJson {
  return {
    event: delivery.event,
    cursor: delivery.cursor,
    attempt: delivery.attempt,
    at: timeToJson(delivery.at),
    duration_ms: delivery.durationMs,
    status: delivery.status,
    error: delivery.error,
  }
}
