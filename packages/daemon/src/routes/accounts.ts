import type {
  Account,
  AccountChanges,
  AccountInput,
  AccountReport,
  LoginInput,
  MailboxCapabilities,
  UploadMethod,
} from '@everdraft/core'
import { validationError } from '@everdraft/core'
import { z } from 'zod'

import type { App, Context } from '../app.ts'
import {
  accountIdSchema,
  headerTextSchema,
  lastErrorSchema,
  lastErrorToJson,
  pageQuerySchema,
  pageSchema,
  pageToJson,
  timeSchema,
  timeToJson,
  type LastErrorJson,
} from '../fields.ts'
import { ownAccount, ownAccounts, ownerOf } from '../ownership.ts'

/** Without the password: it goes in and never comes back. */
export interface ServerJson {
  readonly host: string
  readonly port: number
  readonly security: 'tls' | 'starttls' | 'none'
  readonly user: string
  readonly allow_untrusted: boolean
  /** Without its user and password. */
  readonly proxy: string | null
  readonly auth: 'password' | 'oauth2'
}

export interface AccountJson {
  readonly id: string
  readonly address: string
  readonly name: string
  readonly imap: ServerJson
  readonly smtp: ServerJson | null
  readonly last_error: LastErrorJson | null
  readonly created_at: string
}

interface EditCostJson {
  readonly method: UploadMethod
  readonly bytes: number | null
}

interface SubmissionJson {
  readonly error: LastErrorJson | null
  /** Null with an error. */
  readonly capabilities: {
    readonly size_limit: number | null
    readonly eight_bit_mime: boolean
    readonly smtp_utf8: boolean
    readonly pipelining: boolean
    readonly dsn: boolean
    readonly chunking: boolean
    readonly burl: boolean
    readonly future_release: boolean
    readonly auth_mechanisms: readonly string[]
  } | null
}

export interface AccountReportJson {
  readonly capabilities: {
    readonly uidplus: boolean
    readonly replace: boolean
    readonly catenate: boolean
    readonly binary: boolean
    readonly special_use: boolean
    readonly create_special_use: boolean
    readonly move: boolean
    readonly idle: boolean
    readonly condstore: boolean
    readonly qresync: boolean
    readonly append_limit: number | null
    readonly notify: boolean
    readonly compress: boolean
    readonly object_id: boolean
    readonly quota: boolean
    readonly gmail: boolean
  }
  readonly folders: { readonly drafts: string | null; readonly sent: string | null; readonly trash: string | null }
  /** What the first upload makes. */
  readonly to_create: { readonly path: string; readonly with_special_use: boolean } | null
  readonly upload_method: UploadMethod
  readonly edit_cost: { readonly text: EditCostJson; readonly with_attachment: EditCostJson }
  readonly push: 'notify' | 'idle' | 'poll'
  readonly quota_left: number | null
  readonly probe: {
    readonly at: string
    readonly server_id: string | null
    readonly refusal: string | null
    readonly message_left: boolean
    readonly survival: {
      readonly message_id: 'kept' | 'rewritten' | 'dropped'
      readonly private_headers: boolean
      readonly bcc: boolean
      readonly body: 'kept' | 'altered'
      readonly draft_flag: boolean
      readonly keywords: 'kept' | 'lower-cased' | 'dropped' | 'refused'
      readonly internal_date: boolean
    } | null
  } | null
  readonly files_sent_copies: 'unknown'
  readonly submission: SubmissionJson | null
}

const securitySchema = z.enum(['tls', 'starttls', 'none'])

const authSchema = z
  .strictObject({
    type: z.literal('oauth2'),
    token_endpoint: headerTextSchema(2000).regex(
      /^(https:\/\/|http:\/\/(localhost|127\.0\.0\.1|\[::1\])[:/])/i,
      'must be an https: URL',
    ),
    client_id: headerTextSchema(1000).min(1),
    client_secret: headerTextSchema(4000).min(1).meta({ writeOnly: true }).exactOptional(),
    refresh_token: headerTextSchema(8000).min(1).meta({ writeOnly: true }),
    scope: headerTextSchema(2000).exactOptional(),
  })
  .meta({ id: 'OAuth2', description: 'Access tokens, got by a refresh token (RFC 6749 §6)' })

