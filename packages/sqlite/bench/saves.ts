import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'

import { sqlite } from '@everdraft/sqlite'
import Database from 'better-sqlite3'

import { benchFolder } from '../../testkit/bench/real-disk.ts'
import { quantile, ratios, spread } from '../../testkit/bench/statistics.ts'
import { count, ratio, ratioWithSpread, type Section, type Suite, type Table } from '../../testkit/bench/suite.ts'
import { randomWords } from '../../testkit/bench/words.ts'
import { byHand, type Contestant, engineSaves, rawAppends } from './save-contestants.ts'

const textBytes = 4096
const drafts = 100
const concurrencies = [1, 10, 100] as const
/** Saves of each contestant in each round. Many short rounds: what else the machine does falls on both sides of most. */
const length = {
  1: { rounds: 101, perRound: 100 },
  10: { rounds: 25, perRound: 1_000 },
  100: { rounds: 25, perRound: 2_000 },
} as const
const quickLength = {
  1: { rounds: 2, perRound: 20 },
  10: { rounds: 2, perRound: 40 },
  100: { rounds: 2, perRound: 200 },
} as const

/** One contestant, one round. */
interface Turn {
  readonly savesPerSecond: number
  readonly p50: number
  readonly p99: number
}

/** How long a durable save takes, and how many fit into a second. */
export const saves: Suite = {
  name: 'saves',
  async run({ quick, say }) {
    await using folder = await benchFolder()
    const tables: Table[] = []
    const notes: string[] = []
    for (const concurrency of concurrencies) {
      const { rounds, perRound } = (quick ? quickLength : length)[concurrency]
      say(`${concurrency} at a time, ${rounds} rounds`)
      const contestants = await meet(folder.path, concurrency)
      try {
        const turns = await compete(contestants, { concurrency, perRound, rounds })
        tables.push(tableOf(contestants, turns, concurrency))
        notes.push(...slowness(contestants, turns, concurrency))
      } finally {
        for (const contestant of contestants) await contestant.close()
      }
    }
    return section(tables, notes, { quick, fileSystem: folder.fileSystem })
  },
}

/** All on files of their own in one folder. */
async function meet(folder: string, concurrency: number): Promise<readonly Contestant[]> {
  const file = (name: string): string => join(folder, `${concurrency}-${name}`)
  const commits = concurrency === 1 ? (['each'] as const) : (['each', 'together'] as const)
  const contestants: Contestant[] = [await engineSaves(sqlite(file('engine.db')), drafts)]
  for (const commit of commits) contestants.push(await byHand(file(`${commit}.db`), drafts, commit))
  return [...contestants, rawAppends(file('raw'))]
}

async function compete(
  contestants: readonly Contestant[],
  plan: { readonly concurrency: number; readonly perRound: number; readonly rounds: number },
): Promise<ReadonlyMap<Contestant, readonly Turn[]>> {
  const turns = new Map(contestants.map((contestant) => [contestant, [] as Turn[]]))
  const base = randomWords(textBytes - 12)
  let saved = 0
  const nextText = (): string => `${(saved += 1).toString().padStart(11)} ${base}`
  // Round 0 warms up. Each round begins with another contestant.
  for (let round = 0; round <= plan.rounds; round += 1) {
    for (let place = 0; place < contestants.length; place += 1) {
      const contestant = contestants[(round + place) % contestants.length]
      if (contestant === undefined) continue
      const turn = await takeTurn(contestant, plan, nextText)
      if (round > 0) turns.get(contestant)?.push(turn)
      // What the engine still does after its last save is not to fall into another's turn.
      await setImmediate()
    }
  }
  return turns
}

