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

const debounceMs = 200
const longestMs = 10_000

const servers: readonly (readonly [ServerName, string])[] = [
  ['dovecot24', 'Dovecot 2.4'],
  ['cyrus310', 'Cyrus 3.10'],
  ['greenmail', 'GreenMail'],
]

interface Measured {
  readonly title: string
  /** From the save to the new message in another client's folder. */
  readonly outMs: readonly number[]
  /** From another client's APPEND to the event of the draft. */
  readonly inMs: readonly number[]
  /** From the same APPEND to the EXISTS that a bare socket in IDLE is told. */
  readonly toldMs: readonly number[]
}

/** How long it takes until others see what was saved here, and until what others do is known here. */
export const latency: Suite = {
  name: 'latency',
  async run({ quick, say }) {
    const rounds = quick ? 1 : 20
    const { measured, missing } = await onEachServer(servers, say, (name) => measure(name, rounds))
    return section(rounds, measured, missing)
  },
}

async function measure(name: ServerName, rounds: number): Promise<Omit<Measured, 'title'>> {
  await using folder = await benchFolder()
  const server = await startServer(name)
  const user = server.user()
  const engine = await createEngine({
    storage: sqlite(join(folder.path, 'everdraft.db')),
    mailbox: imap(),
    timing: { uploadDelayMs: debounceMs },
  })
  let hear: ((event: EngineEvent) => void) | null = null
  engine.subscribe({}, (event) => hear?.(event))
  const raw = await connectRaw({ host: server.host, port: server.imapPort })
  const bare = await connectRaw({ host: server.host, port: server.imapPort })
  let tell: ((at: number) => void) | null = null
  try {
    await raw.login(user)
    if (server.supports.drafts === null) await raw.ok('CREATE Drafts')
    await raw.select('Drafts')
    await bare.login(user)
    await bare.select('Drafts')
    await bare.idle()
    void followNews(bare, (at) => tell?.(at))
    const { id: accountId } = await engine.accounts.add({
      address: user.address,
      imap: { host: server.host, port: server.imapPort, security: 'none', user: user.user, password: user.password },
    })
    const { id } = await engine.drafts.create({ accountId, to: 'Bob Example <bob@example.com>', subject: 'A letter' })
    await engine.drafts.flush(id)
    await engine.sync(accountId)
    // Until it listens.
    await wait(1_500)
    const outMs: number[] = []
    const inMs: number[] = []
    const toldMs: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      // Not in step with whatever the server does at intervals.
      await wait(400 + Math.random() * 300)
      await raw.ok('NOOP')
      const savedAt = performance.now()
      await engine.drafts.save(id, { text: `words ${round}\n` })
      await untilNew(raw)
      outMs.push(performance.now() - savedAt)
      await wait(700 + Math.random() * 300)
      const imported = Promise.withResolvers<void>()
      hear = (event) => {
        if (event.type === 'draft-imported') imported.resolve()
      }
      // It may be told before the one who stores it has its answer.
      const heard = Promise.withResolvers<number>()
      tell = heard.resolve
      await raw.append('Drafts', `Subject: letter ${round}\r\nMessage-ID: <${round}@example.com>\r\n\r\nwords\r\n`)
      const appendedAt = performance.now()
      await Promise.race([imported.promise, wait(longestMs, null, { ref: false })])
      inMs.push(performance.now() - appendedAt)
      const toldAt = await Promise.race([heard.promise, wait(longestMs, Infinity, { ref: false })])
      toldMs.push(Math.max(0, toldAt - appendedAt))
    }
    return { outMs, inMs, toldMs }
  } finally {
    raw.close()
    bare.close()
    await engine.close()
    await server.stop()
  }
}

/** Until the connection ends. */
async function followNews(idling: RawImap, onExists: (at: number) => void): Promise<void> {
  try {
    for (;;) if (/^\* \d+ EXISTS/.test((await idling.nextLine()).text)) onExists(performance.now())
  } catch {
    // It ended.
  }
}

/** Another client that asks all the time: what it does not see is not there. */
async function untilNew(raw: RawImap): Promise<void> {
  const until = performance.now() + longestMs
  while (performance.now() < until) {
    const { untagged } = await raw.ok('NOOP')
    if (untagged.some(({ text }) => /^\* \d+ EXISTS/.test(text))) return
    await wait(2)
  }
  throw new Error('no new message is to be seen')
}

/** Round by round. */
function beyond(ours: readonly number[], theirs: readonly number[]): readonly number[] {
  return ours.map((ms, round) => ms - (theirs[round] ?? 0))
}

function section(rounds: number, measured: readonly Measured[], missing: readonly string[]): Section {
  return {
    title: 'Latency',
    intro: `How long it takes until another client sees what was saved here, and until a message that another client stores is a draft here. ${rounds} times each, on loopback.`,
    settings: [
      `engine: \`sqlite(file)\`, \`imap()\` and \`watch\` as they come, a debounce of ${debounceMs} ms (by default 1,500)`,
      'the other client asks by NOOP every 2 ms; servers push what it stores in their own time',
      'a bare socket: logged in, Drafts selected, IDLE, and the time of the EXISTS; of the same messages. What the engine takes beyond it is its round: what is new is fetched, read, stored as a draft and told',
    ],
    tables: [
      {
        caption: 'Milliseconds',
        columns: [
          'server',
          'out, beyond the debounce, p50',
          'p95',
          'in, p50',
          'in, p95',
          'a bare socket in IDLE, p50',
          'p95',
          'in, beyond it, p50',
          'p95',
        ],
        rows: measured.map(({ title, outMs, inMs, toldMs }) => [
          title,
          count(quantile(outMs, 0.5) - debounceMs),
          count(quantile(outMs, 0.95) - debounceMs),
          count(quantile(inMs, 0.5)),
          count(quantile(inMs, 0.95)),
          count(quantile(toldMs, 0.5)),
          count(quantile(toldMs, 0.95)),
          count(quantile(beyond(inMs, toldMs), 0.5)),
          count(quantile(beyond(inMs, toldMs), 0.95)),
        ]),
      },
    ],
    notes: missing.map((title) => `${title} was not measured: it cannot be had on the machine of this run.`),
  }
}
