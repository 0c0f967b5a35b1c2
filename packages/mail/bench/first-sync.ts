import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { createEngine } from '@everdraft/core'
import { imap } from '@everdraft/mail'
import {
  availability,
  connectRaw,
  createProxy,
  literal,
  type MailUser,
  type Proxy,
  type RunningServer,
  startServer,
} from '@everdraft/testkit'

// The store is no dependency of this package: it is taken through its own door.
import { sqlite } from '../../sqlite/src/index.ts'
import { benchFolder } from '../../testkit/bench/real-disk.ts'
import { quantile } from '../../testkit/bench/statistics.ts'
import { count, ratio, type Section, type Suite, type SuiteOptions } from '../../testkit/bench/suite.ts'
import { prose } from '../../testkit/bench/prose.ts'

const plans = {
  full: { sizes: [1_000, 10_000], rounds: 3 },
  quick: { sizes: [50], rounds: 1 },
} as const

const messageBytes = 4_096

/** What brings a folder here: into a store of its own, which is empty before each first sync. */
interface Client {
  readonly title: string
  /** Made anew, in an empty folder. */
  open(at: Place): Promise<OpenClient>
}

interface Place {
  readonly folder: string
  readonly user: MailUser
  readonly port: number
}

interface OpenClient {
  /** Everything that it does to make the two sides equal, with the connecting. */
  sync(): Promise<void>
  /** Messages that are here. */
  held(): Promise<number>
  close(): Promise<void>
}

const engineClient: Client = {
  title: 'engine',
  async open({ folder, user, port }) {
    const hour = 3_600_000
    const engine = await createEngine({
      storage: sqlite(join(folder, 'everdraft.db')),
      mailbox: imap(),
      watch: false,
      // Nothing goes by itself: each round is one that was asked for.
      timing: { pollMs: hour },
    })
    let accountId: string | null = null
    return {
      async sync() {
        const imapSettings = { host: '127.0.0.1', port, security: 'none', ...login(user) } as const
        accountId ??= (await engine.accounts.add({ address: user.address, imap: imapSettings })).id
        const { settled, errors } = await engine.sync(accountId as never)
        if (!settled || errors.length > 0) throw new Error(`the engine did not sync: ${JSON.stringify(errors)}`)
      },
      held: async () => (await engine.drafts.list({ limit: 1 })).total,
      close: () => engine.close(),
    }
  },
}

/** Debian's `isync`. */
const mbsync: Client = {
  title: 'mbsync',
  async open({ folder, user, port }) {
    const maildir = join(folder, 'Drafts')
    const config = join(folder, 'mbsyncrc')
    await mkdir(folder, { recursive: true })
    await writeFile(
      config,
      [
        'IMAPStore far',
        'Host 127.0.0.1',
        `Port ${port}`,
        `User ${user.user}`,
        `Pass ${user.password}`,
        'SSLType None',
        'AuthMechs LOGIN',
        '',
        'MaildirStore near',
        `Inbox ${join(folder, 'inbox')}`,
        `Path ${folder}/`,
        '',
        'Channel drafts',
        'Far :far:Drafts',
        'Near :near:Drafts',
        'Create Near',
        'SyncState *',
        '',
      ].join('\n'),
    )
    return {
      sync: () => run('mbsync', ['-q', '-q', '-c', config, 'drafts']),
      held: () => filesIn(maildir),
      close: async () => {},
    }
  },
}

/** Debian's `offlineimap3`. */
const offlineimap: Client = {
  title: 'offlineimap',
  async open({ folder, user, port }) {
    const config = join(folder, 'offlineimaprc')
    const maildir = join(folder, 'mail')
    await mkdir(maildir, { recursive: true })
    await writeFile(
      config,
      [
        '[general]',
        'accounts = bench',
        `metadata = ${join(folder, 'state')}`,
        'ui = quiet',
        '[Account bench]',
        'localrepository = near',
        'remoterepository = far',
        '[Repository near]',
        'type = Maildir',
        `localfolders = ${maildir}`,
        '[Repository far]',
        'type = IMAP',
        'remotehost = 127.0.0.1',
        `remoteport = ${port}`,
        `remoteuser = ${user.user}`,
        `remotepass = ${user.password}`,
        'ssl = no',
        'starttls = no',
        "folderfilter = lambda name: name == 'Drafts'",
        '',
      ].join('\n'),
    )
    return {
      sync: () => run('offlineimap', ['-o', '-c', config]),
      held: () => filesIn(join(maildir, 'Drafts')),
      close: async () => {},
    }
  },
}