const serverSettingsSchema = z
  .strictObject({
    host: headerTextSchema(255).regex(/^[^\s/@]+$/, 'must be a host name or an IP address'),
    port: z.int().min(1).max(65_535),
    security: securitySchema,
    user: headerTextSchema(500).min(1),
    password: z.string().min(1).max(4000).meta({ writeOnly: true }).exactOptional(),
    auth: authSchema.exactOptional(),
    allow_untrusted: z.boolean().exactOptional(),
    proxy: headerTextSchema(1000)
      .regex(/^(socks5|http):\/\/[^\s/]+\/?$/i, 'must be socks5://host:port or http://host:port')
      .exactOptional(),
  })
  .meta({ id: 'ServerSettings' })

const newAccountSchema = z
  .strictObject({
    address: headerTextSchema(320).regex(/^[^@\s]+@[^@\s]+$/, 'must be a mail address'),
    name: headerTextSchema(500).exactOptional(),
    imap: serverSettingsSchema,
    smtp: serverSettingsSchema.exactOptional(),
    auth: authSchema.exactOptional(),
  })
  .meta({ id: 'NewAccount' })

const accountChangesSchema = z
  .strictObject({
    name: headerTextSchema(500).exactOptional(),
    imap: serverSettingsSchema.exactOptional(),
    smtp: serverSettingsSchema.nullable().exactOptional(),
    auth: authSchema.exactOptional(),
  })
  .meta({
    id: 'AccountChanges',
    description: 'What is left out stays; a server that is given takes the place of the one before, with its password',
  })

const serverSchema: z.ZodType<ServerJson> = z
  .object({
    host: z.string(),
    port: z.int(),
    security: securitySchema,
    user: z.string(),
    allow_untrusted: z.boolean(),
    proxy: z.string().nullable(),
    auth: z.enum(['password', 'oauth2']),
  })
  .meta({ id: 'Server' })

const accountSchema: z.ZodType<AccountJson> = z
  .object({
    id: z.string(),
    address: z.string(),
    name: z.string(),
    imap: serverSchema,
    smtp: serverSchema.nullable(),
    last_error: lastErrorSchema.nullable(),
    created_at: timeSchema,
  })
  .meta({ id: 'Account' })

const uploadMethodSchema = z.enum(['append', 'append-catenate', 'replace', 'replace-catenate'])

const editCostSchema = z
  .object({ method: uploadMethodSchema, bytes: z.int().nullable() })
  .meta({ description: 'What an edit of a few words sends; bytes null: the server takes no such message' })

const submissionSchema = z.object({
  error: lastErrorSchema.nullable(),
  capabilities: z
    .object({
      size_limit: z.int().nullable(),
      eight_bit_mime: z.boolean(),
      smtp_utf8: z.boolean(),
      pipelining: z.boolean(),
      dsn: z.boolean(),
      chunking: z.boolean(),
      burl: z.boolean(),
      future_release: z.boolean(),
      auth_mechanisms: z.array(z.string()),
    })
    .nullable(),
})

const reportSchema: z.ZodType<AccountReportJson> = z
  .object({
    capabilities: z.object({
      uidplus: z.boolean(),
      replace: z.boolean(),
      catenate: z.boolean(),
      binary: z.boolean(),
      special_use: z.boolean(),
      create_special_use: z.boolean(),
      move: z.boolean(),
      idle: z.boolean(),
      condstore: z.boolean(),
      qresync: z.boolean(),
      append_limit: z.int().nullable(),
      notify: z.boolean(),
      compress: z.boolean(),
      object_id: z.boolean(),
      quota: z.boolean(),
      gmail: z.boolean(),
    }),
    folders: z.object({
      drafts: z.string().nullable(),
      sent: z.string().nullable(),
      trash: z.string().nullable(),
    }),
    to_create: z.object({ path: z.string(), with_special_use: z.boolean() }).nullable(),
    upload_method: uploadMethodSchema,
    edit_cost: z.object({ text: editCostSchema, with_attachment: editCostSchema }),
    push: z.enum(['notify', 'idle', 'poll']),
    quota_left: z.int().nullable(),
    probe: z
      .object({
        at: timeSchema,
        server_id: z.string().nullable(),
        refusal: z.string().nullable(),
        message_left: z.boolean(),
        survival: z
          .object({
            message_id: z.enum(['kept', 'rewritten', 'dropped']),
            private_headers: z.boolean(),
            bcc: z.boolean(),
            body: z.enum(['kept', 'altered']),
            draft_flag: z.boolean(),
            keywords: z.enum(['kept', 'lower-cased', 'dropped', 'refused']),
            internal_date: z.boolean(),
          })
          .nullable(),
      })
      .nullable(),
    files_sent_copies: z.literal('unknown'),
    submission: submissionSchema.nullable(),
  })
  .meta({ id: 'AccountReport' })

