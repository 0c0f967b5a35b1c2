import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

import autocannon from 'autocannon'

import { quantile, ratios, spread } from '../../testkit/bench/statistics.ts'
import { count, ratio, ratioWithSpread, type Section, type Suite } from '../../testkit/bench/suite.ts'
import { randomWords } from '../../testkit/bench/words.ts'
import { type Memory, type Payloads, type Side, token } from './rest-side.ts'

const connections = 64
const drafts = 50
const textBytes = 4_096

const plans = {
  full: { warmUps: 1, rounds: 5, each: { duration: 3 }, requests: 100_000 },
  quick: { warmUps: 0, rounds: 1, each: { amount: 5 * connections }, requests: 1_000 },
} as const

/** Seconds, or requests. */
type Length = { readonly duration: number } | { readonly amount: number }

function lengthOf(each: Length): string {
  return 'duration' in each ? `${each.duration} s` : `${each.amount} requests`
}

interface Workload {
  readonly name: string
  readonly other: string
  /** Of the other side's requests per second, at least; null: it is measured, and that is all. */
  readonly wanted: number | null
  readonly query: string
  readonly method: 'GET' | 'POST'
  /** Meanwhile one draft is saved again and again, so that the daemon can give nearly no answer twice. */
  readonly saving: boolean
}

const list = { other: 'the same JSON', wanted: 0.6, query: '?limit=10', method: 'GET', saving: false } as const
const lists: readonly Workload[] = [
  { ...list, name: 'list of 10' },
  { ...list, name: 'list of 50', query: '?limit=50' },
  { ...list, name: 'list of 10 while a draft is saved', wanted: null, saving: true },
]
const create: Workload = {
  name: 'create, durable',
  other: 'an insert by hand',
  wanted: 0.5,
  query: '',
  method: 'POST',
  saving: false,
}
const workloads: readonly Workload[] = [...lists, create]

/** One side of one workload in one round. */
interface Turn {
  readonly perSecond: number
  readonly p99Ms: number
  /** That were not answered at all, as the machine was busy otherwise. */
  readonly unanswered: number
}

interface Contestant extends Side {
  readonly child: ChildProcess
}

/** What REST costs beyond the framework that it stands on, and whether requests leave anything behind. */
export const rest: Suite = {
  name: 'rest',
  async run({ quick, say }) {
    const plan = quick ? plans.quick : plans.full
    const engine = await begin('engine')
    const body = JSON.stringify({ to: 'bob@example.org', subject: 'A letter', text: randomWords(textBytes) })
    const payloads = await fill(engine, body)
    const bare = await begin('bare', payloads)
    try {
      const turns = new Map<Workload, { readonly ours: Turn[]; readonly theirs: Turn[] }>()
      for (const workload of workloads) {
        say(`${workload.name}, ${plan.rounds} rounds`)
        const ours: Turn[] = []
        const theirs: Turn[] = []
        // Each round begins with the other side.
        for (let round = 1 - plan.warmUps; round <= plan.rounds; round += 1) {
          const first = round % 2 === 0 ? engine : bare
          for (const side of [first, first === engine ? bare : engine]) {
            const saving = workload.saving && side === engine ? saveOn(engine, payloads.created.id) : null
            const turn = await take(side, workload, { body, each: plan.each })
            await saving?.end()
            if (round > 0) (side === engine ? ours : theirs).push(turn)
          }
        }
        turns.set(workload, { ours, theirs })
      }
      say(`${count(plan.requests)} requests`)
      const memory = await memoryOver(engine, { body, requests: plan.requests })
      return section(turns, memory, { ...plan, fileSystem: engine.fileSystem })
    } finally {
      for (const { child } of [engine, bare]) {
        const ended = once(child, 'exit')
        child.disconnect()
        await ended
      }
    }
  },
}

