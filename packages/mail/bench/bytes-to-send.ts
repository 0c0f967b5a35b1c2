import { randomBytes } from 'node:crypto'
import { join } from 'node:path'

import { createEngine, type Engine } from '@everdraft/core'
import { imap, smtp } from '@everdraft/mail'
import {
  connectRaw,
  createProxy,
  createSmtpSink,
  literal,
  type RunningServer,
  type ServerName,
  type SmtpSink,
  startServer,
} from '@everdraft/testkit'

// The store is no dependency of this package: it is taken through its own door.
import { sqlite } from '../../sqlite/src/index.ts'
import { benchFolder } from '../../testkit/bench/real-disk.ts'
import { count, ratio, type Section, type Suite } from '../../testkit/bench/suite.ts'
import { randomWords } from '../../testkit/bench/words.ts'
import { onEachServer } from './on-each-server.ts'

const titles: Readonly<Record<ServerName, string>> = {
  dovecot24: 'Dovecot 2.4',
  cyrus310: 'Cyrus 3.10',
  dovecot23: 'Dovecot 2.3',
  greenmail: 'GreenMail',
}

/** Header and text cross both lines; only attachments are quoted. */
const textBytes = 500
const targetBytes = 5 * 1024
const sendMs = 120_000

/** What is sent from client to server so that a draft with a large file goes out, and lies in Sent. */
export const bytesToSend: Suite = {
  name: 'bytes-to-send',
  async run({ quick, say }) {
    const fileBytes = quick ? 64 * 1024 : 10 * 1024 * 1024
    const servers = Object.entries(titles) as [ServerName, string][]
    const { measured, missing } = await onEachServer(servers, say, async (name) => {
      const sink = await createSmtpSink()
      const server = await startServer(name, { relayPort: sink.port })
      try {
        return { ownSubmission: hasOwnSubmission(server), ...(await measure(server, sink, fileBytes)) }
      } finally {
        await server.stop()
        await sink.close()
      }
    })
    return section(fileBytes, measured, missing)
  },
}

/** Both lines, from client to server. */
interface Bytes {
  readonly imap: number
  readonly smtp: number
}

interface Sides {
  readonly engine: Bytes
  readonly plain: Bytes
}

interface Measured extends Sides {
  readonly title: string
  readonly ownSubmission: boolean
}

function hasOwnSubmission({ smtpPort }: RunningServer): boolean {
  return smtpPort !== null && smtpPort !== undefined
}

async function measure(server: RunningServer, sink: SmtpSink, fileBytes: number): Promise<Sides> {
  const { host, imapPort: port } = server
  const [mailbox, submission] = await Promise.all([
    createProxy({ target: { host, port } }),
    createProxy({ target: { host, port: server.smtpPort ?? sink.port } }),
  ])
  try {
    const engine = await engineBytes(server, { mailbox, submission }, fileBytes)
    return { engine: engine.bytes, plain: await plainBytes(server, { mailbox, submission }, engine.message) }
  } finally {
    await mailbox.close()
    await submission.close()
  }
}

interface Lines {
  readonly mailbox: Awaited<ReturnType<typeof createProxy>>
  readonly submission: Awaited<ReturnType<typeof createProxy>>
}

async function engineBytes(
  server: RunningServer,
  { mailbox, submission }: Lines,
  fileBytes: number,
): Promise<{ readonly bytes: Bytes; readonly message: Buffer }> {
  const { user, password, address } = server.user()
  const hour = 3_600_000
  await using folder = await benchFolder()
  const engine = await createEngine({
    storage: sqlite(join(folder.path, 'everdraft.db')),
    mailbox: imap(),
    submission: smtp(),
    watch: false,
    probe: false,
    timing: { uploadDelayMs: hour, longestUploadDelayMs: hour, pollMs: hour, sentCopyWaitMs: 0 },
  })
  try {
    const login = { host: mailbox.host, security: 'none', user, password } as const
    const { id: accountId } = await engine.accounts.add({
      address,
      imap: { ...login, port: mailbox.port, compress: false },
      // A sink asks for no login.
      smtp: { ...login, port: submission.port, user: hasOwnSubmission(server) ? user : '' },
    })
    const to = server.user(2).address
    const draft = await engine.drafts.create({ accountId, to, subject: 'A letter', text: randomWords(textBytes) })
    await engine.drafts.attach(draft.id, { filename: 'scan.bin', content: randomBytes(fileBytes) })
    await engine.drafts.flush(draft.id)
    await engine.sync(accountId)
    const marks = { imap: mailbox.mark(), smtp: submission.mark() }
    await cleaned(engine, async () => void (await engine.drafts.send(draft.id)))
    const bytes = { imap: mailbox.since(marks.imap).toServer, smtp: submission.since(marks.smtp).toServer }
    const raw = await connectRaw({ host: server.host, port: server.imapPort })
    await raw.login({ user, password })
    const [message] = await raw.listMessages('Sent')
    await raw.logout()
    if (message === undefined) throw new Error('nothing is in Sent')
    return { bytes, message: message.bytes }
  } finally {
    await engine.close()
  }
}

