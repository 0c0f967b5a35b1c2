import type {
  AccountId,
  Address,
  Draft,
  DraftChanges,
  DraftInput,
  DraftListItem,
  DraftPolicy,
  DraftStatus,
  DraftSyncView,
  Pending,
  Umid,
} from '@everdraft/core'
import { z } from 'zod'

import type { App, Context } from '../app.ts'
import {
  accountIdSchema,
  authorSchema,
  draftIdSchema,
  lastErrorSchema,
  lastErrorToJson,
  limitSchema,
  offsetSchema,
  pageSchema,
  pageToJson,
  timeSchema,
  timeToJson,
  userTextSchema,
  type LastErrorJson,
} from '../fields.ts'
import { createIdempotencyKeys } from '../idempotency.ts'
import { ownAccount, ownDraft } from '../ownership.ts'
import { baseVersion, versionToEtag } from '../request-headers.ts'
import { attachmentSchema, attachmentToJson, type AttachmentJson } from './attachments.ts'

export interface AddressJson {
  readonly address: string
  readonly name: string
}

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

export interface DraftListItemJson {
  readonly id: string
  readonly account_id: string
  readonly status: DraftStatus
  readonly version: number
  readonly sync: DraftSyncJson
  readonly from: AddressJson | null
  readonly to: readonly AddressJson[]
  readonly cc: readonly AddressJson[]
  readonly bcc: readonly AddressJson[]
  readonly subject: string
  readonly in_reply_to: string | null
  readonly references: readonly string[]
  readonly attachments: readonly AttachmentJson[]
  readonly metadata: Readonly<Record<string, unknown>>
  readonly tags: readonly string[]
  /** Null: the draft asks for no review. */
  readonly review: null
  readonly policy: DraftPolicy
  readonly scheduled_send_at: string | null
  readonly succeeds: string | null
  readonly created_at: string
  readonly updated_at: string
}

export interface DraftJson extends DraftListItemJson {
  readonly text: string
  readonly html: string | null
}

const statusSchema = z.enum(['draft', 'queued', 'sending', 'sent', 'discarded'])
const syncStateSchema = z.enum(['local-only', 'synchronized', 'stale-server'])
const policySchema = z.enum(['sync', 'local-only'])

// On a draft an address may be unfinished, so any text is one; what no header could carry, the engine refuses.
const addressInputSchema = z.union(
  [userTextSchema(), z.strictObject({ address: userTextSchema(), name: userTextSchema().nullable().exactOptional() })],
  'must be an address, "Name <a@b>" or {address, name}',
)
const addressListSchema = z.union(
  [...addressInputSchema.options, z.array(addressInputSchema).max(10_000)],
  'must be an address, "Name <a@b>", {address, name} or a list of these',
)

const deepestMetadata = 32

const changesShape = {
  from: addressInputSchema.nullable().exactOptional(),
  to: addressListSchema.nullable().exactOptional(),
  cc: addressListSchema.nullable().exactOptional(),
  bcc: addressListSchema.nullable().exactOptional(),
  subject: userTextSchema().nullable().exactOptional(),
  text: userTextSchema().nullable().exactOptional(),
  html: userTextSchema().nullable().exactOptional(),
  in_reply_to: userTextSchema().nullable().exactOptional(),
  references: z.array(userTextSchema()).max(10_000).nullable().exactOptional(),
  metadata: z
    .record(z.string(), z.unknown())
    .refine((value) => depthIsAtMost(value, deepestMetadata), `must not be nested deeper than ${deepestMetadata}`)
    .nullable()
    .exactOptional(),
  tags: z.array(userTextSchema().min(1).max(200)).max(1000).nullable().exactOptional(),
}

const draftChangesSchema = z.strictObject(changesShape).meta({ id: 'DraftChanges' })
const newDraftSchema = z
  .strictObject({ ...changesShape, policy: policySchema.exactOptional() })
  .meta({ id: 'NewDraft' })

