import {
  type Draft,
  type DraftListItem,
  type DraftPolicy,
  type DraftStatus,
  type DraftSyncView,
  isApproved,
  type Pending,
} from '@everdraft/core'
import { z } from 'zod'

import { contentShape, shortContentShape, shortContentToJson, type DraftContentJson } from './draft-content.ts'
import { lastErrorSchema, lastErrorToJson, timeSchema, timeToJson, type LastErrorJson } from './fields.ts'

export interface DraftSyncJson {
  readonly state: DraftSyncView['state']
  readonly folder: string | null
  readonly uid: number | null
  readonly uid_validity: number | null
  readonly uploaded_version: number | null
  readonly message_id: string | null
  readonly pending: { readonly reason: Pending['reason']; readonly since: string; readonly bytes: number } | null
  readonly last_error: LastErrorJson | null
  readonly last_upload: { readonly method: string; readonly bytes_sent: number; readonly at: string } | null
}

export interface ReviewJson {
  readonly required: boolean
  /** As it is now. */
  readonly approved: boolean
  /** Of the last approval, which may be void by now. */
  readonly approved_version: number | null
  readonly approved_at: string | null
  readonly approved_by: string | null
}

interface DraftPlaceJson {
  readonly id: string
  readonly account_id: string
  readonly status: DraftStatus
  readonly version: number
  readonly sync: DraftSyncJson
  /** Null: the draft asks for no review, and had none. */
  readonly review: ReviewJson | null
  readonly policy: DraftPolicy
  readonly scheduled_send_at: string | null
  readonly succeeds: string | null
  readonly created_at: string
  readonly updated_at: string
}

export interface DraftListItemJson extends Omit<DraftContentJson, 'text' | 'html'>, DraftPlaceJson {}

export interface DraftJson extends DraftContentJson, DraftPlaceJson {}

export const statusSchema: z.ZodType<DraftStatus> = z.enum(['draft', 'queued', 'sending', 'sent', 'discarded'])
export const syncStateSchema: z.ZodType<DraftSyncView['state']> = z.enum(['local-only', 'synchronized', 'stale-server'])
export const policySchema: z.ZodType<DraftPolicy> = z.enum(['sync', 'local-only'])

const syncSchema: z.ZodType<DraftSyncJson> = z
  .object({
    state: syncStateSchema,
    folder: z.string().nullable(),
    uid: z.int().nullable(),
    uid_validity: z.int().nullable(),
    uploaded_version: z.int().nullable(),
    message_id: z.string().nullable(),
    pending: z
      .object({
        reason: z.enum([
          'waiting',
          'uploading',
          'offline',
          'backing-off',
          'parked',
          'removing-copies',
          'local-only',
          'importing',
        ]),
        since: timeSchema,
        bytes: z.int(),
      })
      .nullable(),
    last_error: lastErrorSchema.nullable(),
    last_upload: z.object({ method: z.string(), bytes_sent: z.int(), at: timeSchema }).nullable(),
  })
  .meta({ id: 'DraftSync' })

export const reviewSchema: z.ZodType<ReviewJson> = z
  .object({
    required: z.boolean(),
    approved: z.boolean(),
    approved_version: z.int().nullable(),
    approved_at: timeSchema.nullable(),
    approved_by: z.string().nullable(),
  })
  .meta({ id: 'Review' })

/** What comes in; null is `{required: false}`. */
export const reviewInputSchema: z.ZodType<{ required: boolean } | null> = z
  .strictObject({ required: z.boolean() })
  .nullable()

const placeShape = {
  id: z.string(),
  account_id: z.string(),
  status: statusSchema,
  version: z.int(),
  sync: syncSchema,
  review: reviewSchema.nullable(),
  policy: policySchema,
  scheduled_send_at: timeSchema.nullable(),
  succeeds: z.string().nullable(),
  created_at: timeSchema,
  updated_at: timeSchema,
}

export const listItemShape: {
  readonly [Field in keyof DraftListItemJson]: z.ZodType<DraftListItemJson[Field]>
} = { ...placeShape, ...shortContentShape }
export const draftSchema: z.ZodType<DraftJson> = z.object({ ...placeShape, ...contentShape }).meta({ id: 'Draft' })

export function draftToJson(draft: Draft): DraftJson {
  return { ...draftListItemToJson(draft), text: draft.text, html: draft.html }
}

export function draftListItemToJson(draft: DraftListItem): DraftListItemJson {
  return {
    id: draft.id,
    account_id: draft.accountId,
    status: draft.status,
    version: draft.version,
    sync: syncToJson(draft.sync),
    ...shortContentToJson(draft),
    review: reviewToJson(draft),
    policy: draft.policy,
    scheduled_send_at: draft.scheduledSendAt === null ? null : timeToJson(draft.scheduledSendAt),
    succeeds: draft.succeeds,
    created_at: timeToJson(draft.createdAt),
    updated_at: timeToJson(draft.updatedAt),
  }
}

export function reviewToJson(draft: DraftListItem): ReviewJson | null {
  const { required, approval } = draft.review
  if (!required && approval === null) return null
  return {
    required,
    approved: isApproved(draft),
    approved_version: approval?.version ?? null,
    approved_at: approval === null ? null : timeToJson(approval.at),
    approved_by: approval?.by ?? null,
  }
}

function syncToJson(sync: DraftSyncView): DraftSyncJson {
  const { pending, lastUpload } = sync
  return {
    state: sync.state,
    folder: sync.folder,
    uid: sync.uid,
    uid_validity: sync.uidValidity,
    uploaded_version: sync.uploadedVersion,
    message_id: sync.messageId,
    pending:
      pending === null ? null : { reason: pending.reason, since: timeToJson(pending.since), bytes: pending.bytes },
    last_error: lastErrorToJson(sync.lastError),
    last_upload:
      lastUpload === null
        ? null
        : { method: lastUpload.method, bytes_sent: lastUpload.bytesSent, at: timeToJson(lastUpload.at) },
  }
}
