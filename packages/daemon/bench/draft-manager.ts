import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, type IncomingMessage, request as begin } from 'node:http'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'

import {
  type AccountId,
  createEngine,
  type DraftManagerAnswer,
  type DraftManagerRequest,
  type DraftStateInput,
} from '@everdraft/core'
import { sqlite } from '@everdraft/sqlite'

import { account, noUploads, unreachable } from '../../sqlite/bench/unreachable.ts'
import { benchFolder } from '../../testkit/bench/real-disk.ts'
import { spread } from '../../testkit/bench/statistics.ts'
import { count, ratio, ratioWithSpread, type Section, type Suite } from '../../testkit/bench/suite.ts'
import { randomWords } from '../../testkit/bench/words.ts'
import type { BundleMemory, Course } from './bundle-memory.ts'
import { type SideAnswer, type SideQuestion, token } from './draft-manager-side.ts'

const drafts = 100
const wanted = { engine: 10, http: 5 } as const

/** One request, made anew for each round. */
type Request = Omit<DraftManagerRequest, 'accountId'>

interface Action {
  readonly name: string
  /** What users gave for what they had. */
  readonly theirMs: number
  readonly request: (context: Context) => Request
  /** Of hundreds a median is one of a process that has run for a while. */
  readonly isShort?: boolean
}

interface Context {
  readonly draftId: string
  readonly text: () => string
}

/** Of a draft that is not there yet. */
const newId = (): string => crypto.randomUUID()

const actions: readonly Action[] = [
  {
    name: 'auto-save',
    theirMs: 42,
    isShort: true,
    request: ({ draftId, text }) => ({ action: 'auto-save', draftId, draft: { body: text() } }),
  },
  { name: 'list of 10', theirMs: 15, isShort: true, request: () => ({ action: 'list', limit: 10 }) },
  { name: 'export of 100, json', theirMs: 125, request: () => ({ action: 'export', format: 'json' }) },
  { name: 'export of 100, gzip', theirMs: 125, request: () => ({ action: 'export', format: 'gzip' }) },
  {
    name: 'import of 100',
    theirMs: 180,
    request: ({ text }) => ({
      action: 'import',
      bundleData: { drafts: Array.from({ length: drafts }, (): DraftStateInput => letter(newId(), text())) },
    }),
  },
  {
    name: 'recovery',
    theirMs: 5,
    isShort: true,
    request: ({ draftId }) => ({ action: 'recover', draftId, recoveryReason: 'reconnection' }),
  },
]

function letter(draftId: string, body: string): DraftStateInput {
  return { draftId, subject: 'A letter', body, to: [{ address: 'bob@example.org', name: 'Bob' }] }
}

type Ask = (request: Request) => Promise<DraftManagerAnswer>

/** One way to the draft manager. */
interface Door extends AsyncDisposable {
  /** An account of its own for each action, so that nothing of it grows by what was measured before. */
  addAccount(): Promise<Ask>
  /** The index follows what was taken in: what is measured next does not wait for it. */
  rest(): Promise<unknown>
}

const plans = {
  full: { short: { warmUps: 100, rounds: 300 }, long: { warmUps: 5, rounds: 15 } },
  quick: { short: { warmUps: 1, rounds: 2 }, long: { warmUps: 1, rounds: 2 } },
} as const

/** The draft manager's envelope, through the engine and over HTTP, and what long bundles cost. */
export const draftManager: Suite = {
  name: 'draft-manager',
  async run({ quick, say }) {
    const plan = quick ? plans.quick : plans.full
    await using folder = await benchFolder()
    const base = randomWords(4_084)
    let texts = 0
    const text = (): string => `${(texts += 1)} ${base}`
    const measured: Readonly<Record<keyof typeof wanted, number[][]>> = { engine: [], http: [] }
    for (const name of ['engine', 'http'] as const) {
      await using door = name === 'engine' ? await openEngine(folder.path) : await openDaemon()
      for (const action of actions) {
        const { warmUps, rounds } = action.isShort === true ? plan.short : plan.long
        say(`${name}, ${action.name}, ${rounds} rounds`)
        const ask = await door.addAccount()
        const context = { draftId: newId(), text }
        const all = [context.draftId, ...Array.from({ length: drafts - 1 }, newId)]
        await ask({ action: 'import', bundleData: { drafts: all.map((id) => letter(id, text())) } })
        const took: number[] = []
        for (let round = 1 - warmUps; round <= rounds; round += 1) {
          const asked = action.request(context)
          const started = performance.now()
          const answer = await ask(asked)
          if (round > 0) took.push(performance.now() - started)
          if (answer.status !== 'success') throw new Error(`${asked.action}: ${answer.error}`)
          if (action.isShort !== true || asked.action === 'auto-save') await door.rest()
        }
        measured[name].push(took)
      }
    }
    say('long bundles')
    const memory: BundleMemory[] = []
    for (const many of quick ? [500] : [1_000, 10_000]) memory.push(await memoryOf(many))
    return section(measured, memory, { plan, fileSystem: folder.fileSystem })
  },
}