const addressSchema: z.ZodType<AddressJson> = z
  .object({ address: z.string(), name: z.string() })
  .meta({ id: 'Address' })

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
        reason: z.enum(['waiting', 'uploading', 'offline', 'backing-off', 'parked', 'removing-copies', 'local-only']),
        since: timeSchema,
        bytes: z.int(),
      })
      .nullable(),
    last_error: lastErrorSchema.nullable(),
    last_upload: z.object({ method: z.string(), bytes_sent: z.int(), at: timeSchema }).nullable(),
  })
  .meta({ id: 'DraftSync' })

const listItemShape = {
  id: z.string(),
  account_id: z.string(),
  status: statusSchema,
  version: z.int(),
  sync: syncSchema,
  from: addressSchema.nullable(),
  to: z.array(addressSchema),
  cc: z.array(addressSchema),
  bcc: z.array(addressSchema),
  subject: z.string(),
  in_reply_to: z.string().nullable(),
  references: z.array(z.string()),
  attachments: z.array(attachmentSchema),
  metadata: z.record(z.string(), z.unknown()),
  tags: z.array(z.string()),
  review: z.null(),
  policy: policySchema,
  scheduled_send_at: timeSchema.nullable(),
  succeeds: z.string().nullable(),
  created_at: timeSchema,
  updated_at: timeSchema,
}

const listItemSchema: z.ZodType<DraftListItemJson> = z.object(listItemShape).meta({ id: 'DraftListItem' })
const draftSchema: z.ZodType<DraftJson> = z
  .object({ ...listItemShape, text: z.string(), html: z.string().nullable() })
  .meta({ id: 'Draft' })

const accountPathSchema = z.strictObject({ id: accountIdSchema })
const draftPathSchema = z.strictObject({ id: accountIdSchema, draft_id: draftIdSchema })

const createHeadersSchema = z.object({
  'idempotency-key': z.string().min(1).max(255).exactOptional(),
  'everdraft-author': authorSchema,
})
const saveHeadersSchema = z.object({ 'if-match': z.string().exactOptional(), 'everdraft-author': authorSchema })

export function draftRoutes(app: App, { engine }: Context): void {
  const idempotencyKeys = createIdempotencyKeys<Umid>()

  const create = async (
    accountId: AccountId | null,
    json: z.output<typeof newDraftSchema>,
    headers: z.output<typeof createHeadersSchema>,
  ): Promise<Draft> => {
    const id = await idempotencyKeys.once(
      { key: headers['idempotency-key'], scope: accountId ?? 'any account', body: json },
      async () => (await engine.drafts.create(draftInput(accountId, json), { by: headers['everdraft-author'] })).id,
    )
    return engine.drafts.get(id)
  }

  app.post(
    '/drafts',
    {
      schema: {
        summary: 'Create a draft in the account that fits: the one whose address is `from`, else the one used last',
        headers: createHeadersSchema,
        body: newDraftSchema,
        response: { 201: draftSchema },
      },
    },
    async (request, reply) => {
      const draft = await create(null, request.body, request.headers)
      return reply.code(201).headers(createdHeaders(draft)).send(draftToJson(draft))
    },
  )

  app.post(
    '/accounts/:id/drafts',
    {
      schema: {
        summary: 'Create a draft; it is on disk when the answer comes',
        params: accountPathSchema,
        headers: createHeadersSchema,
        body: newDraftSchema,
        response: { 201: draftSchema },
      },
    },
    async (request, reply) => {
      await ownAccount(engine, request.params.id)
      const draft = await create(request.params.id, request.body, request.headers)
      return reply.code(201).headers(createdHeaders(draft)).send(draftToJson(draft))
    },
  )

  app.get(
    '/accounts/:id/drafts',
    {
      schema: {
        summary: 'Drafts without their text and HTML, newest change first',
        params: accountPathSchema,
        querystring: z.strictObject({
          limit: limitSchema,
          offset: offsetSchema,
          status: statusSchema.exactOptional(),
          sync_state: syncStateSchema.exactOptional(),
          tag: z.string().min(1).exactOptional(),
        }),
        response: { 200: pageSchema(listItemSchema) },
      },
    },
    async (request) => {
      await ownAccount(engine, request.params.id)
      const { sync_state: syncState, ...filter } = request.query
      const page = await engine.drafts.list({
        ...filter,
        accountId: request.params.id,
        ...(syncState === undefined ? {} : { syncState }),
      })
      return pageToJson(page, draftListItemToJson)
    },
  )

  app.get(
    '/accounts/:id/drafts/:draft_id',
    { schema: { summary: 'A draft', params: draftPathSchema, response: { 200: draftSchema } } },
    async (request, reply) => {
      const draft = await ownDraft(engine, request.params.id, request.params.draft_id)
      // No 304 to If-None-Match: an upload changes `sync`, and not the version.
      return reply.header('etag', versionToEtag(draft.version)).send(draftToJson(draft))
    },
  )

  app.put(
    '/accounts/:id/drafts/:draft_id',
    {
      schema: {
        summary: 'Save: changes the fields given, null empties one',
        params: draftPathSchema,
        headers: saveHeadersSchema,
        body: draftChangesSchema,
        response: { 200: draftSchema },
      },
    },
    async (request, reply) => {
      const head = await ownDraft(engine, request.params.id, request.params.draft_id)
      const draft = await engine.drafts.save(head.id, draftChanges(request.body), {
        by: request.headers['everdraft-author'],
        ...baseVersion(request.headers['if-match'], head.version),
      })
      return reply.header('etag', versionToEtag(draft.version)).send(draftToJson(draft))
    },
  )

  app.delete(
    '/accounts/:id/drafts/:draft_id',
    {
      schema: {
        summary: 'Discard: to the local trash for 30 days; its copies on the server go',
        params: draftPathSchema,
        headers: saveHeadersSchema,
        response: { 200: draftSchema },
      },
    },
    async (request, reply) => {
      const head = await ownDraft(engine, request.params.id, request.params.draft_id)
      const draft = await engine.drafts.discard(head.id, {
        by: request.headers['everdraft-author'],
        ...baseVersion(request.headers['if-match'], head.version),
      })
      return reply.header('etag', versionToEtag(draft.version)).send(draftToJson(draft))
    },
  )
}

