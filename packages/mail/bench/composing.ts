import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

import { createEngine, type EngineEvent } from '@everdraft/core'
import { imap } from '@everdraft/mail'
import { createMailServer } from '@everdraft/mailserver'
import { createProxy } from '@everdraft/testkit'

// The store is no dependency of this package: it is taken through its own door.
import { sqlite } from '../../sqlite/src/index.ts'
import { prose } from '../../testkit/bench/prose.ts'
import { benchFolder } from '../../testkit/bench/real-disk.ts'
import { quantile } from '../../testkit/bench/statistics.ts'
import { count, ratio, type Section, type Suite } from '../../testkit/bench/suite.ts'

/** How somebody writes a mail. */
export interface Trace {
  readonly seed: number
  readonly minutes: number
  readonly saves: number
  readonly attachmentBytes: number
  /** Seconds of the trace for each that passes. */
  readonly speed: number
}

const plans = {
  full: { seed: 7, minutes: 10, saves: 120, attachmentBytes: 10 * 1024 * 1024, speed: 10 },
  quick: { seed: 7, minutes: 1, saves: 12, attachmentBytes: 512 * 1024, speed: 20 },
} as const

/** The default of `timing.uploadDelayMs`. */
const debounceMs = 1_500

type Without = NonNullable<Parameters<typeof createMailServer>[0]['without']>

const lines: readonly { readonly title: string; readonly without: Without }[] = [
  { title: 'plain: APPEND', without: ['CATENATE', 'REPLACE', 'BINARY', 'COMPRESS=DEFLATE'] },
  { title: 'BINARY, no CATENATE', without: ['CATENATE', 'REPLACE', 'COMPRESS=DEFLATE'] },
  { title: 'CATENATE', without: ['BINARY', 'COMPRESS=DEFLATE'] },
]

export interface Composed {
  readonly title: string
  /** RFC822.SIZE of what lies on the server in the end. */
  readonly messageBytes: number
  readonly sentBytes: number
  readonly uploads: number
  /** From the last save before a pause to its copy on the server, while there is no attachment. */
  readonly textDelaysMs: readonly number[]
}

/** What goes over the line while somebody writes a mail, until it is closed. */
export const composing: Suite = {
  name: 'composing',
  async run({ quick, say }) {
    const trace = quick ? plans.quick : plans.full
    const composed = await Promise.all(lines.map(({ title, without }) => compose(trace, title, without)))
    for (const { title, sentBytes, messageBytes } of composed) say(`${title}: ${ratio(sentBytes / messageBytes)}`)
    return section(trace, composed)
  },
}

interface Save {
  readonly atMs: number
  readonly text: string
  /** The next save is far away. */
  readonly isPause: boolean
}

/** Bursts of saves some seconds apart, and pauses as people make them. */
function savesOf({ seed, minutes, saves }: Trace): readonly Save[] {
  let state = seed
  // A linear congruential generator (Numerical Recipes).
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  // One in eight is followed by a pause, which is ten times as long.
  const gaps = Array.from({ length: saves }, () => (next() < 1 / 8 ? 10 : 1) * (0.5 + next()))
  const all = gaps.reduce((sum, gap) => sum + gap, 0)
  const text = prose(4_000, seed)
  let atMs = 0
  return gaps.map((gap, index) => {
    const gapMs = (gap / all) * minutes * 60_000
    const save = { atMs, text: text.slice(0, Math.ceil(((index + 1) / saves) * text.length)), isPause: gapMs > 4_500 }
    atMs += gapMs
    return save
  })
}

