import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

import { type AccountId, createEngine, type Engine, type Umid } from '@everdraft/core'
import { imap, smtp } from '@everdraft/mail'
import { createTransport } from 'nodemailer'

// The store is no dependency of this package: it is taken through its own door.
import { type DraftToSend, handwrittenSends } from '../../sqlite/bench/handwritten-sends.ts'
import { sqlite } from '../../sqlite/src/index.ts'
import { prose } from '../../testkit/bench/prose.ts'
import { benchFolder } from '../../testkit/bench/real-disk.ts'
import { quantile, ratios, spread, type Spread } from '../../testkit/bench/statistics.ts'
import { count, ratio, ratioWithSpread, type Section, type Suite } from '../../testkit/bench/suite.ts'

const plans = {
  full: { accounts: 100, mails: 1_000, rounds: 11, single: 200 },
  quick: { accounts: 5, mails: 20, rounds: 1, single: 5 },
} as const

const textBytes = 2_300
/** With header and transfer encoding. */
const mailBytes = 2_800
const hourMs = 3_600_000
const targetMs = 25
const targetRatio = 0.7

/** How soon a mail is taken, and how many are in a second, with everything durable. */
export const sending: Suite = {
  name: 'sending',
  async run({ quick, say }) {
    const plan = quick ? plans.quick : plans.full
    await using sink = await openSink(plan.accounts)
    const acceptedMs = await oneByOne(sink, plan.single)
    say(`one by one: p95 ${ratio(quantile(acceptedMs, 0.95))} ms`)
    const engineRates: number[] = []
    const poolRates: number[] = []
    const rowsRates: number[] = []
    for (let round = 0; round < plan.rounds; round += 1) {
      // In turns, and each time the other first.
      const sides = [
        async () => void engineRates.push(await engineRate(sink, plan)),
        async () => void poolRates.push(await poolRate(sink, plan)),
        async () => void rowsRates.push(await rowsRate(sink, plan)),
      ]
      for (const side of round % 2 === 0 ? sides : sides.toReversed()) await side()
      const [engine, pool, rows] = [engineRates, poolRates, rowsRates].map((rates) => count(rates.at(-1) ?? 0))
      say(`round ${round + 1}: engine ${engine}/s, pool ${pool}/s, rows by hand ${rows}/s`)
    }
    return section(plan, acceptedMs, { engineRates, poolRates, rowsRates })
  },
}

interface Sink extends AsyncDisposable {
  readonly port: number
  taken(): Promise<number>
}

async function openSink(users: number): Promise<Sink> {
  const child = fork(join(import.meta.dirname, 'sending-sink.ts'), [String(users)])
  const [{ port }] = (await once(child, 'message')) as [{ readonly port: number }]
  return {
    port,
    async taken() {
      child.send('taken')
      const [{ taken }] = (await once(child, 'message')) as [{ readonly taken: number }]
      return taken
    },
    async [Symbol.asyncDispose]() {
      child.disconnect()
      await once(child, 'exit')
    },
  }
}

interface Sender extends AsyncDisposable {
  readonly engine: Engine
  readonly file: string
  account(index: number): Promise<AccountId>
  draft(accountId: AccountId, index: number): Promise<Umid>
  /** When that many more were accepted. */
  accepted(mails: number): Promise<void>
}

async function openSender({ port }: Sink): Promise<Sender> {
  const folder = await benchFolder()
  const file = join(folder.path, 'everdraft.db')
  const engine = await createEngine({
    storage: sqlite(file),
    mailbox: imap(),
    submission: smtp(),
    watch: false,
    probe: false,
    // Drafts that were only just written are on no server yet.
    timing: { uploadDelayMs: hourMs, longestUploadDelayMs: hourMs },
  })
  let left = 0
  let reached = Promise.withResolvers<void>()
  engine.subscribe({}, (event) => {
    if (event.type !== 'send-status-changed' || event.phase !== 'accepted') return
    left -= 1
    if (left === 0) reached.resolve()
  })
  const login = { host: '127.0.0.1', security: 'none', password: 'secret' } as const
  return {
    engine,
    file,
    async account(index) {
      const user = `u${index}`
      const added = await engine.accounts.add({
        address: `${user}@example.org`,
        // Nobody listens there: the copy in Sent waits.
        imap: { ...login, port: 9, user },
        smtp: { ...login, port, user },
      })
      return added.id
    },
    async draft(accountId, index) {
      const text = prose(textBytes, index)
      const draft = await engine.drafts.create({ accountId, to: 'bob@example.com', subject: `Letter ${index}`, text })
      return draft.id
    },
    async accepted(mails) {
      left = mails
      reached = Promise.withResolvers()
      await reached.promise
    },
    async [Symbol.asyncDispose]() {
      await engine.close()
      await folder[Symbol.asyncDispose]()
    },
  }
}

async function oneByOne(sink: Sink, mails: number): Promise<readonly number[]> {
  await using sender = await openSender(sink)
  const accountId = await sender.account(0)
  const times: number[] = []
  for (let index = 0; index < mails + warmUps; index += 1) {
    const id = await sender.draft(accountId, index)
    // At rest: nothing of what came before still goes on.
    await wait(20)
    const accepted = sender.accepted(1)
    const started = performance.now()
    await sender.engine.drafts.send(id)
    await accepted
    if (index >= warmUps) times.push(performance.now() - started)
  }
  return times
}

/** The first ones compile the code and make the connection. */
const warmUps = 5

