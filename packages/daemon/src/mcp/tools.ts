import { z } from 'zod'

import { versionSchema } from '../fields.ts'

/** What a model can do: each tool stands for a route, and takes from its schemas what it takes. */
export interface ToolPlan {
  readonly name: string
  /** For the model. */
  readonly description: string
  /** Whoever may call it has the tool. */
  readonly route: string
  /** Names in the path that say too little without the path. */
  readonly names?: Readonly<Record<string, string>>
  /** What the route takes as a header. */
  readonly headers?: Readonly<Record<string, HeaderArgument>>
  /** In the place of what a query says in text. */
  readonly query?: Readonly<Record<string, z.ZodType>>
  /** What the route takes and a model does not say. */
  readonly without?: readonly string[]
  /** Always said, and all that is said. */
  readonly body?: Readonly<Record<string, unknown>>
  readonly hints: { readonly readOnlyHint: boolean; readonly destructiveHint: boolean }
}

interface HeaderArgument {
  readonly header: string
  readonly schema: z.ZodType
  readonly toText: (value: unknown) => string
}

const expectedVersion: HeaderArgument = {
  header: 'if-match',
  schema: versionSchema.describe('the version that you have read; with a newer one nothing happens'),
  toText: (value) => `"${String(value)}"`,
}

const idempotencyKey: HeaderArgument = {
  header: 'idempotency-key',
  schema: z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 printable ASCII characters without blanks')
    .describe('of your choice: the same call again, with the same key, does nothing twice')
    .exactOptional(),
  toText: String,
}

/** Shorter than what clients wait for an answer. */
const longestWaitSeconds = 50

const waitSeconds: HeaderArgument = {
  header: 'prefer',
  schema: z
    .int()
    .min(0)
    .max(longestWaitSeconds)
    .describe('how long to wait for the outcome; else the answer comes at once')
    .exactOptional(),
  toText: (value) => `wait=${String(value)}`,
}

const page = {
  limit: z.int().min(1).max(500).describe('default 50').exactOptional(),
  offset: z.int().min(0).max(999_999_999).describe('default 0').exactOptional(),
}

const ofAccount = { id: 'account_id' }
const ofSend = { id: 'send_id' }

const reads = { readOnlyHint: true, destructiveHint: false }
const adds = { readOnlyHint: false, destructiveHint: false }
const changes = { readOnlyHint: false, destructiveHint: true }

export const toolPlans: readonly ToolPlan[] = [
  {
    name: 'list_accounts',
    description: 'The mail accounts: what account_id can be.',
    route: 'GET /accounts',
    query: page,
    hints: reads,
  },
  {
    name: 'list_drafts',
    description: 'Drafts of an account without their text, newest change first; with q, best match first.',
    route: 'GET /accounts/:id/drafts',
    names: ofAccount,
    query: page,
    hints: reads,
  },
  {
    name: 'get_draft',
    description: 'A draft with its text and its version.',
    route: 'GET /accounts/:id/drafts/:draft_id',
    names: ofAccount,
    hints: reads,
  },
  {
    name: 'create_draft',
    description:
      'Write a draft in the account whose address is `from`, else in the one that fits; the answer says which. Nothing is sent. With review {"required": true} a person has to approve it before it can be.',
    route: 'POST /drafts',
    headers: { idempotency_key: idempotencyKey },
    hints: adds,
  },
  {
    name: 'update_draft',
    description:
      'Change the fields given; null empties one. If somebody has edited the draft since the version that you have read, nothing is changed, and the answer says who: read it again, and keep what they wrote.',
    route: 'PUT /accounts/:id/drafts/:draft_id',
    names: ofAccount,
    headers: { expected_version: expectedVersion },
    // A merge leaves a conflict for a person to resolve, and a review is not a model's to take back.
    without: ['on_conflict', 'base_version', 'review'],
    hints: changes,
  },
  {
    name: 'request_review',
    description: 'From now on a person has to approve the draft, at each version, before it can be sent.',
    route: 'PUT /accounts/:id/drafts/:draft_id',
    names: ofAccount,
    without: ['on_conflict', 'base_version'],
    body: { review: { required: true } },
    hints: adds,
  },
  {
    name: 'send_draft',
    description:
      'Send the draft as it is at the version that you have read. One that is to be reviewed goes only when a person has approved that version. Ask the user first, unless they have told you to send.',
    route: 'POST /accounts/:id/drafts/:draft_id/send',
    names: ofAccount,
    headers: { expected_version: expectedVersion, idempotency_key: idempotencyKey, wait_seconds: waitSeconds },
    hints: changes,
  },
  {
    name: 'track_send',
    description: 'What became of a send: its status, each recipient, and the words of the server.',
    route: 'GET /track/:id',
    names: ofSend,
    hints: reads,
  },
  {
    name: 'undo_send',
    description: 'Take a send back while that is possible: the draft is a draft again.',
    route: 'DELETE /sends/:id',
    names: ofSend,
    hints: changes,
  },
]
