import { randomUUID } from 'node:crypto'

import { type Engine, EverdraftError, type WebhookFailure, type WebhookId } from '@everdraft/core'
import { z } from 'zod'

import { contentToJson } from './draft-content.ts'
import { userTextSchema } from './fields.ts'
import {
  type Suggestion,
  SuggestionError,
  type SuggestionErrorCode,
  type SuggestionPort,
  type SuggestionRequest,
} from './suggestions.ts'
import { askWebhook, type ResolveHost, type WebhookReply } from './webhook-request.ts'
import { signedHeaders } from './webhook-signature.ts'

const longestAnswerBytes = 4 * 1024 * 1024
const longestText = 1_000_000

const suggestionSchema = z
  .object({
    label: userTextSchema().max(200).nullish(),
    subject: userTextSchema().max(998).nullish(),
    text: userTextSchema().max(longestText).nullish(),
    html: userTextSchema().max(longestText).nullish(),
  })
  .refine(({ subject, text, html }) => (subject ?? text ?? html ?? null) !== null, 'needs a subject, a text or HTML')

const answerSchema = z.object({ suggestions: z.array(suggestionSchema).max(20) })

/** Asks a webhook of the user's, signed as events are, by the same rules: public addresses, and no redirect is followed. */
export function suggestionWebhooks({
  engine,
  version,
  resolve,
}: {
  readonly engine: Engine
  /** What `User-Agent` says of the program. */
  readonly version: string
  readonly resolve: ResolveHost
}): SuggestionPort {
  return {
    async suggest(request, { webhook, timeoutMs, signal }) {
      const body = JSON.stringify(requestToJson(request))
      const at = Date.now()
      const secrets = await secretsOf(engine, webhook.id)
      const reply = await askWebhook({
        url: webhook.url,
        body,
        headers: {
          ...signedHeaders(body, { version, event: 'suggest', delivery: `${webhook.id}:${randomUUID()}`, secrets, at }),
          accept: 'application/json',
        },
        allowPrivate: webhook.allowPrivate,
        resolve,
        timeoutMs,
        longestBytes: longestAnswerBytes,
        signal,
      })
      return suggestionsOf(reply)
    },
  }
}

/** @throws {SuggestionError} SECRETS_LOCKED */
async function secretsOf(engine: Engine, id: WebhookId): Promise<readonly string[]> {
  try {
    return await engine.webhooks.secrets(id)
  } catch (error) {
    if (!(error instanceof EverdraftError) || error.code !== 'SECRETS_LOCKED') throw error
    throw failure('SECRETS_LOCKED')
  }
}

/** What is nobody's business but the recipients' stays here: no Bcc, no metadata, and of files their names. */
function requestToJson({ draft, instructions }: SuggestionRequest): object {
  const { from, to, cc, subject, text, html, in_reply_to, references, tags, attachments } = contentToJson(draft)
  const files = attachments.map(({ filename, content_type, size }) => ({ filename, content_type, size }))
  return {
    account_id: draft.accountId,
    draft_id: draft.id,
    version: draft.version,
    draft: { from, to, cc, subject, text, html, in_reply_to, references, tags, attachments: files },
    instructions,
  }
}

/** @throws {SuggestionError} */
function suggestionsOf({ status, error, body }: WebhookReply): readonly Suggestion[] {
  if (error === 'REFUSED') throw new SuggestionError('REFUSED', `the webhook answered ${status}`)
  if (error !== null) throw failure(error)
  if (status === 204) return []
  if (body === null) throw new SuggestionError('REFUSED', 'the answer of the webhook is too long')
  const { data, error: wrong } = answerSchema.safeParse(parsed(body))
  if (data === undefined) {
    const [issue] = wrong.issues
    const where = issue?.path.join('.') ?? ''
    throw new SuggestionError('REFUSED', `the answer of the webhook is not understood: ${where} ${issue?.code ?? ''}`)
  }
  return data.suggestions.map(({ label, subject, text, html }) => ({
    label: label ?? null,
    subject: subject ?? null,
    text: text ?? null,
    html: html ?? null,
  }))
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown
  } catch {
    throw new SuggestionError('REFUSED', 'the answer of the webhook is not JSON')
  }
}

const failures: Readonly<Record<WebhookFailure, readonly [SuggestionErrorCode, string]>> = {
  REFUSED: ['REFUSED', 'the webhook refused'],
  REDIRECT: ['REFUSED', 'the webhook wants to be asked elsewhere'],
  FORBIDDEN_ADDRESS: ['REFUSED', 'the address of the webhook is not a public one'],
  UNREACHABLE: ['UNREACHABLE', 'the webhook cannot be reached'],
  CERTIFICATE: ['CERTIFICATE', 'the certificate of the webhook is not trusted'],
  TIMEOUT: ['TIMEOUT', 'the webhook did not answer in time'],
  SECRETS_LOCKED: ['SECRETS_LOCKED', 'there is no key to open the secret of the webhook with'],
}

function failure(code: WebhookFailure): SuggestionError {
  return new SuggestionError(...failures[code])
}