/** Without recursion: what is nested a million deep must not end the process. */
function depthIsAtMost(value: unknown, limit: number): boolean {
  let level: readonly unknown[] = [value]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > limit) return false
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? Object.values(item) : []))
  }
  return true
}

// JSON ↔ engine.

function createdHeaders(draft: Draft): { readonly location: string; readonly etag: string } {
  return { location: `/accounts/${draft.accountId}/drafts/${draft.id}`, etag: versionToEtag(draft.version) }
}

function draftInput(accountId: AccountId | null, json: z.output<typeof newDraftSchema>): DraftInput {
  const { policy, ...changes } = json
  return {
    ...draftChanges(changes),
    ...(accountId === null ? {} : { accountId }),
    ...(policy === undefined ? {} : { policy }),
  }
}

function draftChanges(json: z.output<typeof draftChangesSchema>): DraftChanges {
  const { in_reply_to: inReplyTo, ...same } = json
  return { ...same, ...(inReplyTo === undefined ? {} : { inReplyTo }) }
}

function draftToJson(draft: Draft): DraftJson {
  return { ...draftListItemToJson(draft), text: draft.text, html: draft.html }
}

function draftListItemToJson(draft: DraftListItem): DraftListItemJson {
  return {
    id: draft.id,
    account_id: draft.accountId,
    status: draft.status,
    version: draft.version,
    sync: syncToJson(draft.sync),
    from: draft.from === null ? null : addressToJson(draft.from),
    to: draft.to.map(addressToJson),
    cc: draft.cc.map(addressToJson),
    bcc: draft.bcc.map(addressToJson),
    subject: draft.subject,
    in_reply_to: draft.inReplyTo,
    references: draft.references,
    attachments: draft.attachments.map(attachmentToJson),
    metadata: draft.metadata,
    tags: draft.tags,
    review: null,
    policy: draft.policy,
    scheduled_send_at: draft.scheduledSendAt === null ? null : timeToJson(draft.scheduledSendAt),
    succeeds: draft.succeeds,
    created_at: timeToJson(draft.createdAt),
    updated_at: timeToJson(draft.updatedAt),
  }
}

function addressToJson({ address, name }: Address): AddressJson {
  return { address, name }
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
