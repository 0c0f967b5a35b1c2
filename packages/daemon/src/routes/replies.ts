import type { FolderPath, Umid } from '@everdraft/core'
import { z } from 'zod'

import type { App, Context } from '../app.ts'
import { draftSchema, draftToJson, policySchema, reviewInputSchema } from '../draft-resource.ts'
import { accountPathSchema, authorSchema, messageIdSchema, userTextSchema } from '../fields.ts'
import { createIdempotencyKeys, repeatableRequestOf } from '../idempotency.ts'
import { ownAccount } from '../ownership.ts'
import { versionToEtag } from '../request-headers.ts'

const newReplySchema = z
  .strictObject({
    message_id: messageIdSchema,
    mode: z.enum(['reply', 'reply_all', 'forward']),
    // The cast is the seam where text from outside becomes a folder's name; the server knows which there are.
    folder: userTextSchema().min(1).max(1000).exactOptional() as unknown as z.ZodExactOptional<z.ZodType<FolderPath>>,
    policy: policySchema.exactOptional(),
    review: reviewInputSchema.exactOptional(),
  })
  .meta({ id: 'NewReply' })

export function replyRoutes(app: App, { engine }: Context): void {
  const idempotencyKeys = createIdempotencyKeys<Umid>()

  app.post(
    '/accounts/:id/messages/reply',
    {
      config: {
        access: 'write',
        problems: [
          'NOT_FOUND',
          'IN_FLIGHT',
          'IDEMPOTENCY_KEY_REUSED',
          'UNREACHABLE',
          'TIMEOUT',
          'CONNECTION_LOST',
          'ABORTED',
          'AUTH_FAILED',
          'CERTIFICATE',
          'REFUSED',
          'SECRETS_LOCKED',
        ],
      },
      schema: {
        summary: 'Answer a message on the server, or pass it on: a draft with threading headers and the quote',
        description:
          'A forward has the attachments of the message; one that is signed or encrypted is attached as a whole. It is looked for by its Message-ID, in `folder` first, else in INBOX and Sent first. Nothing is made when the server cannot be reached.',
        params: accountPathSchema,
        headers: z.object({
          'idempotency-key': z.string().min(1).max(255).exactOptional(),
          'everdraft-author': authorSchema,
        }),
        body: newReplySchema,
        response: { 201: draftSchema },
      },
    },
    async (request, reply) => {
      const { id: accountId } = await ownAccount(engine, request, request.params.id)
      const { message_id: messageId, review, ...rest } = request.body
      const input = { ...rest, ...(review === undefined ? {} : { review: review ?? { required: false } }) }
      const by = request.headers['everdraft-author']
      const idempotent = {
        key: request.headers['idempotency-key'],
        // A draft of one's own may have the same key.
        scope: `${accountId} reply`,
        body: request.body,
      }
      const repeatable = repeatableRequestOf(idempotent)
      const options = { by, ...(repeatable === null ? {} : { request: repeatable }) }
      const id = await idempotencyKeys.once(
        idempotent,
        async () => (await engine.drafts.reply(accountId, { messageId, ...input }, options)).id,
      )
      const draft = await engine.drafts.get(id)
      return reply
        .code(201)
        .headers({ location: `/accounts/${accountId}/drafts/${id}`, etag: versionToEtag(draft.version) })
        .send(draftToJson(draft))
    },
  )
}
