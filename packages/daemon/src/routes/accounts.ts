import type {
  Account,
  AccountInput,
  AccountReport,
  MailboxCapabilities,
  ServerSettings,
  UploadMethod,
} from '@everdraft/core'
import { z } from 'zod'

import type { App, Context } from '../app.ts'
import {
  accountIdSchema,
  lastErrorSchema,
  lastErrorToJson,
  pageQuerySchema,
  pageSchema,
  pageToJson,
  timeSchema,
  timeToJson,
  userTextSchema,
  type LastErrorJson,
} from '../fields.ts'
import { ownAccount } from '../ownership.ts'

/** Without the password: it goes in and never comes back. */
export interface ServerJson {
  readonly host: string
  readonly port: number
  readonly security: 'tls' | 'starttls' | 'none'
  readonly user: string
  readonly allow_untrusted: boolean
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
  }
  readonly folders: { readonly drafts: string | null; readonly sent: string | null }
  readonly upload_method: UploadMethod
}

const securitySchema = z.enum(['tls', 'starttls', 'none'])
const headerText = (maximum: number): z.ZodString =>
  // oxlint-disable-next-line no-control-regex -- refusing control characters is the purpose
  userTextSchema()
    .max(maximum)
    .regex(/^[^\r\n\0]*$/, 'must not contain CR, LF or NUL')

const serverSettingsSchema = z
  .strictObject({
    host: headerText(255).regex(/^[^\s/@]+$/, 'must be a host name or an IP address'),
    port: z.int().min(1).max(65_535),
    security: securitySchema,
    user: headerText(500).min(1),
    password: z.string().min(1).max(4000).meta({ writeOnly: true }),
    allow_untrusted: z.boolean().exactOptional(),
  })
  .meta({ id: 'ServerSettings' })

const newAccountSchema = z
  .strictObject({
    address: headerText(320).regex(/^[^@\s]+@[^@\s]+$/, 'must be a mail address'),
    name: headerText(500).exactOptional(),
    imap: serverSettingsSchema,
    smtp: serverSettingsSchema.exactOptional(),
  })
  .meta({ id: 'NewAccount' })

const serverSchema: z.ZodType<ServerJson> = z
  .object({
    host: z.string(),
    port: z.int(),
    security: securitySchema,
    user: z.string(),
    allow_untrusted: z.boolean(),
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
    }),
    folders: z.object({ drafts: z.string().nullable(), sent: z.string().nullable() }),
    upload_method: z.enum(['append', 'append-catenate', 'replace', 'replace-catenate']),
  })
  .meta({ id: 'AccountReport' })

const pathSchema = z.strictObject({ id: accountIdSchema })

export function accountRoutes(app: App, { engine }: Context): void {
  app.get(
    '/accounts',
    { schema: { summary: 'The accounts', querystring: pageQuerySchema, response: { 200: pageSchema(accountSchema) } } },
    async (request) => pageToJson(await engine.accounts.list(request.query), accountToJson),
  )

  app.post(
    '/accounts',
    {
      schema: {
        summary: 'Add an account; the server is not contacted',
        body: newAccountSchema,
        response: { 201: accountSchema },
      },
    },
    async (request, reply) => {
      const account = await engine.accounts.add(accountInput(request.body))
      return reply.code(201).header('location', `/accounts/${account.id}`).send(accountToJson(account))
    },
  )

  app.get(
    '/accounts/:id',
    { schema: { summary: 'An account', params: pathSchema, response: { 200: accountSchema } } },
    async (request) => accountToJson(await ownAccount(engine, request.params.id)),
  )

  app.delete(
    '/accounts/:id',
    {
      schema: {
        summary: 'Remove an account',
        description: 'With drafts that are not sent, `unsent` must say what becomes of their copies on the server.',
        params: pathSchema,
        querystring: z.strictObject({ unsent: z.enum(['keep', 'discard']).exactOptional() }),
        response: { 204: z.null().meta({ description: 'Removed' }) },
      },
    },
    async (request, reply) => {
      await ownAccount(engine, request.params.id)
      await engine.accounts.remove(request.params.id, request.query)
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/accounts/:id/verify',
    {
      schema: {
        summary: 'Connect, and say what the server can do and how drafts will be uploaded there',
        params: pathSchema,
        response: { 200: reportSchema },
      },
    },
    async (request) => {
      await ownAccount(engine, request.params.id)
      return reportToJson(await engine.accounts.verify(request.params.id))
    },
  )
}

// JSON ↔ engine.

function accountInput(json: z.output<typeof newAccountSchema>): AccountInput {
  const { imap, smtp, ...rest } = json
  return { ...rest, imap: serverSettings(imap), ...(smtp === undefined ? {} : { smtp: serverSettings(smtp) }) }
}

function serverSettings(json: z.output<typeof serverSettingsSchema>): ServerSettings {
  const { allow_untrusted: allowUntrusted, ...rest } = json
  return { ...rest, ...(allowUntrusted === undefined ? {} : { allowUntrusted }) }
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
  }
}

function reportToJson(report: AccountReport): AccountReportJson {
  return {
    capabilities: capabilitiesToJson(report.capabilities),
    folders: { drafts: report.draftsFolder, sent: report.sentFolder },
    upload_method: report.uploadMethod,
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
  }
}
