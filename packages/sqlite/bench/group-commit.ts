import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'

import { sqlite } from '@everdraft/sqlite'

import { benchFolder } from '../../testkit/bench/real-disk.ts'
import { ratios, spread } from '../../testkit/bench/statistics.ts'
import { count, ratio, ratioWithSpread, type Section, type Suite, type Table } from '../../testkit/bench/suite.ts'
import { randomWords } from '../../testkit/bench/words.ts'
import { bareSaves } from './bare-saves.ts'
import { byHand, type Contestant, engineSaves } from './save-contestants.ts'
import { oneMillisecond, withSlowCommit } from './slow-disk.ts'

const drafts = 100
const concurrencies = [1, 10, 100] as const
type Concurrency = (typeof concurrencies)[number]

const plans = {
  full: { rounds: 9, saves: { 1: 300, 10: 1_000, 100: 2_000 } },
  quick: { rounds: 2, saves: { 1: 10, 10: 20, 100: 100 } },
} as const

const disks = [
  { name: 'this disk', isSlower: false, afterCommit: (): void => {} },
  { name: 'a disk whose fsync takes 1 ms more', isSlower: true, afterCommit: oneMillisecond },
] as const

/** What saves at the same time gain by sharing a commit. The peer is the same side, one save at a time. */
export const groupCommit: Suite = {
  name: 'group-commit',
  async run({ quick, say }) {
    const plan = quick ? plans.quick : plans.full
    await using folder = await benchFolder()
    const tables: Table[] = []
    const notes: string[] = []
    for (const [index, disk] of disks.entries()) {
      say(disk.name)
      const file = (name: string): string => join(folder.path, `${index}-${name}.db`)
      const sides: readonly (readonly Contestant[])[] = [
        await everyConcurrency(engineSaves(withSlowCommit(sqlite(file('engine')), disk.afterCommit), drafts)),
        [
          await byHand(file('each'), drafts, 'each', disk.afterCommit),
          ...(await everyConcurrency(byHand(file('together'), drafts, 'together', disk.afterCommit))).slice(1),
        ],
        await everyConcurrency(Promise.resolve(bareSaves(file('bare'), drafts, disk.afterCommit))),
      ]
      try {
        const measured = await measure(sides, plan)
        tables.push(tableOf(disk.name, sides, measured))
        if (disk.isSlower) notes.push(boundOf(measured))
      } finally {
        for (const contestant of new Set(sides.flat())) await contestant.close()
      }
    }
    return section({ tables, notes }, { rounds: plan.rounds, fileSystem: folder.fileSystem })
  },
}

/** One contestant, at each concurrency. */
async function everyConcurrency(contestant: Promise<Contestant>): Promise<readonly Contestant[]> {
  const one = await contestant
  return concurrencies.map(() => one)
}

type Rates = readonly (readonly number[])[]

/** Saves in a second, by side and concurrency, one for each round. Each round begins elsewhere. */
async function measure(
  sides: readonly (readonly Contestant[])[],
  plan: { readonly rounds: number; readonly saves: Readonly<Record<Concurrency, number>> },
): Promise<readonly Rates[]> {
  const base = randomWords(4_084)
  let saved = 0
  const nextText = (): string => `${(saved += 1).toString().padStart(11)} ${base}`
  const rates = sides.map(() => concurrencies.map((): number[] => []))
  const turns = sides.flatMap((side, sideIndex) =>
    concurrencies.map((concurrency, place) => ({ contestant: side[place], concurrency, sideIndex, place })),
  )
  for (let round = 0; round <= plan.rounds; round += 1) {
    for (let turn = 0; turn < turns.length; turn += 1) {
      const taken = turns[(round + turn) % turns.length]
      if (taken?.contestant === undefined) continue
      const { contestant, concurrency, sideIndex, place } = taken
      let elapsed = 0
      for (let done = 0; done < plan.saves[concurrency]; done += concurrency) {
        const texts = Array.from({ length: concurrency }, nextText)
        const started = performance.now()
        await contestant.save(texts)
        elapsed += performance.now() - started
      }
      // Round 0 warms up.
      if (round > 0) rates[sideIndex]?.[place]?.push((plan.saves[concurrency] / elapsed) * 1000)
      await setImmediate()
    }
  }
  return rates
}

const sideNames = ['engine', 'by hand', 'the barest rows']

function tableOf(disk: string, sides: readonly (readonly Contestant[])[], measured: readonly Rates[]): Table {
  return {
    caption: `On ${disk}`,
    columns: ['', 'at a time', 'saves/s', '÷ one at a time (min–max)'],
    rows: sides.flatMap((_side, index) => {
      const rates = measured[index] ?? []
      return concurrencies.map((concurrency, place) => {
        const own = rates[place] ?? []
        const gain = place === 0 ? '1' : ratioWithSpread(ratios(own, rates[0] ?? []))
        return [sideNames[index] ?? '', String(concurrency), count(spread(own).median), gain]
      })
    }),
  }
}

/** What is wanted of 100 at a time on the slower disk, in saves one at a time. */
const wantedGain = 25

/** What a save costs beside the disk bounds what sharing a commit gains. */
function boundOf(measured: readonly Rates[]): string {
  const [, handwritten = [], barest = []] = measured
  const micros = (rates: Rates, place: number): number => 1e6 / spread(rates[place] ?? []).median
  const one = micros(handwritten, 0)
  const gain = ratios(barest[2] ?? [], barest[0] ?? []).median
  return `On the slower disk ${wantedGain} times is wanted of 100 at a time. One by one, a save by hand takes ${count(one)} µs there: ${wantedGain} times would be ${count(one / wantedGain)} µs for each of 100, and the same rows take ${count(micros(handwritten, 2))} µs by hand. The barest rows, which have no history by draft, no order for lists and no event, gain ${ratio(gain)} times.`
}

function section(
  { tables, notes }: Pick<Section, 'tables' | 'notes'>,
  { rounds, fileSystem }: { readonly rounds: number; readonly fileSystem: string },
): Section {
  return {
    title: 'Saves at the same time',
    intro: `A 4 KiB text that changes each time. The engine lets saves that arrive together share a commit; each fails by itself, and is acknowledged after the COMMIT. Medians over ${rounds} rounds in turns.`,
    settings: [
      'both sides as above; by hand, more than one at a time is one transaction for all: one that fails takes the others with it',
      'the barest rows: better-sqlite3 in the same way on three tables without an index: the draft, a line of history, the time of its upload; all in one transaction',
      'the slower disk: the thread blocks for a millisecond after each COMMIT, before it is answered, on both sides alike',
      `${drafts} drafts each, all files in one folder on ${fileSystem}`,
    ],
    tables,
    notes,
  }
}