function login({ user, password }: MailUser): { readonly user: string; readonly password: string } {
  return { user, password }
}

async function filesIn(maildir: string): Promise<number> {
  const folders = await Promise.all(['cur', 'new'].map((name) => readdir(join(maildir, name))))
  return folders.flat().length
}

async function run(command: string, parameters: readonly string[]): Promise<void> {
  const child = spawn(command, parameters, { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (bytes: Buffer) => {
    said = (said + bytes.toString()).slice(-2_000)
  })
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${said}`)
}

async function isInstalled(command: string): Promise<boolean> {
  const child = spawn(command, ['--version'], { stdio: 'ignore' })
  return new Promise((resolve) => {
    child.once('error', () => resolve(false))
    child.once('close', () => resolve(true))
  })
}

interface Measured {
  readonly title: string
  readonly firstMs: readonly number[]
  readonly againMs: readonly number[]
  readonly first: Line
  readonly again: Line
}

interface Line {
  readonly sent: number
  readonly received: number
  readonly roundTrips: number
}

/** A folder of many drafts, brought here by the engine and by programs that do nothing else. */
export const firstSync: Suite = {
  name: 'first-sync',
  async run(options) {
    const { sizes, rounds } = options.quick ? plans.quick : plans.full
    const here = availability('dovecot24')
    if (!here.available) {
      options.say(`Dovecot 2.4 skipped: ${here.reason}`)
      return section([], [], [`Nothing was measured: Dovecot 2.4 cannot be had on the machine of this run.`], options)
    }
    const clients: Client[] = [engineClient]
    const notes: string[] = []
    for (const [client, program] of [
      [mbsync, 'mbsync'],
      [offlineimap, 'offlineimap'],
    ] as const) {
      if (await isInstalled(program)) clients.push(client)
      else notes.push(`${client.title} was not measured: it is not installed on the machine of this run.`)
    }
    const server = await startServer('dovecot24')
    try {
      const measured: (readonly Measured[])[] = []
      for (const size of sizes) {
        const user = server.user()
        options.say(`${count(size)} drafts are put into a folder`)
        await fill(server, user, size)
        measured.push(await measure(server, { user, size, clients, rounds, options }))
      }
      return section(sizes, measured, notes, options)
    } finally {
      await server.stop()
    }
  },
}

async function measure(
  server: RunningServer,
  {
    user,
    size,
    clients,
    rounds,
    options,
  }: {
    readonly user: MailUser
    readonly size: number
    readonly clients: readonly Client[]
    readonly rounds: number
    readonly options: SuiteOptions
  },
): Promise<readonly Measured[]> {
  const results = clients.map(({ title }) => ({
    title,
    firstMs: [] as number[],
    againMs: [] as number[],
    first: { sent: 0, received: 0, roundTrips: 0 } as Line,
    again: { sent: 0, received: 0, roundTrips: 0 } as Line,
  }))
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, client] of clients.entries()) {
      const result = results[index] as (typeof results)[number]
      await using bench = await benchFolder()
      const folder = await mkdtemp(join(bench.path, 'client-'))
      const proxy = await createProxy({ target: { host: server.host, port: server.imapPort } })
      const opened = await client.open({ folder, user, port: proxy.port })
      try {
        result.firstMs.push(await timed(() => opened.sync()))
        const held = await opened.held()
        if (held !== size) throw new Error(`${client.title} holds ${held} of ${size} messages`)
        result.first = lineOf(proxy)
        const before = lineOf(proxy)
        result.againMs.push(await timed(() => opened.sync()))
        result.again = minus(lineOf(proxy), before)
      } finally {
        await opened.close()
        await proxy.close()
        await rm(folder, { recursive: true, force: true })
      }
      options.say(`${count(size)}, round ${round + 1}: ${client.title} ${result.firstMs.at(-1)?.toFixed(0)} ms`)
    }
  }
  return results
}

async function timed(act: () => Promise<void>): Promise<number> {
  const started = performance.now()
  await act()
  return performance.now() - started
}

function lineOf({ bytes, turns }: Proxy): Line {
  return { sent: bytes.toServer, received: bytes.toClient, roundTrips: turns }
}

function minus(line: Line, before: Line): Line {
  return {
    sent: line.sent - before.sent,
    received: line.received - before.received,
    roundTrips: line.roundTrips - before.roundTrips,
  }
}

async function fill(server: RunningServer, user: MailUser, size: number): Promise<void> {
  const raw = await connectRaw({ host: server.host, port: server.imapPort })
  await raw.login(user)
  for (let start = 0; start < size; start += 100) {
    const messages = Array.from({ length: Math.min(100, size - start) }, (_, index) => draft(start + index))
    // One APPEND of many (RFC 3502).
    const parts = messages.flatMap((message) => [` (\\Draft \\Seen) `, literal(message, 'non-sync')])
    await raw.ok('APPEND Drafts', ...parts)
  }
  await raw.logout()
}

/** As another program writes one. */
function draft(number: number): string {
  const header = [
    'From: Ann Example <ann@example.com>',
    'To: Bob Example <bob@example.com>',
    `Subject: Letter ${number}`,
    `Message-ID: <letter.${number}@desktop.example.com>`,
    'Date: Fri, 20 Nov 2026 10:00:00 +0000',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 7bit',
    '',
    '',
  ].join('\r\n')
  const body = prose(messageBytes, number + 1).replaceAll('\n', '\r\n')
  return `${header}${body}`
    .slice(0, messageBytes - 3)
    .replace(/\r$/, '.')
    .concat('.\r\n')
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

function section(
  sizes: readonly number[],
  measured: readonly (readonly Measured[])[],
  notes: readonly string[],
  { quick }: SuiteOptions,
): Section {
  const { rounds } = quick ? plans.quick : plans.full
  return {
    title: 'First sync',
    intro: `A folder of drafts of 4 KiB that another program wrote, on Dovecot 2.4: brought here for the first time, into an empty store, and then once more while nothing has changed. Medians of ${rounds} rounds in turns, from the start of the program to its end, with the login; the engine runs already, as an application does, and connects for the first sync. All go through a proxy that counts.`,
    settings: [
      'engine: `sqlite(file)` as it comes (WAL, synchronous=FULL), an account added and one `sync`; each message is parsed and stored as a draft with its history, and indexed for search behind it. `watch` is off, so that nothing but the round is measured. Compresses the line',
      'mbsync: isync from Debian, one channel into a Maildir, its defaults (FSync yes). Compresses the line',
      'offlineimap: offlineimap3 from Debian, one folder into a Maildir, its defaults. Cannot compress the line',
    ],
    tables: sizes.flatMap((size, index) => {
      const all = measured[index] ?? []
      const [engine] = all
      return [
        {
          caption: `${count(size)} drafts`,
          columns: [
            'client',
            'first sync, ms',
            'drafts/s',
            'engine ÷ this, time',
            'sent',
            'received',
            'round trips',
            'no change, ms',
            'no change, round trips',
          ],
          rows: all.map((one) => [
            one.title,
            count(median(one.firstMs)),
            count((size / median(one.firstMs)) * 1000),
            engine === undefined ? '' : ratio(median(engine.firstMs) / median(one.firstMs)),
            count(one.first.sent),
            count(one.first.received),
            count(one.first.roundTrips),
            count(median(one.againMs)),
            count(one.again.roundTrips),
          ]),
        },
      ]
    }),
    notes: [
      'Round trips: how often a client spoke after the server had; those of a login are among them. The engine still has its connection when it looks again.',
      ...notes,
    ],
  }
}
