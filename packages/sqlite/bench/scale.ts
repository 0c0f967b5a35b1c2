import { join } from 'node:path'

import { type AccountId, createEngine, type Engine, type Umid } from '@everdraft/core'
import { sqlite } from '@everdraft/sqlite'

import { benchFolder } from '../../testkit/bench/real-disk.ts'
import { quantile, ratios, spread } from '../../testkit/bench/statistics.ts'
import { count, ratioWithSpread, type Section, type Suite } from '../../testkit/bench/suite.ts'
import { randomWords } from '../../testkit/bench/words.ts'
import { account, noUploads, unreachable } from './unreachable.ts'

const plans = {
  full: { few: 1_000, many: 10_000, rounds: 7, calls: 60 },
  quick: { few: 50, many: 100, rounds: 2, calls: 5 },
} as const

/** What the number of drafts does to reading and saving. The peer is the same engine with a tenth of the drafts. */
export const scale: Suite = {
  name: 'scale',
  async run({ quick, say }) {
    const { few, many, rounds, calls } = quick ? plans.quick : plans.full
    await using folder = await benchFolder()
    say(`filling two stores with ${count(few)} and ${count(many)} drafts`)
    await using small = await fill(join(folder.path, 'small.db'), few)
    await using large = await fill(join(folder.path, 'large.db'), many)
    const rows: (readonly string[])[] = []
    for (const { name, act } of operations) {
      say(name)
      const smallMs: number[] = []
      const largeMs: number[] = []
      for (let round = 0; round <= rounds; round += 1) {
        const sides = [
          { store: small, medians: smallMs },
          { store: large, medians: largeMs },
        ]
        for (const { store, medians } of round % 2 === 0 ? sides : sides.toReversed()) {
          const median = await medianMs(() => act(store), calls)
          if (round > 0) medians.push(median)
        }
      }
      rows.push([name, micros(smallMs), micros(largeMs), ratioWithSpread(ratios(largeMs, smallMs))])
    }
    return section(rows, { few, many, rounds, calls })
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

/** Drafts of 4 KiB that all wait for their upload, as after a time offline. */
async function fill(file: string, drafts: number): Promise<Filled> {
  const engine = await createEngine({ storage: sqlite(file), mailbox: unreachable(), timing: noUploads })
  const { id: accountId } = await engine.accounts.add(account)
  const base = randomWords(4_000)
  const ids: Umid[] = []
  let texts = 0
  while (ids.length < drafts) {
    const batch = Array.from({ length: Math.min(100, drafts - ids.length) }, () =>
      engine.drafts.create({ accountId, to: 'bob@example.org', subject: 'A letter', text: base }),
    )
    ids.push(...(await Promise.all(batch)).map(({ id }) => id))
  }
  let turn = 0
  return {
    engine,
    accountId,
    nextDraft() {
      // A stride that is prime to both sizes: neighbours in the file do not follow each other.
      turn = (turn + 7_919) % ids.length
      const id = ids[turn]
      if (id === undefined) throw new RangeError('no drafts')
      return id
    },
    nextText: () => `${(texts += 1)} ${base}`,
    [Symbol.asyncDispose]: () => engine.close(),
  }
}

async function medianMs(act: () => Promise<unknown>, calls: number): Promise<number> {
  const times: number[] = []
  for (let call = 0; call < calls; call += 1) {
    const started = performance.now()
    await act()
    times.push(performance.now() - started)
  }
  return quantile(times, 0.5)
}

function section(
  rows: readonly (readonly string[])[],
  plan: { readonly few: number; readonly many: number; readonly rounds: number; readonly calls: number },
): Section {
  return {
    title: 'Many drafts',
    intro: `Drafts of 4 KiB in one account that all wait for their upload, as after a time offline. Medians of ${plan.rounds} rounds of ${plan.calls} calls in turns. The peer is the engine itself with fewer drafts: what costs the same at any size has the ratio 1.`,
    settings: ['both: `sqlite(file)` as it comes, a server that refuses, uploads an hour away'],
    tables: [
      {
        caption: 'One call at a time',
        columns: ['', `${count(plan.few)} drafts, µs`, `${count(plan.many)} drafts, µs`, 'many ÷ few (min–max)'],
        rows,
      },
    ],
    notes: [],
  }
}
