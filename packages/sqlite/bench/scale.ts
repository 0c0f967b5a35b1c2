import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { type AccountId, createEngine, type Engine, type Umid } from '@everdraft/core'
import { sqlite } from '@everdraft/sqlite'

import { benchFolder } from '../../testkit/bench/real-disk.ts'
import { quantile, ratios, type Spread, spread } from '../../testkit/bench/statistics.ts'
import { count, ratio, ratioWithSpread, type Section, type Suite, type Table } from '../../testkit/bench/suite.ts'
import { randomWords } from '../../testkit/bench/words.ts'
import { account, noUploads, unreachable } from './unreachable.ts'

const plans = {
  full: { sizes: [1_000, 10_000, 100_000], rounds: 7, calls: 60 },
  quick: { sizes: [20, 50, 100], rounds: 2, calls: 5 },
} as const

/** What the number of drafts does to reading, searching and saving. The peer is the same engine with a tenth of the drafts. */
export const scale: Suite = {
  name: 'scale',
  async run({ quick, say }) {
    const { sizes, rounds, calls } = quick ? plans.quick : plans.full
    await using folder = await benchFolder()
    const vocabulary = makeVocabulary()
    await using stores = new AsyncDisposableStack()
    const filled: Filled[] = []
    const file = (drafts: number): string => join(folder.path, `${drafts}.db`)
    for (const drafts of sizes) {
      say(`filling a store with ${count(drafts)} drafts`)
      filled.push(stores.use(await fill(file(drafts), drafts, vocabulary)))
    }
    const rows: (readonly string[])[] = []
    for (const { name, act } of operations) {
      say(name)
      const medians = filled.map((): number[] => [])
      for (let round = 0; round <= rounds; round += 1) {
        for (let place = 0; place < filled.length; place += 1) {
          const index = (round + place) % filled.length
          const store = filled[index]
          if (store === undefined) continue
          const median = quantile(await timesMs(() => act(store), calls), 0.5)
          if (round > 0) medians[index]?.push(median)
        }
      }
      const [, many = [], most = []] = medians
      rows.push([name, ...medians.map(micros), ratioWithSpread(ratios(most, many))])
    }
    const largest = filled.at(-1)
    const most = sizes.at(-1)
    if (largest === undefined || most === undefined) throw new RangeError('no store')
    say('searching')
    const searches = await searchTable(largest, calls * rounds)
    await largest[Symbol.asyncDispose]()
    say('opening, by the built packages')
    await build()
    const opening = await openings(file(most), rounds)
    return section({ rows, searches, opening }, { sizes, rounds, calls })
  },
}

function micros(values: readonly number[]): string {
  return count(spread(values).median * 1000)
}

interface Filled extends AsyncDisposable {
  readonly engine: Engine
  readonly accountId: AccountId
  /** Another draft with each call. */
  readonly nextDraft: () => Umid
  /** Another text with each call. */
  readonly nextText: () => string
  readonly word: () => string
}

const operations: readonly { readonly name: string; readonly act: (store: Filled) => Promise<unknown> }[] = [
  {
    name: '`list({ limit: 10, accountId })`',
    act: ({ engine, accountId }) => engine.drafts.list({ limit: 10, accountId }),
  },
  { name: '`list({ limit: 10 })`', act: ({ engine }) => engine.drafts.list({ limit: 10 }) },
  { name: '`get(id)`', act: ({ engine, nextDraft }) => engine.drafts.get(nextDraft()) },
  {
    name: '`save(id, { text })`',
    act: ({ engine, nextDraft, nextText }) => engine.drafts.save(nextDraft(), { text: nextText() }),
  },
]

/** Words as often as in a language: the second half as often as the first, and so on. */
function makeVocabulary(): () => string {
  const words = [...new Set(randomWords(200_000).split(/\s+/))].slice(0, 20_000)
  return () => words[Math.floor(words.length ** Math.random()) - 1] ?? 'word'
}

function textOf(word: () => string, bytes: number): string {
  let text = word()
  while (text.length < bytes) text += ` ${word()}`
  return text
}

/** Drafts of 1 KiB that all wait for their upload, as after a time offline. All are in the index. */
async function fill(file: string, drafts: number, word: () => string): Promise<Filled> {
  const engine = await createEngine({ storage: sqlite(file), mailbox: unreachable(), timing: noUploads })
  const { id: accountId } = await engine.accounts.add(account)
  const ids: Umid[] = []
  while (ids.length < drafts) {
    const batch = Array.from({ length: Math.min(100, drafts - ids.length) }, () =>
      engine.drafts.create({ accountId, to: 'bob@example.org', subject: textOf(word, 40), text: textOf(word, 1_000) }),
    )
    ids.push(...(await Promise.all(batch)).map(({ id }) => id))
  }
  // Waits for the index.
  await engine.housekeep()
  let turn = 0
  let texts = 0
  let open = true
  return {
    engine,
    accountId,
    word,
    nextDraft() {
      // A stride that is prime to all sizes: neighbours in the file do not follow each other.
      turn = (turn + 7_919) % ids.length
      const id = ids[turn]
      if (id === undefined) throw new RangeError('no drafts')
      return id
    },
    nextText: () => `${(texts += 1)} ${textOf(word, 1_000)}`,
    async [Symbol.asyncDispose]() {
      if (open) await engine.close()
      open = false
    },
  }
}

