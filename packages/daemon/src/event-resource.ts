import {
  eventTypes,
  evidenceClasses,
  sendPhases,
  verdicts,
  type DraftSyncView,
  type EventType,
  type EvidenceClass,
  type SendPhase,
  type SendReason,
  type SendStatus,
  type ToldEvent,
  type UploadMethod,
  type Verdict,
} from '@everdraft/core'
import { z } from 'zod'

import { fieldToJson } from './draft-content.ts'
import { syncStateSchema } from './draft-resource.ts'
import { lastErrorSchema, lastErrorToJson, timeSchema, timeToJson, type LastErrorJson } from './fields.ts'
import { reasonSchema, sendStatusSchema, type SendReasonJson } from './send-resource.ts'

interface Told<Type extends EventType, Account = string> {
  readonly type: Type
  /** Grows, and survives restarts: where to go on. */
  readonly cursor: number
  readonly at: string
  readonly account_id: Account
}

interface OfDraft {
  readonly draft_id: string
}

interface OfVersion extends OfDraft {
  readonly version: number
}

interface OfSend extends OfDraft {
  readonly send_id: string
}

interface OfOutcome extends OfDraft {
  readonly outcome_id: string
}

interface OfAttempt extends OfVersion {
  readonly attempt_id: string
  readonly method: UploadMethod
}

/** What happened, as clients and webhooks hear it. Never with a user's text. */
export type EventJson =
  | Told<'account-added' | 'account-changed' | 'account-removed'>
  | (Told<'draft-created' | 'draft-discarded' | 'draft-undiscarded'> & OfVersion)
  | (Told<'draft-saved'> & OfVersion & { readonly fields_changed: readonly string[] })
  | (Told<'draft-approved'> & OfVersion & { readonly by: string })
  | (Told<'draft-imported'> & OfVersion & { readonly succeeds: string | null })
  | (Told<'draft-moved'> & OfVersion & { readonly from_account_id: string })
  | (Told<'draft-purged'> & OfDraft & { readonly sent_message_id: string | null })
  | (Told<'draft-sync-changed'> & OfDraft & { readonly state: DraftSyncView['state'] })
  | (Told<'review-changed'> & OfDraft & { readonly required: boolean })
  | (Told<'conflict-raised' | 'conflict-resolved'> & OfDraft & { readonly conflict_id: string })
  | (Told<'upload-started'> & OfAttempt)
  | (Told<'upload-finished'> &
      OfAttempt & {
        readonly message_id: string
        readonly folder: string
        readonly uid_validity: number
        readonly uid: number
        readonly bytes_sent: number
        readonly replaced: boolean
      })
  | (Told<'copy-removed'> & OfDraft & { readonly folder: string; readonly uid: number })
  | (Told<'losses-held'> & { readonly error: LastErrorJson | null })
  | (Told<'send-queued'> & OfSend & { readonly version: number; readonly due_at: string })
  | (Told<'send-status-changed'> &
      OfSend & { readonly status: SendStatus; readonly phase: SendPhase; readonly error: SendReasonJson | null })
  | (Told<'send-bounced'> & OfSend & { readonly reason: SendReasonJson })
  | (Told<'outcome.created'> & OfOutcome)
  | (Told<'outcome.superseded'> & OfOutcome & { readonly superseded_by: string; readonly kept: boolean })
  | (Told<'outcome.sent'> & OfOutcome & { readonly evidence: EvidenceClass; readonly verdict: Verdict })
  | (Told<'task-retrying' | 'task-parked' | 'task-failed'> & {
      readonly task_id: string
      readonly kind: string
      readonly key: string
      readonly error: LastErrorJson | null
      readonly next_run_at: string | null
    })
  | (Told<'webhook-disabled', null> & { readonly webhook_id: string })

/** Their names are the `event:` of the stream and what webhooks are chosen by. */
export const eventTypeSchema: z.ZodType<EventType> = z.enum(eventTypes)