type Plan = (typeof plans)[keyof typeof plans]

async function draftsOf(sender: Sender, { accounts, mails }: Plan): Promise<readonly DraftToSend[]> {
  const drafts: DraftToSend[] = []
  for (let account = 0; account < accounts; account += 1) {
    const accountId = await sender.account(account)
    for (let index = 0; index < mails / accounts; index += 1) {
      drafts.push({ accountId, id: await sender.draft(accountId, index) })
    }
  }
  return drafts
}

async function engineRate(sink: Sink, plan: Plan): Promise<number> {
  const { mails } = plan
  await using sender = await openSender(sink)
  const drafts = await draftsOf(sender, plan)
  // What was just written is indexed first.
  await sender.engine.housekeep()
  const before = await sink.taken()
  const accepted = sender.accepted(mails)
  const started = performance.now()
  await Promise.all(drafts.map(({ id }) => sender.engine.drafts.send(id)))
  await accepted
  const seconds = (performance.now() - started) / 1000
  await mustHaveTaken(sink, before + mails)
  return mails / seconds
}

/** What the same rows cost alone, in a file that an engine has made. */
async function rowsRate(sink: Sink, plan: Plan): Promise<number> {
  await using sender = await openSender(sink)
  const drafts = await draftsOf(sender, plan)
  await sender.engine.close()
  // Of each account one after the other, as its lane takes them.
  const perAccount = plan.mails / plan.accounts
  const inTurn = Array.from({ length: perAccount }, (_, turn) => drafts.filter((__, at) => at % perAccount === turn))
  return handwrittenSends(sender.file, inTurn.flat(), mailBytes)
}

async function poolRate(sink: Sink, { accounts, mails }: Plan): Promise<number> {
  const pool = createTransport({
    pool: true,
    host: '127.0.0.1',
    port: sink.port,
    secure: false,
    maxConnections: accounts,
    maxMessages: Infinity,
    auth: { user: 'u0', pass: 'secret' },
  })
  const texts = Array.from({ length: mails / accounts }, (_, index) => prose(textBytes, index))
  const before = await sink.taken()
  const started = performance.now()
  const all = Array.from({ length: mails }, (_, index) =>
    pool.sendMail({
      from: 'u0@example.org',
      to: 'bob@example.com',
      subject: `Letter ${index}`,
      text: texts[index % texts.length] ?? '',
    }),
  )
  await Promise.all(all)
  const seconds = (performance.now() - started) / 1000
  pool.close()
  await mustHaveTaken(sink, before + mails)
  return mails / seconds
}

async function mustHaveTaken(sink: Sink, expected: number): Promise<void> {
  const taken = await sink.taken()
  if (taken !== expected) throw new Error(`the sink has taken ${taken} mails instead of ${expected}`)
}

function section(
  { accounts, mails, single, rounds }: Plan,
  acceptedMs: readonly number[],
  { engineRates, poolRates, rowsRates }: Readonly<Record<'engineRates' | 'poolRates' | 'rowsRates', readonly number[]>>,
): Section {
  const both = ratios(engineRates, poolRates)
  // Of the time of a mail: by the pool, and then its rows.
  const oneThenTheOther = poolRates.map((pool, round) => 1 / (1 / pool + 1 / (rowsRates[round] ?? 0)))
  return {
    title: 'Sending',
    intro: `Mails of ${count(textBytes)} bytes of text to a sink on loopback, in a process of its own, that asks for a login and keeps what it takes in memory.`,
    settings: [
      'engine: `sqlite(file)`, `smtp()`, one connection for each account, each step of a send durable before the next. The server of the mailboxes is down: no copy is filed in Sent meanwhile',
      `pool: nodemailer with \`pool: true\` and ${count(accounts)} connections, and nothing that would survive its process`,
      'the same rows by hand: what the engine writes of a mail from the consent to the answer (the send, the draft, the task, the bytes, the events; four writes of each send, 60 mails to a commit), without a read, a check, a message and a connection',
    ],
    tables: [
      {
        caption: `From \`send\` to the answer that the server has taken it, one after another, ${count(single)} times, in ms`,
        columns: ['p50', 'p95', `target for p95`],
        rows: [[ratio(quantile(acceptedMs, 0.5)), ratio(quantile(acceptedMs, 0.95)), `≤ ${targetMs}`]],
      },
      {
        caption: `${count(mails)} mails over ${count(accounts)} accounts at once, ${rounds} rounds in turns, mails per second`,
        columns: ['side', 'mails/s', '÷ pool', 'target'],
        rows: [
          ['engine', rate(spread(engineRates)), ratioWithSpread(both), `≥ ${targetRatio}`],
          ['pool', rate(spread(poolRates)), '', ''],
          ['the same rows by hand, and no mail', rate(spread(rowsRates)), '', ''],
          [
            'pool, then these rows',
            rate(spread(oneThenTheOther)),
            ratioWithSpread(ratios(oneThenTheOther, poolRates)),
            '',
          ],
        ],
      },
    ],
    notes: [
      'The target leaves 0.43 of the time that the pool takes for a mail to all that makes it durable. The last row is what a mail costs that is sent by the pool and written down by hand, one after the other on one thread; the engine also reads and checks. SQLite takes about a third of the CPU of a mail, the sockets a sixth, the message a fifteenth.',
    ],
  }
}

function rate({ median, min, max }: Spread): string {
  return `${count(median)} (${count(min)}–${count(max)})`
}