async function timesMs(act: () => Promise<unknown>, calls: number): Promise<readonly number[]> {
  const times: number[] = []
  for (let call = 0; call < calls; call += 1) {
    const started = performance.now()
    await act()
    times.push(performance.now() - started)
  }
  return times
}

const queries: readonly { readonly name: string; readonly make: (word: () => string) => string }[] = [
  { name: 'a word of a draft', make: (word) => word() },
  { name: 'two words', make: (word) => `${word()} ${word()}` },
  { name: 'the first four letters of one', make: (word) => word().slice(0, 4) },
  { name: 'the first two letters of one', make: (word) => word().slice(0, 2) },
]

async function searchTable({ engine, accountId, word }: Filled, calls: number): Promise<Table> {
  const rows: (readonly string[])[] = []
  const all: number[] = []
  for (const { name, make } of queries) {
    const times = await timesMs(() => engine.drafts.search(make(word), { accountId, limit: 10 }), calls)
    all.push(...times)
    rows.push([name, ratio(quantile(times, 0.5)), ratio(quantile(times, 0.95))])
  }
  return {
    caption: 'Searching the most drafts, ten hits and the total',
    columns: ['', 'p50 ms', 'p95 ms'],
    rows: [...rows, ['all of them', ratio(quantile(all, 0.5)), ratio(quantile(all, 0.95))]],
  }
}

/** In a process of its own, as an application starts: milliseconds until the first list is there, and what it then holds. */
async function openings(file: string, rounds: number): Promise<Opening> {
  const listMs: number[] = []
  const againMs: number[] = []
  const idleBytes: number[] = []
  for (let round = 0; round <= rounds; round += 1) {
    const { stdout } = await promisify(execFile)(process.execPath, [
      fileURLToPath(new URL('open-and-list.js', import.meta.url)),
      file,
    ])
    const told = JSON.parse(stdout) as Record<'listMs' | 'againMs' | 'idleBytes', number>
    // Round 0 brings the file into the system's cache.
    if (round > 0) listMs.push(told.listMs)
    againMs.push(told.againMs)
    idleBytes.push(told.idleBytes)
  }
  return { listMs: spread(listMs), againMs: spread(againMs), idleBytes: spread(idleBytes) }
}

const root = fileURLToPath(new URL('../../..', import.meta.url))

async function build(): Promise<void> {
  await promisify(execFile)(join(root, 'node_modules/.bin/tsc'), ['-b'], { cwd: root })
}

interface Opening {
  /** Where the process has not run any of it before. */
  readonly listMs: Spread
  /** After it was closed, in the same process. */
  readonly againMs: Spread
  readonly idleBytes: Spread
}

function section(
  measured: { readonly rows: readonly (readonly string[])[]; readonly searches: Table; readonly opening: Opening },
  plan: { readonly sizes: readonly number[]; readonly rounds: number; readonly calls: number },
): Section {
  const { listMs, againMs, idleBytes } = measured.opening
  return {
    title: 'Many drafts',
    intro: `Drafts of 1 KiB in one account that all wait for their upload, as after a time offline, with the full-text index. Medians of ${plan.rounds} rounds of ${plan.calls} calls in turns. The peer is the engine itself with fewer drafts: what costs the same at any size has the ratio 1.`,
    settings: [
      'all: `sqlite(file)` as it comes, a server that refuses, uploads an hour away',
      'texts: words of 20,000, drawn so that the n-th is met about one n-th as often as the first',
    ],
    tables: [
      {
        caption: 'One call at a time',
        columns: ['', ...plan.sizes.map((size) => `${count(size)} drafts, µs`), 'most ÷ a tenth (min–max)'],
        rows: measured.rows,
      },
      measured.searches,
    ],
    notes: [
      `Opening the file with the most drafts and listing ten takes ${ratio(listMs.median)} ms (${ratio(listMs.min)}–${ratio(listMs.max)}) in a process that has just loaded the packages, and ${ratio(againMs.median)} ms (${ratio(againMs.min)}–${ratio(againMs.max)}) once it has done so before; the file is in the system's cache.`,
      `A process with an idle engine on it has ${count(idleBytes.median / 1_048_576)} MiB resident, Node's own included.`,
    ],
  }
}
