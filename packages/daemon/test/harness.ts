import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createEngine, type Engine, type Environment, type Storage } from '@everdraft/core'
import { imap, smtp } from '@everdraft/mail'
import { createMailServer, type MailServer } from '@everdraft/mailserver'
import { onTestFinished } from 'vitest'

import { postgres } from '../../postgres/src/index.ts'
import { withTables } from '../../sqlite/test/with-tables.ts'
import {
  createDaemon,
  type AccountJson,
  type Daemon,
  type DaemonOptions,
  type DraftJson,
  responderWebhooks,
} from '../src/index.ts'

export const token = 'the-token-of-this-test'
export const mailUser = { name: 'ann@example.org', password: 'correct horse' }

export interface Answer {
  readonly status: number
  readonly headers: Headers
  /** Parsed where it is JSON. */
  readonly body: Json
  readonly bytes: Uint8Array
}

/** What came over HTTP is looked at freely in tests. */
// oxlint-disable-next-line typescript/no-explicit-any -- an answer's shape is what the tests are about
type Json = any

export interface CallOptions {
  readonly json?: unknown
  readonly body?: string | Uint8Array<ArrayBuffer> | ReadableStream
  readonly headers?: Record<string, string>
  /** Default: the daemon's own. */
  readonly token?: string
}

export interface Running {
  readonly url: string
  readonly daemon: Daemon
  readonly engine: Engine
  readonly mailServer: MailServer
  readonly imapPort: number
  readonly logLines: readonly string[]
  readonly call: (method: string, path: string, options?: CallOptions) => Promise<Answer>
  readonly addAccount: (changes?: Record<string, unknown>) => Promise<AccountJson>
  readonly addDraft: (accountId: string, fields?: Record<string, unknown>) => Promise<DraftJson>
}

export interface StoreOfTest {
  /** Puts into the file what the engine is to find there. */
  readonly fill?: (file: string) => Promise<void>
  /** In the place of the file. */
  readonly storage?: Storage
}

/** The daemon over real HTTP, on the real engine, with a mail server beside it. All of it goes when the test ends. */
export async function start(
  daemonOptions: Omit<Partial<DaemonOptions>, 'engine'> = {},
  environment: Partial<Environment> = {},
  store: StoreOfTest = {},
): Promise<Running> {
  const folder = await mkdtemp(join(tmpdir(), 'everdraft-daemon-test-'))
  const mailServer = createMailServer({ users: [mailUser] })
  await mailServer.listen()
  const imapPort = mailServer.imapPort
  const file = join(folder, 'everdraft.db')
  await store.fill?.(file)
  const engine = await createEngine({
    storage: store.storage ?? ownStorage(file),
    mailbox: imap(),
    submission: smtp(),
    environment,
    responders: { webhooks: responderWebhooks({ version: '1.2.3' }) },
  })
  const logLines: string[] = []
  const daemon = await createDaemon({
    engine,
    token,
    version: '1.2.3',
    log: { write: (line) => void logLines.push(line) },
    ...daemonOptions,
  })
  const url = await daemon.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(async () => {
    await daemon.close()
    await engine.close()
    await mailServer.close()
    await rm(folder, { recursive: true })
  })

  const call = async (method: string, path: string, options: CallOptions = {}): Promise<Answer> => {
    const body = options.json === undefined ? options.body : JSON.stringify(options.json)
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${options.token ?? token}`,
        ...(options.json === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(body === undefined ? {} : { body, duplex: 'half' }),
    })
    const bytes = new Uint8Array(await response.arrayBuffer())
    checkDocumented(await (documented ??= fetchDocument(url)), { method, path, status: response.status })
    const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '')
    return {
      status: response.status,
      headers: response.headers,
      bytes,
      body: isJson ? JSON.parse(new TextDecoder().decode(bytes)) : null,
    }
  }
  return {
    url,
    daemon,
    engine,
    mailServer,
    imapPort,
    logLines,
    call,
    addAccount: async (changes = {}) =>
      succeeded(
        await call('POST', '/accounts', {
          json: {
            address: mailUser.name,
            imap: {
              host: '127.0.0.1',
              port: imapPort,
              security: 'none',
              user: mailUser.name,
              password: mailUser.password,
            },
            ...changes,
          },
        }),
      ),
    addDraft: async (accountId, fields = {}) =>
      succeeded(await call('POST', `/accounts/${accountId}/drafts`, { json: fields })),
  }
}

/** With `EVERDRAFT_TEST_POSTGRES`, a URL, the tests ask a daemon on that server, each in a schema of its own. */
function ownStorage(file: string): Storage {
  const url = process.env['EVERDRAFT_TEST_POSTGRES']
  return url === undefined ? withTables(file) : postgres(url, { schema: `test ${randomUUID()}` })
}

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: object }>>>>
}

/** The same for all daemons of a test file. */
let documented: Promise<OpenApi> | undefined

async function fetchDocument(url: string): Promise<OpenApi> {
  const response = await fetch(`${url}/openapi.json`, { headers: { authorization: `Bearer ${token}` } })
  return (await response.json()) as OpenApi
}

/** Whatever a test asks: an answer that the OpenAPI document does not name fails it. */
function checkDocumented(
  { paths }: OpenApi,
  { method, path, status }: { readonly method: string; readonly path: string; readonly status: number },
): void {
  const [asked = ''] = path.split('?')
  for (const [pattern, operations] of Object.entries(paths)) {
    if (!new RegExp(`^${pattern.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(asked)) continue
    const operation = operations[method.toLowerCase()]
    if (operation !== undefined && !(String(status) in operation.responses)) {
      throw new Error(`${method} ${pattern} answered ${status}, which is not documented`)
    }
  }
}

function succeeded(answer: Answer): Json {
  if (answer.status !== 201) throw new Error(`expected 201, got ${answer.status}: ${JSON.stringify(answer.body)}`)
  return answer.body
}

/** As another mail program would. */
export function deleteOnServer(mailServer: MailServer, folder: string): void {
  const mailbox = mailServer.store.find(mailUser.name, folder)
  if (mailbox === undefined) throw new Error(`there is no folder ${folder}`)
  mailServer.store.expunge(
    mailbox,
    mailbox.messages().map(({ uid }) => uid),
  )
}

/** The mail in the folder, written anew as another mail program does; `change` gets the only one that is there. */
export function rewriteOnServer(mailServer: MailServer, folder: string, change: (message: string) => string): void {
  const mailbox = mailServer.store.find(mailUser.name, folder)
  const [message] = mailbox?.messages() ?? []
  if (mailbox === undefined || message === undefined) throw new Error(`there is no message in ${folder}`)
  const bytes = Buffer.from(change(Buffer.from(message.bytes).toString('utf8')))
  mailServer.store.append(mailbox, { bytes, flags: ['\\Draft'], internalDateMs: message.internalDateMs + 1000 })
  mailServer.store.expunge(mailbox, [message.uid])
}
