import {
  type AccountId,
  type Draft,
  type DraftInput,
  type RepeatableRequest,
  type SendId,
  type SendOptions,
  type SendRecord,
  type Umid,
  validationError,
} from '@everdraft/core'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'

import type { App, Context } from '../app.ts'
import { changesShape, draftChanges } from '../draft-content.ts'
import { endedSend } from '../ended-send.ts'
import {
  accountIdSchema,
  accountPathSchema,
  draftIdSchema,
  draftPathSchema,
  headerTextSchema,
  limitSchema,
  offsetSchema,
  pageSchema,
  pageToJson,
  sendIdSchema,
} from '../fields.ts'
import { createIdempotencyKeys, type IdempotentRequest, repeatableRequestOf } from '../idempotency.ts'
import { ownAccount, ownAccounts, ownDraft, ownerKey, ownSend, ownSends } from '../ownership.ts'
import { ProblemError } from '../problems.ts'
import { baseVersion, waitOfPrefer } from '../request-headers.ts'
import { type SendJson, sendSchema, sendStatusSchema, sendToJson } from '../send-resource.ts'

const sendOptionsShape = {
  send_at: z.iso.datetime({ offset: true }).exactOptional(),
  hold_at_server: z.boolean().exactOptional(),
  undo_seconds: z.number().min(0).max(86_400).exactOptional(),
  confirm: z.boolean().exactOptional(),
}
type SendOptionsJson = z.output<z.ZodObject<typeof sendOptionsShape>>

const sendOptionsSchema = z.strictObject(sendOptionsShape).meta({ id: 'SendOptions' })

const newMailSchema = z
  .strictObject({
    ...changesShape,
    account_id: accountIdSchema.exactOptional(),
    from_email: headerTextSchema(998).min(1).exactOptional(),
    ...sendOptionsShape,
  })
  .meta({ id: 'NewMail' })

const sendHeadersSchema = z.object({
  'idempotency-key': z.string().min(1).max(255).exactOptional(),
  'if-match': z.string().exactOptional(),
  prefer: z.string().exactOptional(),
})

const resolveSchema = z.strictObject({ as: z.enum(['sent', 'send_again']) }).meta({ id: 'SendResolution' })

const sendPathSchema: z.ZodType<{ id: SendId }> = z.strictObject({ id: sendIdSchema })

const accepted = { 200: sendSchema, 202: sendSchema }

interface Answer {
  readonly status: 200 | 202
  readonly headers: Readonly<Record<string, string>>
  readonly body: SendJson
}