const toldShape = { cursor: z.int(), at: timeSchema, account_id: z.string() }
const ofDraft = { ...toldShape, draft_id: z.string() }
const ofVersion = { ...ofDraft, version: z.int() }
const ofSend = { ...ofDraft, send_id: z.string() }
const ofOutcome = { ...ofDraft, outcome_id: z.string() }
const ofAttempt = {
  ...ofVersion,
  attempt_id: z.string(),
  method: z.enum(['append', 'append-catenate', 'replace', 'replace-catenate']),
}

export const eventSchema: z.ZodType<EventJson> = z
  .discriminatedUnion('type', [
    z.object({ type: z.enum(['account-added', 'account-changed', 'account-removed']), ...toldShape }),
    z.object({ type: z.enum(['draft-created', 'draft-discarded', 'draft-undiscarded']), ...ofVersion }),
    z.object({ type: z.literal('draft-saved'), ...ofVersion, fields_changed: z.array(z.string()) }),
    z.object({ type: z.literal('draft-approved'), ...ofVersion, by: z.string() }),
    z.object({ type: z.literal('draft-imported'), ...ofVersion, succeeds: z.string().nullable() }),
    z.object({ type: z.literal('draft-moved'), ...ofVersion, from_account_id: z.string() }),
    z.object({ type: z.literal('draft-purged'), ...ofDraft, sent_message_id: z.string().nullable() }),
    z.object({ type: z.literal('draft-sync-changed'), ...ofDraft, state: syncStateSchema }),
    z.object({ type: z.literal('review-changed'), ...ofDraft, required: z.boolean() }),
    z.object({ type: z.enum(['conflict-raised', 'conflict-resolved']), ...ofDraft, conflict_id: z.string() }),
    z.object({ type: z.literal('upload-started'), ...ofAttempt }),
    z.object({
      type: z.literal('upload-finished'),
      ...ofAttempt,
      message_id: z.string(),
      folder: z.string(),
      uid_validity: z.int(),
      uid: z.int(),
      bytes_sent: z.int(),
      replaced: z.boolean(),
    }),
    z.object({ type: z.literal('copy-removed'), ...ofDraft, folder: z.string(), uid: z.int() }),
    z.object({ type: z.literal('losses-held'), ...toldShape, error: lastErrorSchema.nullable() }),
    z.object({ type: z.literal('send-queued'), ...ofSend, version: z.int(), due_at: timeSchema }),
    z.object({
      type: z.literal('send-status-changed'),
      ...ofSend,
      status: sendStatusSchema,
      phase: z.enum(sendPhases),
      error: reasonSchema.nullable(),
    }),
    z.object({ type: z.literal('send-bounced'), ...ofSend, reason: reasonSchema }),
    z.object({ type: z.literal('outcome.created'), ...ofOutcome }),
    z.object({ type: z.literal('outcome.superseded'), ...ofOutcome, superseded_by: z.string(), kept: z.boolean() }),
    z.object({
      type: z.literal('outcome.sent'),
      ...ofOutcome,
      evidence: z.enum(evidenceClasses),
      verdict: z.enum(verdicts),
    }),
    z.object({
      type: z.enum(['task-retrying', 'task-parked', 'task-failed']),
      ...toldShape,
      task_id: z.string(),
      kind: z.string(),
      key: z.string(),
      error: lastErrorSchema.nullable(),
      next_run_at: timeSchema.nullable(),
    }),
    z.object({
      type: z.literal('webhook-disabled'),
      ...toldShape,
      account_id: z.null(),
      webhook_id: z.string(),
    }),
  ])
  .meta({ id: 'Event' })

// JSON ↔ engine.