const pathSchema = z.strictObject({ id: accountIdSchema })

export function accountRoutes(app: App, { engine }: Context): void {
  app.get(
    '/accounts',
    {
      config: { access: 'read', remembered: true },
      schema: { summary: 'The accounts', querystring: pageQuerySchema, response: { 200: pageSchema(accountSchema) } },
    },
    async (request) => pageToJson(await ownAccounts(engine, request, request.query), accountToJson),
  )

  app.post(
    '/accounts',
    {
      config: { access: 'write' },
      schema: {
        summary: 'Add an account; the server is not contacted',
        body: newAccountSchema,
        response: { 201: accountSchema },
      },
    },
    async (request, reply) => {
      const account = await engine.accounts.add({ ...accountInput(request.body), owner: ownerOf(request) })
      return reply.code(201).header('location', `/accounts/${account.id}`).send(accountToJson(account))
    },
  )

  app.get(
    '/accounts/:id',
    {
      config: { access: 'read' },
      schema: { summary: 'An account', params: pathSchema, response: { 200: accountSchema } },
    },
    async (request) => accountToJson(await ownAccount(engine, request, request.params.id)),
  )

  app.patch(
    '/accounts/:id',
    {
      config: { access: 'write' },
      schema: {
        summary: 'Change an account; its servers are not contacted',
        params: pathSchema,
        body: accountChangesSchema,
        response: { 200: accountSchema },
      },
    },
    async (request) => {
      await ownAccount(engine, request, request.params.id)
      return accountToJson(await engine.accounts.change(request.params.id, accountChanges(request.body)))
    },
  )

  app.delete(
    '/accounts/:id',
    {
      config: { access: 'write', problems: ['UNSENT_DRAFTS'] },
      schema: {
        summary: 'Remove an account',
        description: 'With drafts that are not sent, `unsent` must say what becomes of their copies on the server.',
        params: pathSchema,
        querystring: z.strictObject({ unsent: z.enum(['keep', 'discard']).exactOptional() }),
        response: { 204: z.null().meta({ description: 'Removed' }) },
      },
    },
    async (request, reply) => {
      await ownAccount(engine, request, request.params.id)
      await engine.accounts.remove(request.params.id, request.query)
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/accounts/:id/verify',
    {
      config: {
        access: 'write',
        problems: [
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
        summary: 'Connect, and say what the server can do and how drafts will be uploaded there',
        params: pathSchema,
        response: { 200: reportSchema },
      },
    },
    async (request) => {
      await ownAccount(engine, request, request.params.id)
      return reportToJson(await engine.accounts.verify(request.params.id))
    },
  )
}

// JSON ↔ engine.

function accountInput(json: z.output<typeof newAccountSchema>): AccountInput {
  const { imap, smtp, auth, ...rest } = json
  return {
    ...rest,
    imap: loginInput('imap', imap, auth),
    ...(smtp === undefined ? {} : { smtp: loginInput('smtp', smtp, auth) }),
  }
}

function accountChanges(json: z.output<typeof accountChangesSchema>): AccountChanges {
  const { imap, smtp, auth, ...rest } = json
  return {
    ...rest,
    ...(imap === undefined ? {} : { imap: loginInput('imap', imap, auth) }),
    ...(smtp === undefined ? {} : { smtp: smtp === null ? null : loginInput('smtp', smtp, auth) }),
  }
}

/** `accountAuth`: for each server that has no password and no `auth` of its own. */
function loginInput(
  path: 'imap' | 'smtp',
  json: z.output<typeof serverSettingsSchema>,
  accountAuth: z.output<typeof authSchema> | undefined,
): LoginInput {
  const { allow_untrusted: allowUntrusted, password, auth: ownAuth, ...rest } = json
  const address = { ...rest, ...(allowUntrusted === undefined ? {} : { allowUntrusted }) }
  if (password !== undefined && ownAuth !== undefined) {
    throw validationError(`${path}.auth`, 'a server takes a password or access tokens, not both')
  }
  if (password !== undefined) return { ...address, password }
  const auth = ownAuth ?? accountAuth
  if (auth === undefined) throw validationError(`${path}.password`, 'is needed, or auth in its place')
  const { token_endpoint: tokenEndpoint, client_id: clientId, client_secret: clientSecret, scope } = auth
  return {
    ...address,
    auth: {
      type: 'oauth2',
      refresh: {
        tokenEndpoint,
        clientId,
        refreshToken: auth.refresh_token,
        ...(clientSecret === undefined ? {} : { clientSecret }),
        ...(scope === undefined ? {} : { scope }),
      },
    },
  }
}

function accountToJson(account: Account): AccountJson {
  return {
    id: account.id,
    address: account.address,
    name: account.name,
    imap: serverToJson(account.imap),
    smtp: account.smtp === null ? null : serverToJson(account.smtp),
    last_error: lastErrorToJson(account.lastError),
    created_at: timeToJson(account.createdAt),
  }
}

/** Field by field: whatever else the engine may hold about a server does not leave by accident. */
function serverToJson(server: Account['imap']): ServerJson {
  return {
    host: server.host,
    port: server.port,
    security: server.security,
    user: server.user,
    allow_untrusted: server.allowUntrusted ?? false,
    proxy: server.proxy ?? null,
    auth: server.auth?.type ?? 'password',
  }
}

function reportToJson(report: AccountReport): AccountReportJson {
  return {
    capabilities: capabilitiesToJson(report.capabilities),
    folders: { drafts: report.draftsFolder, sent: report.sentFolder, trash: report.trashFolder },
    to_create:
      report.toCreate === null
        ? null
        : { path: report.toCreate.path, with_special_use: report.toCreate.withSpecialUse },
    upload_method: report.uploadMethod,
    edit_cost: { text: report.editCost.text, with_attachment: report.editCost.withAttachment },
    push: report.push,
    quota_left: report.quotaLeft,
    probe: probeToJson(report.probe),
    files_sent_copies: report.filesSentCopies,
    submission: submissionToJson(report.submission),
  }
}

function probeToJson(probe: AccountReport['probe']): AccountReportJson['probe'] {
  if (probe === null) return null
  const { survival } = probe
  return {
    at: timeToJson(probe.at),
    server_id: probe.serverId,
    refusal: probe.refusal,
    message_left: probe.messageLeft,
    survival:
      survival === null
        ? null
        : {
            message_id: survival.messageId,
            private_headers: survival.privateHeaders,
            bcc: survival.bcc,
            body: survival.body,
            draft_flag: survival.draftFlag,
            keywords: survival.keywords,
            internal_date: survival.internalDate,
          },
  }
}

function submissionToJson(submission: AccountReport['submission']): SubmissionJson | null {
  if (submission === null) return null
  if (submission.kind === 'failed') return { error: lastErrorToJson(submission.error), capabilities: null }
  const { capabilities } = submission
  return {
    error: null,
    capabilities: {
      size_limit: capabilities.sizeLimit,
      eight_bit_mime: capabilities.eightBitMime,
      smtp_utf8: capabilities.smtpUtf8,
      pipelining: capabilities.pipelining,
      dsn: capabilities.dsn,
      chunking: capabilities.chunking,
      burl: capabilities.burl,
      future_release: capabilities.futureRelease !== null,
      auth_mechanisms: capabilities.authMechanisms,
    },
  }
}

function capabilitiesToJson(capabilities: MailboxCapabilities): AccountReportJson['capabilities'] {
  return {
    uidplus: capabilities.uidPlus,
    replace: capabilities.replace,
    catenate: capabilities.catenate,
    binary: capabilities.binary,
    special_use: capabilities.specialUse,
    create_special_use: capabilities.createSpecialUse,
    move: capabilities.move,
    idle: capabilities.idle,
    condstore: capabilities.condstore,
    qresync: capabilities.qresync,
    append_limit: capabilities.appendLimit,
    notify: capabilities.notify,
    compress: capabilities.compress,
    object_id: capabilities.objectId,
    quota: capabilities.quota,
    gmail: capabilities.gmail,
  }
}
