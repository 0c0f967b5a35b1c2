import {
  sendPhases,
  type RecipientStatus,
  type SendPhase,
  type SendReason,
  type SendRecord,
  type SendStatus,
} from '@everdraft/core'
import { z } from 'zod'

import { timeSchema, timeToJson } from './fields.ts'

export interface SendReasonJson {
  readonly code: string
  readonly message: string
}

interface SendRecipientJson {
  readonly address: string
  readonly status: RecipientStatus
  /** What the server said of this one; null: nothing. */
  readonly reply: SendReasonJson | null
}

interface SendEventJson {
  readonly at: string
  readonly type: string
  readonly phase: SendPhase
  readonly reason: SendReasonJson | null
}

export interface SendJson {
  readonly id: string
  readonly account_id: string
  readonly draft_id: string
  readonly version: number
  readonly message_id: string
  readonly from_addr: string
  readonly to_addr: string
  readonly recipients: readonly SendRecipientJson[]
  readonly subject: string
  readonly status: SendStatus
  readonly phase: SendPhase
  readonly error: SendReasonJson | null
  readonly held: boolean
  readonly attempts: number
  readonly queue_id: string | null
  readonly created_at: string
  readonly sent_at: string | null
  readonly held_until: string | null
  readonly verified_at: string | null
  readonly next_attempt_at: string | null
  readonly events: readonly SendEventJson[]
}

export const sendStatusSchema: z.ZodType<SendStatus> = z.enum([
  'queued',
  'sending',
  'sent',
  'failed',
  'cancelled',
  'unknown',
])

const phaseSchema: z.ZodType<SendPhase> = z.enum(sendPhases)

const recipientStatusSchema: z.ZodType<RecipientStatus> = z.enum([
  'pending',
  'in-flight',
  'accepted',
  'refused',
  'temporary',
  'bounced',
  'unknown',
  'cancelled',
])

export const reasonSchema: z.ZodType<SendReasonJson> = z
  .object({ code: z.string(), message: z.string() })
  .meta({ id: 'SendReason' })

export const sendSchema: z.ZodType<SendJson> = z
  .object({
    id: z.string(),
    account_id: z.string(),
    draft_id: z.string(),
    version: z.int(),
    message_id: z.string(),
    from_addr: z.string(),
    to_addr: z.string(),
    recipients: z.array(
      z.object({ address: z.string(), status: recipientStatusSchema, reply: reasonSchema.nullable() }),
    ),
    subject: z.string(),
    status: sendStatusSchema,
    phase: phaseSchema,
    error: reasonSchema.nullable(),
    held: z.boolean(),
    attempts: z.int(),
    queue_id: z.string().nullable(),
    created_at: timeSchema,
    sent_at: timeSchema.nullable(),
    held_until: timeSchema.nullable(),
    verified_at: timeSchema.nullable(),
    next_attempt_at: timeSchema.nullable(),
    events: z.array(
      z.object({ at: timeSchema, type: z.string(), phase: phaseSchema, reason: reasonSchema.nullable() }),
    ),
  })
  .meta({ id: 'Send' })

// JSON ↔ engine.

export function sendToJson(send: SendRecord): SendJson {
  return {
    id: send.id,
    account_id: send.accountId,
    draft_id: send.draftId,
    version: send.version,
    message_id: send.messageId,
    from_addr: send.from,
    to_addr: send.recipients.map(({ address }) => address).join(', '),
    recipients: send.recipients.map(({ address, status, reason }) => ({
      address,
      status,
      reply: reasonToJson(reason),
    })),
    subject: send.subject,
    status: send.status,
    phase: send.phase,
    error: reasonToJson(send.error),
    held: send.isHeld,
    attempts: send.attempts,
    queue_id: send.queueId,
    created_at: timeToJson(send.createdAt),
    sent_at: send.sentAt === null ? null : timeToJson(send.sentAt),
    held_until: send.heldUntil === null ? null : timeToJson(send.heldUntil),
    verified_at: send.verifiedAt === null ? null : timeToJson(send.verifiedAt),
    next_attempt_at: send.nextAttemptAt === null ? null : timeToJson(send.nextAttemptAt),
    events: send.events.map(({ at, type, phase, reason }) => ({
      at: timeToJson(at),
      type,
      phase,
      reason: reasonToJson(reason),
    })),
  }
}

function reasonToJson(reason: SendReason | null): SendReasonJson | null {
  return reason === null ? null : { code: reason.code, message: reason.message }
}
