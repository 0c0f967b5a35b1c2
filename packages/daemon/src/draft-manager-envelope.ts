import {
  type AccountId,
  type DraftManagerAction,
  type DraftManagerAnswer,
  type DraftManagerErrorCode,
  draftManagerActions,
  draftManagerErrors,
  draftManagerLimits,
  type DraftManagerOutput,
  type DraftManagerRequest,
  type DraftState,
} from '@everdraft/core'
import { z } from 'zod'

import { accountIdSchema, deviceIdSchema, draftIdSchema, userTextSchema } from './fields.ts'

const { autoSaveInterval, maxDraftSize, maxRecoveryAge, limit, offset, version, time } = draftManagerLimits

function names<Name extends string>(table: Readonly<Record<Name, unknown>>): readonly Name[] {
  return Object.keys(table) as Name[]
}

function within({ least, most }: { readonly least: number; readonly most: number }): z.ZodInt {
  return z.int().min(least).max(most)
}

const uuidSchema = z.guid('must be a UUID').toLowerCase()
const addressesSchema = z
  .array(z.strictObject({ address: userTextSchema(), name: userTextSchema().nullable().exactOptional() }))
  .max(10_000)
const statusSchema = z.enum(['draft', 'queued', 'sending', 'sent', 'discarded'])
const formatSchema = z.enum(['json', 'jsonl', 'gzip'])
const strategySchema = z.enum(['local-wins', 'remote-wins', 'merge'])
const reasonSchema = z.enum(['reconnection', 'browser-crash', 'manual-recovery'])

// What comes in.

const attachmentInputSchema = z.strictObject({
  id: uuidSchema,
  filename: userTextSchema(),
  mimeType: userTextSchema().exactOptional(),
  size: z.int().min(0).exactOptional(),
  uploadedAt: within(time).nullable().exactOptional(),
  contentId: userTextSchema().nullable().exactOptional(),
  blobUrl: userTextSchema().nullable().exactOptional(),
  missing: z.boolean().exactOptional(),
})

const stateInputSchema = z
  .strictObject({
    draftId: draftIdSchema.exactOptional(),
    accountId: accountIdSchema.exactOptional(),
    tenantId: z.string().exactOptional(),
    userId: z.string().exactOptional(),
    status: statusSchema.exactOptional(),
    subject: userTextSchema().exactOptional(),
    body: userTextSchema().exactOptional(),
    bodyHtml: userTextSchema().nullable().exactOptional(),
    to: addressesSchema.exactOptional(),
    cc: addressesSchema.exactOptional(),
    bcc: addressesSchema.exactOptional(),
    attachments: z.array(attachmentInputSchema).max(10_000).exactOptional(),
    isDirty: z.boolean().exactOptional(),
    lastSavedAt: within(time).exactOptional(),
    lastModifiedAt: within(time).exactOptional(),
    version: within(version).exactOptional(),
    syncToken: z.string().exactOptional(),
    scheduledSendTime: within(time).nullable().exactOptional(),
    tags: z.array(userTextSchema().min(1).max(200)).max(1000).exactOptional(),
    references: z.array(userTextSchema()).max(10_000).exactOptional(),
  })
  .meta({ id: 'DraftStateChanges' })

/** `accountId` may be left out: the path says it. */
export interface DraftManagerBody extends Omit<DraftManagerRequest, 'accountId'> {
  readonly accountId?: AccountId
}

export const requestSchema: z.ZodType<DraftManagerBody> = z
  .strictObject({
    action: z.enum(names<DraftManagerAction>(draftManagerActions)),
    accountId: accountIdSchema.exactOptional(),
    draft: stateInputSchema.exactOptional(),
    draftId: draftIdSchema.exactOptional(),
    bundleData: z.unknown().exactOptional(),
    autoSaveInterval: within(autoSaveInterval).exactOptional(),
    maxDraftSize: within(maxDraftSize).exactOptional(),
    enableCompression: z.boolean().exactOptional(),
    deviceId: deviceIdSchema.exactOptional(),
    recoveryOptions: z
      .strictObject({
        preferLocal: z.boolean().exactOptional(),
        preserveAttachments: z.boolean().exactOptional(),
        maxRecoveryAge: within(maxRecoveryAge).exactOptional(),
        candidateId: z.string().min(1).max(200).exactOptional(),
      })
      .exactOptional(),
    saveId: uuidSchema.exactOptional(),
    beginSave: z.boolean().exactOptional(),
    unansweredSaveIds: z.array(uuidSchema).max(100).exactOptional(),
    recoveryReason: reasonSchema.exactOptional(),
    syncToken: z.string().max(100).exactOptional(),
    limit: within(limit).exactOptional(),
    offset: within(offset).exactOptional(),
    format: formatSchema.exactOptional(),
    draftIds: z.array(draftIdSchema).max(10_000).exactOptional(),
    includeAttachments: z.boolean().exactOptional(),
  })
  .meta({ id: 'DraftManagerRequest' })

// What goes out.

const addressSchema = z.object({ address: z.string(), name: z.string() })