async function begin(name: 'engine' | 'bare', payloads: Payloads | null = null): Promise<Contestant> {
  const child = fork(join(import.meta.dirname, 'rest-side.ts'), [name], { execArgv: ['--expose-gc'] })
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the ${name} side ended with ${String(code)}`)
  })
  // It also ends when it is told to.
  ended.catch(() => {})
  const next = async (): Promise<unknown> => {
    const [message] = (await Promise.race([once(child, 'message'), ended])) as [unknown]
    return message
  }
  if (payloads !== null) {
    await next()
    child.send(payloads)
  }
  return { ...((await next()) as Side), child }
}

const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }

/** Drafts for the lists, and what the daemon says of them. */
async function fill({ url, path }: Contestant, body: string): Promise<Payloads> {
  const ask = async (query: string, init: RequestInit): Promise<unknown> => {
    const response = await fetch(`${url}${path}${query}`, { headers, ...init })
    if (!response.ok) throw new Error(`${response.status} of ${path}${query}`)
    return await response.json()
  }
  for (let made = 1; made < drafts; made += 1) await ask('', { method: 'POST', body })
  const created = (await ask('', { method: 'POST', body })) as Payloads['created']
  return { lists: { 10: await ask('?limit=10', {}), 50: await ask('?limit=50', {}) }, created }
}

async function take(
  { url, path }: Contestant,
  { query, method }: Workload,
  { body, each }: { readonly body: string; readonly each: Length },
): Promise<Turn> {
  return await fire({ url: `${url}${path}${query}`, method, headers, ...each, ...bodyOf(method, body) })
}

function bodyOf(method: string, body: string): { readonly body?: string } {
  return method === 'POST' ? { body } : {}
}

/** One save after the other, until it is ended. */
function saveOn({ url, path }: Contestant, id: string): { end(): Promise<void> } {
  const over = new AbortController()
  const save = async (body: string): Promise<void> => {
    const response = await fetch(`${url}${path}/${id}`, { method: 'PUT', headers, body })
    if (!response.ok) throw new Error(`${response.status} of a save: ${await response.text()}`)
    await response.arrayBuffer()
  }
  const saving = (async (): Promise<void> => {
    let saves = 0
    while (!over.signal.aborted) await save(JSON.stringify({ subject: `A letter, ${(saves += 1)}` }))
  })()
  return {
    async end() {
      over.abort()
      await saving
    },
  }
}

const longestWaitSeconds = 60

/** What is refused is a fault; what is not answered in time is the machine's, and is told. */
async function fire(options: autocannon.Options): Promise<Turn> {
  const refusals = new Set<string>()
  const setupClient = (client: autocannon.Client): void => {
    // A problem document, or Fastify's own: which of the answers it is, nothing else says.
    client.on('body', (body) => {
      if (body.length < 1_000 && /"(?:detail|message)":/.test(body.toString())) refusals.add(body.toString())
    })
  }
  const fired = { ...options, connections, timeout: longestWaitSeconds, setupClient }
  const { requests, duration, latency, errors, non2xx } = await autocannon(fired)
  if (non2xx > 0) throw new Error(`${non2xx} requests were refused: ${[...refusals].join('; ')}`)
  return { perSecond: requests.total / duration, p99Ms: latency.p99, unanswered: errors }
}

interface MemoryOver {
  readonly before: Memory
  readonly after: Memory
}

/** Nine lists for each draft that is made, as the store grows with those. */
async function memoryOver(
  side: Contestant,
  { body, requests }: { readonly body: string; readonly requests: number },
): Promise<MemoryOver> {
  const url = `${side.url}${side.path}`
  const run = async (amount: number): Promise<void> => {
    await fire({ url: `${url}?limit=10`, method: 'GET', headers, amount: Math.round(amount * 0.9) })
    await fire({ url, method: 'POST', headers, body, amount: Math.round(amount * 0.1) })
  }
  const ask = async (): Promise<Memory> => {
    const said = once(side.child, 'message')
    side.child.send('memory')
    const [memory] = (await said) as [Memory]
    return memory
  }
  // What is compiled and cached once is no leak.
  await run(Math.max(connections * 10, requests / 5))
  const before = await ask()
  await run(requests)
  return { before, after: await ask() }
}

function mebibytes(bytes: number): string {
  return ratio(bytes / 1024 / 1024)
}

function section(
  turns: ReadonlyMap<Workload, { readonly ours: readonly Turn[]; readonly theirs: readonly Turn[] }>,
  { before, after }: MemoryOver,
  plan: { readonly rounds: number; readonly each: Length; readonly requests: number; readonly fileSystem: string },
): Section {
  const rates = (of: readonly Turn[]): readonly number[] => of.map(({ perSecond }) => perSecond)
  const p99 = (of: readonly Turn[]): string =>
    count(
      quantile(
        of.map(({ p99Ms }) => p99Ms),
        0.5,
      ),
    )
  const notes = [...turns].flatMap(([{ name, wanted }, { ours, theirs }]) => {
    const { median } = ratios(rates(ours), rates(theirs))
    const unanswered = [...ours, ...theirs].reduce((sum, turn) => sum + turn.unanswered, 0)
    return [
      ...(wanted === null || median >= wanted
        ? []
        : [`${name}: ${ratio(median)} of the other side is less than the ${wanted} that was wanted.`]),
      ...(unanswered === 0
        ? []
        : [`${name}: ${count(unanswered)} requests had no answer within ${longestWaitSeconds} s, or were cut.`]),
    ]
  })
  return {
    title: 'REST',
    intro: `${connections} connections by autocannon, in a process of its own, which ask as fast as they are answered; medians over ${plan.rounds} rounds of ${lengthOf(plan.each)} in turns, after one of warming up.`,
    settings: [
      'daemon: as it comes, with its token, its checks of what goes in and out, its security headers and its metrics, and giving a list again until something is written, over the engine on `sqlite(file)`; uploads an hour away, no log',
      'the other side: a Fastify without any plugin. For the lists it has the daemon’s answer in memory and makes JSON of it each time; for the draft it stores the body as one row with one index by better-sqlite3 (WAL, synchronous=FULL, a commit each) and answers what the daemon did',
      `each draft has ${count(textBytes)} bytes of text; ${drafts} of them at first; files on ${plan.fileSystem}`,
    ],
    tables: [
      {
        caption: `${connections} connections`,
        columns: [
          '',
          'daemon, requests/s',
          'p99 ms',
          'the other side',
          'requests/s',
          'p99 ms',
          'daemon ÷ this (min–max)',
        ],
        rows: [...turns].map(([{ name, other }, { ours, theirs }]) => [
          name,
          count(spread(rates(ours)).median),
          p99(ours),
          other,
          count(spread(rates(theirs)).median),
          p99(theirs),
          ratioWithSpread(ratios(rates(ours), rates(theirs))),
        ]),
      },
      {
        caption: `Memory of the daemon after garbage collection, before and after ${count(plan.requests)} requests, a tenth of them new drafts`,
        columns: ['', 'before, MiB', 'after, MiB'],
        rows: [
          ['resident', mebibytes(before.residentBytes), mebibytes(after.residentBytes)],
          ['heap in use', mebibytes(before.heapBytes), mebibytes(after.heapBytes)],
        ],
      },
    ],
    notes,
  }
}
