import { EverdraftError } from '@everdraft/core'
import { z } from 'zod'

import type { App, Context } from '../app.ts'
import { draftPathSchema, userTextSchema, webhookIdSchema } from '../fields.ts'
import { ownDraft, ownWebhook } from '../ownership.ts'
import { ProblemError, statusOfProblem } from '../problems.ts'
import { type Suggestion, SuggestionError } from '../suggestions.ts'

export interface SuggestionsJson {
  readonly items: readonly Suggestion[]
}

const suggestionsSchema: z.ZodType<SuggestionsJson> = z
  .object({
    items: z.array(
      z.object({
        label: z.string().nullable(),
        subject: z.string().nullable(),
        text: z.string().nullable(),
        html: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'Suggestions' })

const askedSchema = z
  .strictObject({
    webhook_id: webhookIdSchema,
    instructions: userTextSchema().min(1).max(10_000).exactOptional(),
    timeout_seconds: z.int().min(1).max(120).default(30),
  })
  .meta({ id: 'SuggestionRequest' })

export function suggestionRoutes(app: App, { engine, suggestions, closing }: Context): void {
  app.post(
    '/accounts/:id/drafts/:draft_id/suggest',
    {
      config: {
        access: 'write',
        problems: ['NOT_FOUND', 'REFUSED', 'UNREACHABLE', 'CERTIFICATE', 'TIMEOUT', 'SECRETS_LOCKED'],
      },
      schema: {
        summary: 'Ask a webhook of your own what might be written instead; nothing is stored',
        description:
          'The draft goes to the webhook in a signed POST, without Bcc, metadata and the bytes of attachments. It answers `{suggestions: [{label, subject, text, html}]}`, or 204.',
        params: draftPathSchema,
        body: askedSchema,
        response: { 200: suggestionsSchema },
      },
    },
    async (request) => {
      const { webhook_id: webhookId, instructions = null, timeout_seconds: seconds } = request.body
      const draft = await ownDraft(engine, request, request.params.id, request.params.draft_id)
      const webhook = await ownWebhook(engine, request, webhookId)
      try {
        const options = { webhook, timeoutMs: seconds * 1000, signal: closing }
        return { items: await suggestions.suggest({ draft, instructions }, options) }
      } catch (error) {
        if (closing.aborted) throw new EverdraftError('CLOSED', 'the daemon is closing')
        if (!(error instanceof SuggestionError)) throw error
        throw new ProblemError(statusOfProblem[error.code], error.code, error.message)
      }
    },
  )
}