export function eventToJson(event: ToldEvent): EventJson {
  const { cursor } = event
  const at = timeToJson(event.at)
  if (event.type === 'webhook-disabled') {
    return { type: event.type, cursor, at, account_id: null, webhook_id: event.webhookId }
  }
  const told = { cursor, at, account_id: event.accountId }
  switch (event.type) {
    case 'account-added':
    case 'account-changed':
    case 'account-removed':
      return { type: event.type, ...told }
    case 'draft-created':
    case 'draft-discarded':
    case 'draft-undiscarded':
      return { type: event.type, ...told, draft_id: event.draftId, version: event.version }
    case 'draft-saved':
      return {
        type: event.type,
        ...told,
        draft_id: event.draftId,
        version: event.version,
        fields_changed: event.fieldsChanged.map(fieldToJson),
      }
    case 'draft-approved':
      return { type: event.type, ...told, draft_id: event.draftId, version: event.version, by: event.by }
    case 'draft-imported':
      return { type: event.type, ...told, draft_id: event.draftId, version: event.version, succeeds: event.succeeds }
    case 'draft-moved':
      return {
        type: event.type,
        ...told,
        draft_id: event.draftId,
        version: event.version,
        from_account_id: event.fromAccountId,
      }
    case 'draft-purged':
      return { type: event.type, ...told, draft_id: event.draftId, sent_message_id: event.sentAs }
    case 'draft-sync-changed':
      return { type: event.type, ...told, draft_id: event.draftId, state: event.state }
    case 'review-changed':
      return { type: event.type, ...told, draft_id: event.draftId, required: event.required }
    case 'conflict-raised':
    case 'conflict-resolved':
      return { type: event.type, ...told, draft_id: event.draftId, conflict_id: event.conflictId }
    case 'upload-started':
      return {
        type: event.type,
        ...told,
        draft_id: event.draftId,
        version: event.version,
        attempt_id: event.attemptId,
        method: event.method,
      }
    case 'upload-finished':
      return {
        type: event.type,
        ...told,
        draft_id: event.draftId,
        version: event.version,
        attempt_id: event.attemptId,
        method: event.method,
        message_id: event.messageId,
        folder: event.folder,
        uid_validity: event.uidValidity,
        uid: event.uid,
        bytes_sent: event.bytesSent,
        replaced: event.replaced,
      }
    case 'copy-removed':
      return { type: event.type, ...told, draft_id: event.draftId, folder: event.folder, uid: event.uid }
    case 'losses-held':
      return { type: event.type, ...told, error: lastErrorToJson(event.error) }
    case 'send-queued':
      return {
        type: event.type,
        ...told,
        draft_id: event.draftId,
        send_id: event.sendId,
        version: event.version,
        due_at: timeToJson(event.dueAt),
      }
    case 'send-status-changed':
      return {
        type: event.type,
        ...told,
        draft_id: event.draftId,
        send_id: event.sendId,
        status: event.status,
        phase: event.phase,
        error: event.error === null ? null : reasonToJson(event.error),
      }
    case 'send-bounced':
      return {
        type: event.type,
        ...told,
        draft_id: event.draftId,
        send_id: event.sendId,
        reason: reasonToJson(event.reason),
      }
    case 'outcome.created':
      return { type: event.type, ...told, draft_id: event.draftId, outcome_id: event.outcomeId }
    case 'outcome.superseded':
      return {
        type: event.type,
        ...told,
        draft_id: event.draftId,
        outcome_id: event.outcomeId,
        superseded_by: event.by,
        kept: event.isKept,
      }
    case 'outcome.sent':
      return {
        type: event.type,
        ...told,
        draft_id: event.draftId,
        outcome_id: event.outcomeId,
        evidence: event.evidence,
        verdict: event.verdict,
      }
    case 'task-retrying':
    case 'task-parked':
    case 'task-failed':
      return {
        type: event.type,
        ...told,
        task_id: event.taskId,
        kind: event.kind,
        key: event.key,
        error: lastErrorToJson(event.error),
        next_run_at: event.nextRunAt === null ? null : timeToJson(event.nextRunAt),
      }
  }
}

function reasonToJson({ code, message }: SendReason): SendReasonJson {
  return { code, message }
}