async function openEngine(folder: string): Promise<Door> {
  const engine = await createEngine({
    storage: sqlite(join(folder, 'drafts.db')),
    mailbox: unreachable(),
    timing: noUploads,
  })
  return {
    async addAccount() {
      const accountId: AccountId = (await engine.accounts.add(account)).id
      return (request) => engine.draftManager({ ...request, accountId })
    },
    rest: () => engine.housekeep(),
    [Symbol.asyncDispose]: () => engine.close(),
  }
}

/** The daemon in a process of its own, and one connection that is kept, as an app has them. */
async function openDaemon(): Promise<Door> {
  const child = fork(join(import.meta.dirname, 'draft-manager-side.ts'))
  const ended = once(child, 'exit').then(([code]): never => {
    throw new Error(`the daemon ended with ${String(code)}`)
  })
  ended.catch(() => {})
  const answer = async (): Promise<SideAnswer> => {
    const [said] = (await Promise.race([once(child, 'message'), ended])) as [SideAnswer]
    return said
  }
  const url = await answer()
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const asked = async (question: SideQuestion): Promise<SideAnswer> => {
    child.send(question)
    return await answer()
  }
  return {
    async addAccount() {
      const path = `${url}/accounts/${await asked('account')}/draft-manager`
      return async (request) => {
        const body = JSON.stringify(request)
        const headers = {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'content-length': String(Buffer.byteLength(body)),
        }
        const sent = begin(path, { method: 'POST', agent, headers })
        sent.end(body)
        const [response] = (await once(sent, 'response')) as [IncomingMessage]
        return (await json(response)) as DraftManagerAnswer
      }
    },
    rest: () => asked('rest'),
    async [Symbol.asyncDispose]() {
      agent.destroy()
      const exited = once(child, 'exit')
      child.disconnect()
      await exited
    },
  }
}

async function memoryOf(many: number): Promise<BundleMemory> {
  const child = fork(join(import.meta.dirname, 'bundle-memory.ts'), [String(many)], { execArgv: ['--expose-gc'] })
  const ended = once(child, 'exit')
  const [said] = (await Promise.race([
    once(child, 'message'),
    ended.then(([code]) => {
      throw new Error(`the measurement of memory ended with ${String(code)}`)
    }),
  ])) as [BundleMemory]
  await ended
  return said
}

const mib = (bytes: number): string => ratio(bytes / 1024 / 1024)

function section(
  doors: { readonly engine: readonly number[][]; readonly http: readonly number[][] },
  memory: readonly BundleMemory[],
  { plan, fileSystem }: { readonly plan: (typeof plans)[keyof typeof plans]; readonly fileSystem: string },
): Section {
  return {
    title: 'The draft manager',
    intro: `The actions of the draft manager on an account with ${drafts} drafts of 4 KiB, and bundles of many. Medians over ${plan.short.rounds} rounds after ${plan.short.warmUps} (exports and imports: ${plan.long.rounds} after ${plan.long.warmUps}), one request at a time. The other column is what users gave for a system of theirs, on a machine of theirs: it is no measurement of ours. Wanted: ${wanted.engine} times as fast through the engine, ${wanted.http} times over HTTP.`,
    settings: [
      `engine: \`engine.draftManager\` on \`sqlite(file)\` as it comes, on ${fileSystem}; what is written is durable when the call returns`,
      'HTTP: the daemon as it comes in a process of its own, over loopback and one connection that is kept open, from `JSON.stringify` to the parsed answer',
    ],
    tables: [
      {
        caption: 'Milliseconds',
        columns: ['', 'engine, ms', 'HTTP, ms', 'theirs, ms', 'theirs ÷ engine (min–max)', 'theirs ÷ HTTP (min–max)'],
        rows: actions.map(({ name, theirMs }, index) => {
          const own = doors.engine[index] ?? []
          const http = doors.http[index] ?? []
          return [
            name,
            ratio(spread(own).median),
            ratio(spread(http).median),
            String(theirMs),
            ratioWithSpread(spread(own.map((ms) => theirMs / ms))),
            ratioWithSpread(spread(http.map((ms) => theirMs / ms))),
          ]
        }),
      },
      {
        caption: 'Long bundles, in gzip, to a file and from it, in a process of its own',
        columns: ['', 'seconds', 'resident memory grows by, MiB', 'longest time without a turn for others, ms'],
        rows: memory.flatMap(({ drafts: many, exported, imported }) => [
          row(`export of ${count(many)}`, exported),
          row(`import of ${count(many)}`, imported),
        ]),
      },
    ],
    notes: [
      ...memory.map(
        ({ drafts: many, bytes, bytesUncompressed }) =>
          `The bundle of ${count(many)} drafts is of ${mib(bytes)} MiB, and says ${mib(bytesUncompressed)} MiB.`,
      ),
      'Wanted: less than 80 MiB (10,000 drafts, either way).',
      'The longest time of a long import is its end: all of it is committed, and moved from the log into the file in one piece (docs/adr/0026).',
    ],
  }
}

function row(name: string, { ms, growthBytes, longestTurnMs }: Course): readonly string[] {
  return [name, ratio(ms / 1000), mib(growthBytes), ratio(longestTurnMs)]
}