export async function compose(trace: Trace, title: string, without: Without): Promise<Composed> {
  const { speed, attachmentBytes } = trace
  await using folder = await benchFolder()
  const user = { name: 'ann', password: 'secret', address: 'ann@example.org' }
  const server = createMailServer({ users: [user], without })
  await server.listen()
  const proxy = await createProxy({ target: { host: '127.0.0.1', port: server.imapPort } })
  const began = Date.now()
  const now = (): number => began + Math.round((Date.now() - began) * speed)
  const engine = await createEngine({
    storage: sqlite(join(folder.path, 'everdraft.db')),
    mailbox: imap(),
    watch: false,
    environment: {
      now,
      schedule(delayMs, action) {
        const timer = setTimeout(action, delayMs / speed)
        return () => clearTimeout(timer)
      },
    },
  })
  try {
    const events: EngineEvent[] = []
    const heardAt = new Map<EngineEvent, number>()
    engine.subscribe({}, (event) => {
      events.push(event)
      heardAt.set(event, now())
    })
    const { id: accountId } = await engine.accounts.add({
      address: user.address,
      imap: { host: '127.0.0.1', port: proxy.port, security: 'none', user: user.name, password: user.password },
    })
    await engine.sync(accountId)
    const mark = proxy.mark()
    const { id } = await engine.drafts.create({ accountId, to: 'Bob Example <bob@example.com>', subject: 'A letter' })
    const start = now()
    const saves = savesOf(trace)
    const attachAt = Math.floor(saves.length * 0.4)
    const pauses: { readonly version: number; readonly savedAt: number }[] = []
    for (const [index, { atMs, text, isPause }] of saves.entries()) {
      await wait(Math.max(0, (start + atMs - now()) / speed))
      const draft = await engine.drafts.save(id, { text })
      if (isPause && index < attachAt) pauses.push({ version: draft.version, savedAt: now() })
      if (index === attachAt) {
        await engine.drafts.attach(id, { filename: 'scan.bin', content: randomBytes(attachmentBytes) })
      }
    }
    // Closing the composer: somebody waits, whatever it costs.
    await engine.drafts.flush(id)
    await engine.sync(accountId)
    const uploads = events.filter((event) => event.type === 'upload-finished')
    const textDelaysMs = pauses.map(({ version, savedAt }) => {
      const upload = uploads.find((event) => event.version >= version)
      const delayMs = upload === undefined ? Infinity : (heardAt.get(upload) ?? Infinity) - savedAt
      // Waiting passes faster, work does not.
      return debounceMs + (delayMs - debounceMs) / speed
    })
    const messageBytes = await storedBytes({ host: '127.0.0.1', port: server.imapPort, ...user })
    return { title, messageBytes, sentBytes: proxy.since(mark).toServer, uploads: uploads.length, textDelaysMs }
  } finally {
    await engine.close()
    await proxy.close()
    await server.close()
  }
}

async function storedBytes(at: {
  readonly host: string
  readonly port: number
  readonly name: string
  readonly password: string
}): Promise<number> {
  const settings = { host: at.host, port: at.port, security: 'none', user: at.name, password: at.password } as const
  const session = await imap().connect(settings, { signal: new AbortController().signal, timeoutMs: 30_000 })
  try {
    await session.select('Drafts' as never)
    const copies = await session.identities(await session.uids())
    const [copy] = copies
    if (copy === undefined || copies.length > 1) throw new Error(`${copies.length} copies instead of one`)
    return copy.size
  } finally {
    await session.close()
  }
}

function section({ minutes, saves, attachmentBytes, speed }: Trace, composed: readonly Composed[]): Section {
  return {
    title: 'Composing',
    intro: `Somebody writes for ${minutes} minutes: ${saves} auto-saves in bursts and pauses, one attachment of ${count(attachmentBytes / 1024)} KiB after two fifths of them, and the composer is closed in the end. The same trace each time; it passes ${speed} times as fast. Bytes from client to server, counted by a proxy.`,
    settings: [
      'engine: `sqlite(file)` and timing as they come; no compression on the line',
      'server: the embedded mail server, with and without CATENATE and BINARY',
    ],
    tables: [
      {
        caption: 'From the first save to the closed composer',
        columns: [
          'server',
          'message',
          'sent',
          'sent ÷ message',
          'uploads',
          'text on the server after a pause begins, p95 ms',
        ],
        rows: composed.map(({ title, messageBytes, sentBytes, uploads, textDelaysMs }) => [
          title,
          count(messageBytes),
          count(sentBytes),
          ratio(sentBytes / messageBytes),
          count(uploads),
          textDelaysMs.length === 0 ? '' : count(quantile(textDelaysMs, 0.95)),
        ]),
      },
    ],
    notes: [],
  }
}