const stateSchema = z
  .object({
    draftId: z.string(),
    accountId: z.string(),
    tenantId: z.string(),
    userId: z.string(),
    status: statusSchema,
    subject: z.string(),
    body: z.string(),
    bodyHtml: z.string().nullable(),
    to: z.array(addressSchema),
    cc: z.array(addressSchema),
    bcc: z.array(addressSchema),
    attachments: z.array(
      z.object({
        id: z.string(),
        filename: z.string(),
        mimeType: z.string(),
        size: z.int(),
        uploadedAt: z.int().nullable(),
        contentId: z.string().nullable(),
        blobUrl: z.string().nullable(),
        missing: z.boolean(),
      }),
    ),
    isDirty: z.boolean(),
    lastSavedAt: z.int(),
    lastModifiedAt: z.int(),
    version: z.int(),
    syncToken: z.string(),
    scheduledSendTime: z.int().nullable(),
    tags: z.array(z.string()),
    references: z.array(z.string()),
  })
  .meta({ id: 'DraftState' })

const saveConflictShape = {
  remoteVersion: z.int(),
  remoteModifiedAt: z.int(),
  resolutionStrategy: strategySchema,
}

const candidateSchema = z.object({
  candidateId: z.string(),
  source: z.enum(['stored', 'local', 'unfinished-save', 'conflict', 'revision', 'trash']),
  draftId: z.string(),
  rank: z.int(),
  reason: z.array(z.enum(['newest', 'longest', 'most-edited'])),
  modifiedAt: z.int(),
  length: z.int(),
  edits: z.int(),
  differs: z.boolean(),
})

const outputSchema = z
  .object({
    actionPerformed: z.enum(names<DraftManagerAction>(draftManagerActions)),
    draft: stateSchema.exactOptional(),
    drafts: z.array(stateSchema).exactOptional(),
    total: z.int().exactOptional(),
    changed: z.boolean().exactOptional(),
    saveMetadata: z
      .object({
        saveId: z.string(),
        draftId: z.string(),
        savedAt: z.int().nullable(),
        device: z.string(),
        changesSummary: z.object({
          fieldsChanged: z.array(z.string()),
          attachmentsAdded: z.int(),
          attachmentsRemoved: z.int(),
          bytesAdded: z.int(),
        }),
        conflict: z.object(saveConflictShape).nullable(),
      })
      .exactOptional(),
    recovery: z
      .object({
        draftId: z.string(),
        recoveredAt: z.int(),
        recoveryReason: reasonSchema,
        lastKnownState: stateSchema,
        autoRecovered: z.boolean(),
        userConfirmationRequired: z.boolean(),
        candidates: z.array(candidateSchema),
      })
      .exactOptional(),
    bundle: z.looseObject({}).exactOptional(),
    imported: z
      .array(
        z.object({
          outcome: z.enum(['created', 'restored', 'updated', 'unchanged', 'conflict', 'kept']),
          draftId: z.string(),
          version: z.int(),
          conflictId: z.string().nullable(),
        }),
      )
      .exactOptional(),
    conflictDetected: z.boolean(),
    conflict: z
      .object({
        ...saveConflictShape,
        baseVersion: z.int().nullable(),
        conflictId: z.string().nullable(),
        fields: z.array(z.string()),
      })
      .exactOptional(),
    stats: z.object({
      operationDuration: z.number(),
      itemsAffected: z.int(),
      storageUsed: z.int(),
      trashUsed: z.int().exactOptional(),
      compressionSavings: z.int().exactOptional(),
    }),
  })
  .meta({ id: 'DraftManagerOutput' })

const successSchema = z
  .object({ status: z.literal('success'), output: outputSchema, timestamp: z.int(), duration: z.number() })
  .meta({ id: 'DraftManagerSuccess' })

const failureSchema = z
  .object({
    status: z.literal('error'),
    error: z.string(),
    errorCode: z.enum(names<DraftManagerErrorCode>(draftManagerErrors)),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).exactOptional(),
    output: outputSchema.exactOptional(),
    timestamp: z.int(),
    duration: z.number(),
  })
  .meta({ id: 'DraftManagerFailure' })

/** Of the framework: no token, too large, no JSON, another host's name, too many at once. */
const statusesOfTheRoute: readonly number[] = [401, 413, 415, 421, 429]

/** An envelope each, whatever the status. */
export const answerSchemas: Readonly<Record<number, z.ZodType>> = Object.fromEntries([
  [200, successSchema],
  ...[...Object.values(draftManagerErrors).map(({ httpStatus }) => httpStatus), ...statusesOfTheRoute].map(
    (status) => [status, failureSchema] as const,
  ),
]) as Record<number, z.ZodType>

/** With the paths under which the daemon gives the bytes of attachments. */
export function answerToJson(answer: DraftManagerAnswer): DraftManagerAnswer {
  const { output } = answer
  return output === undefined ? answer : { ...answer, output: outputToJson(output) }
}

function outputToJson(output: DraftManagerOutput): DraftManagerOutput {
  const { draft, drafts, recovery } = output
  return {
    ...output,
    ...(draft === undefined ? {} : { draft: stateToJson(draft) }),
    ...(drafts === undefined ? {} : { drafts: drafts.map(stateToJson) }),
    ...(recovery === undefined
      ? {}
      : { recovery: { ...recovery, lastKnownState: stateToJson(recovery.lastKnownState) } }),
  }
}

function stateToJson(state: DraftState): DraftState {
  const path = `/accounts/${state.accountId}/drafts/${state.draftId}/attachments`
  return {
    ...state,
    attachments: state.attachments.map((one) => (one.missing ? one : { ...one, blobUrl: `${path}/${one.id}` })),
  }
}