async function cleaned(engine: Engine, send: () => Promise<void>): Promise<void> {
  const ended = Promise.withResolvers<void>()
  const unsubscribe = engine.subscribe({}, (event) => {
    if (event.type !== 'send-status-changed') return
    if (event.phase === 'cleaned') ended.resolve()
    if (event.phase === 'failed' || event.phase === 'unknown') ended.reject(new Error(`the send is ${event.phase}`))
  })
  const timer = setTimeout(() => ended.reject(new Error(`not sent after ${sendMs} ms`)), sendMs)
  try {
    await send()
    await ended.promise
  } finally {
    clearTimeout(timer)
    unsubscribe()
  }
}

/** The very same message: once by DATA, once by APPEND on a connection that is there already, and nothing else. */
async function plainBytes(server: RunningServer, { mailbox, submission }: Lines, message: Buffer): Promise<Bytes> {
  const { user, password, address } = server.user()
  const { signal } = new AbortController()
  const raw = await connectRaw(mailbox)
  await raw.login({ user, password })
  if (server.supports.sent === null) await raw.ok('CREATE Sent').catch(() => {})
  const marks = { imap: mailbox.mark(), smtp: submission.mark() }
  const login = { host: submission.host, port: submission.port, security: 'none', password } as const
  const session = await smtp().connect(
    { ...login, user: hasOwnSubmission(server) ? user : '' },
    { signal, timeoutMs: sendMs },
  )
  const recipients = [server.user(2).address]
  await session.open({ from: address, recipients, size: message.length, eightBit: false, envid: null })
  const body = {
    kind: 'bytes',
    async *open() {
      yield message
    },
  } as const
  const outcome = await session.commit(body, { beforeFinalDot: async () => {} })
  if (outcome.kind !== 'accepted') throw new Error(`the plain mail was not taken: ${outcome.kind}`)
  await session.close()
  await raw.ok(String.raw`APPEND Sent (\Seen) `, literal(message, 'sync'))
  const bytes = { imap: mailbox.since(marks.imap).toServer, smtp: submission.since(marks.smtp).toServer }
  await raw.logout()
  return bytes
}

function section(fileBytes: number, measured: readonly Measured[], missing: readonly string[]): Section {
  return {
    title: 'Bytes to send and file',
    intro: `A draft with a text of ${count(textBytes)} bytes and one attachment of ${count(fileBytes / 1024)} KiB that cannot be compressed lies in Drafts, and is sent. Bytes from client to server on both lines, counted by proxies, without compression.`,
    settings: [
      'engine: from `send` until the copy in Sent was seen and the one in Drafts is gone: the look into Drafts and Sent before it, the login by SMTP, the mail, the copy, the cleaning',
      'plain: the same message by a login, MAIL, RCPT and DATA, and by APPEND; nothing is looked at, and the copy in Drafts stays',
    ],
    tables: [
      {
        caption: 'Bytes',
        columns: ['server', 'side', 'SMTP', 'IMAP', 'both', 'engine ÷ plain', 'target'],
        rows: measured.flatMap(rowsOf),
      },
    ],
    notes: [
      ...measured
        .filter(({ ownSubmission }) => !ownSubmission)
        .map(({ title }) => `${title} takes no mail here: a sink does, which knows nothing of the mailbox (no BURL).`),
      ...missing.map((title) => `${title} was not measured: it cannot be had on the machine of this run.`),
    ],
  }
}

function rowsOf({ title, engine, plain }: Measured): readonly (readonly string[])[] {
  const [ours, theirs] = [engine.imap + engine.smtp, plain.imap + plain.smtp]
  const goal = title.startsWith('Dovecot') ? `≤ ${count(targetBytes)}` : ''
  return [
    [title, 'engine', count(engine.smtp), count(engine.imap), count(ours), (ours / theirs).toPrecision(2), goal],
    [title, 'plain', count(plain.smtp), count(plain.imap), count(theirs), ratio(1), ''],
  ]
}
