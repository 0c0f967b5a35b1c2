import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import {
  type Account,
  createEngine,
  type Draft,
  type Engine,
  type EngineEvent,
  type EngineOptions,
  type EngineTiming,
  inspectStore,
  type ServerAddress,
  type SyncReport,
  type Umid,
} from '@everdraft/core'
import { imap, smtp } from '@everdraft/mail'
import { sqlite } from '@everdraft/sqlite'
import {
  connectRaw,
  createProxy,
  type ListedMessage,
  type MailUser,
  type Proxy,
  type RawImap,
} from '@everdraft/testkit'

import { withTables } from '../../packages/sqlite/test/with-tables.ts'

/** What the suite needs of a server, real or embedded. */
export interface TargetServer {
  readonly host: string
  readonly imapPort: number
  /** Takes mail; absent: accounts there have no SMTP settings. */
  readonly smtpPort?: number
  /** What accounts there have of it otherwise than most. */
  readonly smtp?: Partial<ServerAddress>
  readonly supports: {
    readonly catenate: boolean
    readonly uidplus: boolean
    readonly literal8?: boolean
    readonly sent: string | null
  }
  /** What it does to drafts has to be found out first, as it does something. Default false. */
  readonly probes?: boolean
  user(): MailUser
}

/** Nothing happens by itself within a test: each round is asked for. */
const testTiming: Partial<EngineTiming> = {
  uploadDelayMs: 3_600_000,
  longestUploadDelayMs: 3_600_000,
  pollMs: 3_600_000,
  firstBackOffMs: 3_600_000,
  longestOfflineBackOffMs: 3_600_000,
  wireTimeoutMs: 10_000,
}

/** One device of one user: an engine on a file of its own, behind a proxy that counts and cuts. */
export interface Device extends AsyncDisposable {
  readonly engine: Engine
  readonly account: Account
  readonly proxy: Proxy
  readonly user: MailUser
  readonly file: string
  readonly events: readonly EngineEvent[]
  create(fields?: Partial<{ subject: string; text: string }>): Promise<Draft>
  attach(id: Umid, bytes: Uint8Array): Promise<Draft>
  sync(): Promise<SyncReport>
  get(id: Umid): Promise<Draft>
  /** Closes the engine and opens it again on the same file. */
  restart(): Promise<void>
  /** The mailbox as somebody else sees it, past the proxy. */
  foreign<Result>(use: (raw: RawImap) => Promise<Result>): Promise<Result>
  drafts(): Promise<readonly ListedMessage[]>
}

export async function openDevice(
  server: TargetServer,
  timing: Partial<EngineTiming> = {},
  options: Partial<EngineOptions> = {},
): Promise<Device> {
  const folder = await mkdtemp(join(tmpdir(), 'everdraft-live-'))
  const file = join(folder, 'everdraft.db')
  const user = server.user()
  const proxy = await createProxy({ target: { host: server.host, port: server.imapPort } })
  const events: EngineEvent[] = []
  let engine = await open()

  async function open(): Promise<Engine> {
    const opened = await createEngine({
      storage: withTables(file),
      mailbox: imap(),
      submission: smtp(),
      watch: false,
      probe: server.probes === true,
      timing: { ...testTiming, ...timing },
      ...options,
    })
    opened.subscribe({}, (event) => void events.push(event))
    return opened
  }

  const account = await engine.accounts.add({
    address: user.address,
    imap: { host: proxy.host, port: proxy.port, security: 'none', user: user.user, password: user.password },
    ...(server.smtpPort === undefined
      ? {}
      : {
          smtp: {
            host: server.host,
            port: server.smtpPort,
            security: 'none',
            user: user.user,
            password: user.password,
            ...server.smtp,
          },
        }),
  })

  const foreign: Device['foreign'] = async (use) => {
    const raw = await connectRaw({ host: server.host, port: server.imapPort })
    try {
      await raw.login(user)
      return await use(raw)
    } finally {
      raw.close()
    }
  }

  return {
    get engine() {
      return engine
    },
    account,
    proxy,
    user,
    file,
    events,
    create: (fields = {}) =>
      engine.drafts.create({
        accountId: account.id,
        to: 'Bob Example <bob@example.com>',
        subject: 'A letter',
        text: 'Dear Bob,\n\nfirst words\n',
        ...fields,
      }),
    attach: async (id, bytes) => (await engine.drafts.attach(id, { filename: 'scan.bin', content: bytes })).draft,
    sync: () => engine.sync(account.id, { waitMs: 60_000 }),
    get: (id) => engine.drafts.get(id),
    async restart() {
      await engine.close()
      engine = await open()
    },
    foreign,
    drafts: () => foreign((raw) => raw.listMessages('Drafts')),
    async [Symbol.asyncDispose]() {
      await engine.close()
      await proxy.close()
      // Whatever a test did, the store it leaves keeps every invariant.
      const { findings } = await inspectStore(sqlite(file))
      await rm(folder, { recursive: true, force: true })
      if (findings.length > 0) throw new Error(`the store is not consistent: ${JSON.stringify(findings)}`)
    },
  }
}

/** Rounds until nothing is left to do. Fails when that never comes: quiescence is a promise (invariant 8). */
export async function settle(device: Device, rounds = 8): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    const report = await device.sync()
    if (report.settled && report.pending === 0 && report.errors.length === 0) return
  }
  const tasks = await device.engine.tasks.list(device.account.id)
  throw new Error(`not at rest after ${rounds} rounds: ${JSON.stringify(tasks.items)}`)
}

/** Bytes that no compression and no lucky guess makes smaller. */
export function incompressible(size: number): Uint8Array {
  return randomBytes(size)
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
