import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

import { createEngine, type EngineEvent } from '@everdraft/core'
import { imap } from '@everdraft/mail'
import { connectRaw, type RawImap, type ServerName, startServer } from '@everdraft/testkit'

// The store is no dependency of this package: it is taken through its own door.
import { sqlite } from '../../sqlite/src/index.ts'
import { benchFolder } from '../../testkit/bench/real-disk.ts'
import { quantile } from '../../testkit/bench/statistics.ts'
import { count, type Section, type Suite } from '../../testkit/bench/suite.ts'
import { onEachServer } from './on-each-server.ts'

const longestMs = 10_000

/** To see what one takes. */
const commands = 9

const servers: readonly (readonly [ServerName, string])[] = [
  ['dovecot24', 'Dovecot 2.4'],
  ['cyrus310', 'Cyrus 3.10'],
  ['greenmail', 'GreenMail'],
]

interface Measured {
  readonly title: string
  /** From the mail in INBOX to the responder that is asked. */
  readonly askedMs: readonly number[]
  /** From its answer to the draft on the server. */
  readonly draftedMs: readonly number[]
  readonly allMs: readonly number[]
  /** From the mail in INBOX to the word of it on a bare connection that does nothing but IDLE. */
  readonly pushedMs: readonly number[]
  /** A command with an answer of several lines, on a bare connection: some servers wait between the lines. */
  readonly commandMs: readonly number[]
}

/** How long it takes from a mail in INBOX to the draft on the server that answers it, without the time of the responder. */
export const answering: Suite = {
  name: 'answering',
  async run({ quick, say }) {
    const rounds = quick ? 1 : 30
    // The others take their time to start, and show nothing more of whether it works.
    const { measured, missing } = await onEachServer(quick ? servers.slice(0, 1) : servers, say, (name) =>
      measure(name, rounds),
    )
    return section(rounds, measured, missing)
  },
}

async function measure(name: ServerName, rounds: number): Promise<Omit<Measured, 'title'>> {
  await using folder = await benchFolder()
  const server = await startServer(name)
  const user = server.user()
  let askedAt = 0
  const engine = await createEngine({
    storage: sqlite(join(folder.path, 'everdraft.db')),
    mailbox: imap(),
    responders: {
      modules: {
        bench: ({ message }) => {
          askedAt = performance.now()
          return { text: `Thank you for ${message.subject}.` }
        },
      },
    },
  })
  let hear: ((event: EngineEvent) => void) | null = null
  engine.subscribe({}, (event) => hear?.(event))
  const raw = await connectRaw({ host: server.host, port: server.imapPort })
  const listener = await connectRaw({ host: server.host, port: server.imapPort })
  try {
    await raw.login(user)
    await listener.login(user)
    await listener.select('INBOX')
    await listener.idle()
    const { id: accountId } = await engine.accounts.add({
      address: user.address,
      imap: { host: server.host, port: server.imapPort, security: 'none', user: user.user, password: user.password },
    })
    await engine.sync(accountId)
    await engine.responders.set(accountId, { module: 'bench', hourlyLimit: 10_000 })
    await engine.sync(accountId)
    // Until it listens.
    await wait(1_500)
    const askedMs: number[] = []
    const draftedMs: number[] = []
    const allMs: number[] = []
    const pushedMs: number[] = []
    const commandMs: number[] = []
    for (let turn = 0; turn < commands; turn += 1) {
      const from = performance.now()
      await raw.ok('EXAMINE INBOX')
      commandMs.push(performance.now() - from)
    }
    // What the first one finds out of the server is of no later one.
    for (let round = -1; round < rounds; round += 1) {
      // Not in step with whatever the server does at intervals.
      await wait(700 + Math.random() * 300)
      const uploaded = Promise.withResolvers<void>()
      hear = (event) => {
        if (event.type === 'upload-finished') uploaded.resolve()
      }
      await raw.append(
        'INBOX',
        `From: bob@example.com\r\nDate: ${new Date().toUTCString()}\r\nSubject: mail ${round}\r\nMessage-ID: <${round}@example.com>\r\n\r\nwords\r\n`,
      )
      const cameAt = performance.now()
      const heard = heardAt(listener)
      await Promise.race([uploaded.promise, wait(longestMs, null, { ref: false })])
      const thereAt = performance.now()
      const pushedAt = await Promise.race([heard, wait(longestMs, Infinity, { ref: false })])
      if (round < 0) continue
      pushedMs.push(pushedAt - cameAt)
      askedMs.push(askedAt - cameAt)
      draftedMs.push(thereAt - askedAt)
      allMs.push(thereAt - cameAt)
    }
    return { askedMs, draftedMs, allMs, pushedMs, commandMs }
  } finally {
    raw.close()
    listener.close()
    await engine.close()
    await server.stop()
  }
}

/** When the server said that there is one more; what else it says in between is none of it. */
async function heardAt(listener: RawImap): Promise<number> {
  for (;;) {
    const { text } = await listener.nextLine()
    if (/^\* \d+ EXISTS/i.test(text)) return performance.now()
  }
}

function section(rounds: number, measured: readonly Measured[], missing: readonly string[]): Section {
  return {
    title: 'Answering',
    intro: `How long it takes from a mail in INBOX to the draft on the server that answers it, where the responder itself takes no time. ${rounds} mails each, one after another, on loopback.`,
    settings: [
      'engine: `sqlite(file)`, `imap()` and `watch` as they come, a responder in process',
      'bare: a connection beside it that does nothing but IDLE in INBOX, without any of our code. Servers push what comes in their own time; it is part of the time until the responder is asked. Until it is asked there are five commands in turn, and as many until the draft is there: what one takes on the bare connection stands before it (GreenMail waits between the lines of an answer until the one before was acknowledged)',
      'ours: of each mail the time in all, less that of the bare connection',
    ],
    tables: [
      {
        caption: 'Milliseconds',
        columns: [
          'server',
          'bare EXAMINE, p50',
          'bare push, p50',
          'p95',
          'until asked, p50',
          'p95',
          'from the answer to the draft, p50',
          'p95',
          'in all, p50',
          'in all, p95',
          'ours, p50',
          'ours, p95',
          'target for p95',
        ],
        rows: measured.map(({ title, askedMs, draftedMs, allMs, pushedMs, commandMs }) => {
          const oursMs = allMs.map((ms, at) => Math.max(0, ms - (pushedMs[at] ?? 0)))
          const times = [pushedMs, askedMs, draftedMs, allMs, oursMs]
          return [
            title,
            count(quantile(commandMs, 0.5)),
            ...times.flatMap((one) => [0.5, 0.95].map((at) => count(quantile(one, at)))),
            '≤ 400',
          ]
        }),
      },
    ],
    notes: missing.map((title) => `${title} was not measured: it cannot be had on the machine of this run.`),
  }
}