export function sendRoutes(app: App, { engine, closing }: Context): void {
  const idempotencyKeys = createIdempotencyKeys<SendId>()

  /** 200 where the caller waits and it has ended meanwhile, whatever the outcome; else 202. */
  const answer = async (id: SendId, prefer: string | undefined): Promise<Answer> => {
    const waitSeconds = waitOfPrefer(prefer)
    const waitMs = (waitSeconds ?? 0) * 1000
    const { record, isEnded } = await endedSend(engine, id, { waitMs, closing })
    const isWaited = waitSeconds !== null && isEnded
    return {
      status: isWaited ? 200 : 202,
      headers: { location: `/track/${id}`, ...(isWaited ? { 'preference-applied': `wait=${waitSeconds}` } : {}) },
      body: sendToJson(record),
    }
  }

  app.post(
    '/accounts/:id/drafts/:draft_id/send',
    {
      config: {
        access: 'send',
        problems: [
          'NOT_A_DRAFT',
          'VERSION_MISMATCH',
          'IN_FLIGHT',
          'IDEMPOTENCY_KEY_REUSED',
          'APPROVAL_REQUIRED',
          'UNSENDABLE',
          'NO_SUBMISSION',
        ],
      },
      schema: {
        summary: 'Consent to send the draft as it is at this version',
        description:
          'Nobody edits it until the send is undone or has failed. `undo_seconds` is how long it can be undone at least; `send_at` a time before which it does not go. With `Prefer: wait=N` the answer is 200 when the send has ended within N seconds, whatever the outcome.',
        params: draftPathSchema,
        headers: sendHeadersSchema,
        body: sendOptionsSchema.nullish(),
        response: accepted,
      },
    },
    async (request, reply) => {
      const { id: accountId, draft_id: draftId } = request.params
      const { headers } = request
      const body = request.body ?? {}
      await ownAccount(engine, request, accountId)
      const idempotent = {
        key: headers['idempotency-key'],
        scope: `draft ${draftId}`,
        body: { ...body, match: headers['if-match'] },
      }
      const id = await idempotencyKeys.once(idempotent, async () => {
        const draft = await ownDraft(engine, request, accountId, draftId)
        const base = baseVersion(headers['if-match'], draft.version)
        return (await engine.drafts.send(draftId, { ...sendOptions(body), ...base, ...requestOption(idempotent) })).id
      })
      const { status, headers: more, body: json } = await answer(id, headers.prefer)
      return reply.code(status).headers(more).send(json)
    },
  )

  app.post(
    '/send',
    {
      config: {
        access: 'send',
        problems: ['IN_FLIGHT', 'IDEMPOTENCY_KEY_REUSED', 'UNSENDABLE', 'NO_SUBMISSION'],
      },
      schema: {
        summary: 'Write a mail and send it, in one request',
        description:
          'From the account of `account_id`, or the one whose address is `from_email`. What stands against sending is 422, and leaves no draft.',
        headers: sendHeadersSchema,
        body: newMailSchema,
        response: accepted,
      },
    },
    async (request, reply) => {
      const { headers, body } = request
      const idempotent = { key: headers['idempotency-key'], scope: `${ownerKey(request)} new mail`, body }
      const id = await idempotencyKeys.once(idempotent, async () => {
        const known = repeatableRequestOf(idempotent)
        const sent = known === null ? null : await engine.sends.ofRequest(known)
        return (sent ?? (await sendNew(request, body, known))).id
      })
      const { status, headers: more, body: json } = await answer(id, headers.prefer)
      return reply.code(status).headers(more).send(json)
    },
  )

  async function sendNew(
    request: FastifyRequest,
    json: z.output<typeof newMailSchema>,
    asked: RepeatableRequest | null,
  ): Promise<SendRecord> {
    const { account_id: givenId, from_email: fromEmail, ...mail } = json
    const { send_at, hold_at_server, undo_seconds, confirm, ...changes } = mail
    const accountId = givenId ?? (await accountOf(request, fromEmail))
    await ownAccount(engine, request, accountId)
    const options = sendOptions({
      ...(send_at === undefined ? {} : { send_at }),
      ...(hold_at_server === undefined ? {} : { hold_at_server }),
      ...(undo_seconds === undefined ? {} : { undo_seconds }),
      ...(confirm === undefined ? {} : { confirm }),
    })
    const draft = await newDraft({ ...draftChanges(changes), accountId }, asked)
    try {
      return await engine.drafts.send(draft.id, { ...options, ...(asked === null ? {} : { request: asked }) })
    } catch (error) {
      // Nobody was told of the draft: it is not left behind.
      await engine.drafts.discard(draft.id, { by: 'program' })
      throw error
    }
  }

  /** The one that is left of a first request that ended before it could send. */
  async function newDraft(input: DraftInput, asked: RepeatableRequest | null): Promise<Draft> {
    if (asked === null) return await engine.drafts.create(input, { by: 'program' })
    // By its digest, too: what was refused may come again under its key with another body.
    const ofDraft = { ...asked, key: `${asked.key} ${asked.digest}` }
    const draft = await engine.drafts.create(input, { by: 'program', request: ofDraft })
    return draft.status === 'discarded' ? await engine.drafts.undiscard(draft.id) : draft
  }

  async function accountOf(request: FastifyRequest, fromEmail: string | undefined): Promise<AccountId> {
    if (fromEmail === undefined) throw validationError('from_email', 'is needed, or account_id')
    const wanted = fromEmail.trim().toLowerCase()
    const { items } = await ownAccounts(engine, request, { limit: 500 })
    const [found, second] = items.filter(({ address }) => address.toLowerCase() === wanted)
    if (found !== undefined && second === undefined) return found.id
    const message = found === undefined ? 'is no address of an account' : 'is the address of several accounts'
    throw new ProblemError(422, 'UNSENDABLE', `from_email: ${message}`, { errors: [{ path: 'from_email', message }] })
  }

  app.get(
    '/track/:id',
    {
      config: { access: 'read' },
      schema: { summary: 'What became of a send', params: sendPathSchema, response: { 200: sendSchema } },
    },
    async (request) => sendToJson(await ownSend(engine, request, request.params.id)),
  )

  app.get(
    '/sends',
    {
      config: { access: 'read', remembered: true },
      schema: {
        summary: 'Sends, the newest first',
        querystring: z.strictObject({
          limit: limitSchema,
          offset: offsetSchema,
          account_id: accountIdSchema.exactOptional(),
          draft_id: draftIdSchema.exactOptional(),
          status: sendStatusSchema.exactOptional(),
        }),
        response: { 200: pageSchema(sendSchema) },
      },
    },
    async (request) => {
      const { account_id: accountId, draft_id: draftId, ...query } = request.query
      const page = await ownSends(engine, request, {
        ...query,
        ...(accountId === undefined ? {} : { accountId }),
        ...(draftId === undefined ? {} : { draftId: draftId satisfies Umid }),
      })
      return pageToJson(page, sendToJson)
    },
  )

  app.post(
    '/accounts/:id/sends/release',
    {
      config: { access: 'send' },
      schema: {
        summary: 'Go: what a restored backup holds is sent, each at its time',
        description:
          'After the data was put back from a backup nothing of the outbox goes by itself, as it may have been sent since. What is found in Sent stays held. One send alone is let go by `POST /sends/{id}/retry`.',
        params: accountPathSchema,
        response: { 200: z.object({ released: z.int() }).meta({ id: 'Released' }) },
      },
    },
    async (request) => {
      await ownAccount(engine, request, request.params.id)
      return await engine.sends.release(request.params.id)
    },
  )

  app.delete(
    '/sends/:id',
    {
      config: { access: 'send', problems: ['TOO_LATE'] },
      schema: {
        summary: 'Undo, while it still can be: the draft is a draft again',
        description:
          '409 `TOO_LATE` once the server has accepted recipients; later only those who are left are given up.',
        params: sendPathSchema,
        response: { 200: sendSchema },
      },
    },
    async (request) => {
      const { id } = await ownSend(engine, request, request.params.id)
      return sendToJson(await engine.sends.cancel(id))
    },
  )

  app.post(
    '/sends/:id/retry',
    {
      config: { access: 'send', problems: ['TOO_LATE', 'NOT_A_DRAFT', 'VERSION_MISMATCH', 'APPROVAL_REQUIRED'] },
      schema: {
        summary: 'Now, past what holds it; or anew after a failure, under the same id',
        params: sendPathSchema,
        response: { 200: sendSchema },
      },
    },
    async (request) => {
      const { id } = await ownSend(engine, request, request.params.id)
      return sendToJson(await engine.sends.retry(id))
    },
  )

  app.post(
    '/sends/:id/resolve',
    {
      config: { access: 'send', problems: ['TOO_LATE'] },
      schema: {
        summary: 'What an unknown one is: sent, or to be sent again',
        params: sendPathSchema,
        body: resolveSchema,
        response: { 200: sendSchema },
      },
    },
    async (request) => {
      const { id } = await ownSend(engine, request, request.params.id)
      return sendToJson(await engine.sends.resolve(id, request.body.as))
    },
  )
}

/** Kept with the send, so that it also holds after a restart. */
function requestOption(idempotent: IdempotentRequest): Pick<SendOptions, 'request'> {
  const request = repeatableRequestOf(idempotent)
  return request === null ? {} : { request }
}

// JSON ↔ engine.

function sendOptions(options: SendOptionsJson): SendOptions {
  const { send_at: sendAt, hold_at_server: holdAtServer, undo_seconds: undoSeconds, confirm } = options
  return {
    // What is long past is due.
    ...(sendAt === undefined ? {} : { sendAt: Math.max(0, Date.parse(sendAt)) }),
    ...(holdAtServer === undefined ? {} : { holdAtServer }),
    ...(undoSeconds === undefined ? {} : { undoMs: undoSeconds * 1000 }),
    ...(confirm === undefined ? {} : { confirm }),
  }
}