async function takeTurn(
  contestant: Contestant,
  plan: { readonly concurrency: number; readonly perRound: number },
  nextText: () => string,
): Promise<Turn> {
  const latencies: number[] = []
  let elapsed = 0
  for (let done = 0; done < plan.perRound; done += plan.concurrency) {
    const texts = Array.from({ length: plan.concurrency }, nextText)
    const started = performance.now()
    latencies.push(...(await contestant.save(texts)))
    elapsed += performance.now() - started
  }
  return {
    savesPerSecond: (latencies.length / elapsed) * 1000,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
  }
}

function tableOf(
  contestants: readonly Contestant[],
  turns: ReadonlyMap<Contestant, readonly Turn[]>,
  concurrency: number,
): Table {
  const rates = (contestant: Contestant): readonly number[] => ratesOf(turns, contestant)
  const [engine, ...peers] = contestants
  if (engine === undefined) throw new RangeError('nobody competes')
  return {
    caption: concurrency === 1 ? 'One save at a time' : `${concurrency} saves at a time, of ${concurrency} drafts`,
    columns: ['', 'saves/s', 'p50 µs', 'p99 µs', 'engine ÷ this, saves/s (min–max)'],
    rows: [engine, ...peers].map((contestant) => {
      const own = turns.get(contestant) ?? []
      const micros = (of: (turn: Turn) => number): string => count(spread(own.map(of)).median * 1000)
      return [
        contestant.name,
        count(spread(rates(contestant)).median),
        micros((turn) => turn.p50),
        micros((turn) => turn.p99),
        contestant === engine ? '1' : ratioWithSpread(ratios(rates(engine), rates(contestant))),
      ]
    }),
  }
}

function ratesOf(turns: ReadonlyMap<Contestant, readonly Turn[]>, contestant: Contestant): readonly number[] {
  return (turns.get(contestant) ?? []).map((turn) => turn.savesPerSecond)
}

/** Where the engine loses against hand-written SQL, it is said in words. */
function slowness(
  contestants: readonly Contestant[],
  turns: ReadonlyMap<Contestant, readonly Turn[]>,
  concurrency: number,
): readonly string[] {
  const [engine, ...others] = contestants
  const peer = others.find(({ name }) => name.startsWith('by hand'))
  if (engine === undefined || peer === undefined) return []
  const { median } = ratios(ratesOf(turns, engine), ratesOf(turns, peer))
  if (median >= 1) return []
  return [
    `${concurrency} at a time the engine is slower than hand-written SQL with a commit each: it makes ${ratio(median)} of its saves.`,
  ]
}

function section(
  tables: readonly Table[],
  notes: readonly string[],
  { quick, fileSystem }: { readonly quick: boolean; readonly fileSystem: string },
): Section {
  const rounds = concurrencies.map((concurrency) => (quick ? quickLength : length)[concurrency].rounds)
  return {
    title: 'Durable save',
    intro: `A 4 KiB text that changes each time, saved so that it survives a power cut. Medians over ${rounds[0]} rounds of one save at a time and ${rounds[1]} of more, in turns, after one round of warming up; latencies run from the moment at which all saves of a batch are asked for.`,
    settings: [
      'engine: the whole public call, from validation to the returned draft, on `sqlite(file)` as it comes (WAL, synchronous=FULL, checkpoint at 4,000 pages), with a server that refuses and uploads an hour away',
      `by hand: better-sqlite3, SQLite ${sqliteVersion()}, with the same pragmas on a file that the engine made: the same rows into the same tables, with their indices (what changed, in the draft’s row, compared and set by its version; at each sixteenth version the head, the history and the task; event), with statements prepared once; remembers the text before and the last changes, validates and returns nothing`,
      'raw: 12 KiB for each save in one append with one fdatasync; SQLite logs 27 for a save alone and 2 for each of a hundred',
      `${drafts} drafts each, all files in one folder on ${fileSystem}`,
    ],
    tables,
    notes,
  }
}

function sqliteVersion(): string {
  const database = new Database(':memory:')
  try {
    return String(database.prepare('select sqlite_version()').pluck().get())
  } finally {
    database.close()
  }
}
