import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

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
import { createDaemon } from '../src/index.ts'
import type { BundleMemory, Course } from './bundle-memory.ts'

const drafts = 100
const token = 'the-token-of-this-benchmark'
const wanted = { engine: 10, http: 5 } as const

/** One request, made anew for each round. */
type Request = Omit<DraftManagerRequest, 'accountId'>

interface Action {
  readonly name: string
  /** What users gave for what they had. */
  readonly theirMs: number
  readonly request: (context: Context) => Request
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
    request: ({ draftId, text }) => ({ action: 'auto-save', draftId, draft: { body: text() } }),
  },
  { name: 'list of 10', theirMs: 15, request: () => ({ action: 'list', limit: 10 }) },
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
    request: ({ draftId }) => ({ action: 'recover', draftId, recoveryReason: 'reconnection' }),
  },
]

function letter(draftId: string, body: string): DraftStateInput {
  return { draftId, subject: 'A letter', body, to: [{ address: 'bob@example.org', name: 'Bob' }] }
}

type Ask = (request: Request) => Promise<DraftManagerAnswer>

/** The draft manager's envelope, through the engine and over HTTP, and what long bundles cost. */
export const draftManager: Suite = {
  name: 'draft-manager',
  async run({ quick, say }) {
    const rounds = quick ? 2 : 15
    await using folder = await benchFolder()
    const engine = await createEngine({
      storage: sqlite(join(folder.path, 'drafts.db')),
      mailbox: unreachable(),
      timing: noUploads,
    })
    const daemon = await createDaemon({ engine, token, version: '0.0.0', requestsPerMinute: 0 })
    const doors = { engine: actions.map((): number[] => []), http: actions.map((): number[] => []) }
    try {
      const url = await daemon.listen({ host: '127.0.0.1', port: 0 })
      const base = randomWords(4_084)
      let texts = 0
      const text = (): string => `${(texts += 1)} ${base}`
      for (const door of ['engine', 'http'] as const) {
        say(`${door}, ${rounds} rounds`)
        for (const [index, { request }] of actions.entries()) {
          // One of its own for each, so that nothing of it grows by what was measured before.
          const accountId = (await engine.accounts.add(account)).id
          const ask = door === 'engine' ? engineDoor(accountId) : httpDoor(url, accountId)
          const context = { draftId: newId(), text }
          const all = [context.draftId, ...Array.from({ length: drafts - 1 }, newId)]
          await ask({ action: 'import', bundleData: { drafts: all.map((id) => letter(id, text())) } })
          for (let round = 0; round <= rounds; round += 1) {
            const asked = request(context)
            const started = performance.now()
            const answer = await ask(asked)
            const took = performance.now() - started
            // The index follows what was taken in: what is measured next does not wait for it.
            await engine.housekeep()
            if (answer.status !== 'success') throw new Error(`${asked.action}: ${answer.error}`)
            if (round > 0) doors[door][index]?.push(took)
          }
        }
      }
    } finally {
      await daemon.close()
      await engine.close()
    }
    say('long bundles')
    const memory: BundleMemory[] = []
    for (const many of quick ? [500] : [1_000, 10_000]) memory.push(await memoryOf(many))
    return section(doors, memory, { rounds, fileSystem: folder.fileSystem })

    function engineDoor(accountId: AccountId): Ask {
      return (request) => engine.draftManager({ ...request, accountId })
    }
  },
}

function httpDoor(url: string, accountId: AccountId): Ask {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  return async (request) => {
    const body = JSON.stringify(request)
    const response = await fetch(`${url}/accounts/${accountId}/draft-manager`, { method: 'POST', headers, body })
    return (await response.json()) as DraftManagerAnswer
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
  { rounds, fileSystem }: { readonly rounds: number; readonly fileSystem: string },
): Section {
  return {
    title: 'The draft manager',
    intro: `The actions of the draft manager on an account with ${drafts} drafts of 4 KiB, and bundles of many. Medians over ${rounds} rounds. The other column is what users gave for a system of theirs, on a machine of theirs: it is no measurement of ours. Wanted: ${wanted.engine} times as fast through the engine, ${wanted.http} times over HTTP.`,
    settings: [
      `engine: \`engine.draftManager\` on \`sqlite(file)\` as it comes, on ${fileSystem}; what is written is durable when the call returns`,
      'HTTP: the daemon in the same process, over loopback, from `fetch` to the parsed answer',
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
    ],
  }
}

function row(name: string, { ms, growthBytes, longestTurnMs }: Course): readonly string[] {
  return [name, ratio(ms / 1000), mib(growthBytes), ratio(longestTurnMs)]
}
