import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { type AccountId, createEngine, type Engine, type Umid } from '@everdraft/core'
import { sqlite } from '@everdraft/sqlite'

import { benchFolder } from '../../testkit/bench/real-disk.ts'
import { spread } from '../../testkit/bench/statistics.ts'
import { ratio, ratioWithSpread, type Section, type Suite } from '../../testkit/bench/suite.ts'
import { randomWords } from '../../testkit/bench/words.ts'
import { account, noUploads, unreachable } from './unreachable.ts'

const drafts = 100

interface Context {
  readonly engine: Engine
  readonly accountId: AccountId
  readonly ids: readonly Umid[]
  readonly text: () => string
}

interface Reference {
  readonly name: string
  /** What users measured with what they had. */
  readonly theirs: string
  readonly theirMs: number
  readonly act: (context: Context) => Promise<unknown>
}

const references: readonly Reference[] = [
  {
    name: 'one save',
    theirs: 'auto-save',
    theirMs: 42,
    act: ({ engine, ids, text }) => engine.drafts.save(ids[0] as Umid, { text: text() }),
  },
  {
    name: 'list of 10',
    theirs: 'list of 10',
    theirMs: 15,
    act: ({ engine, accountId }) => engine.drafts.list({ accountId, limit: 10 }),
  },
  {
    name: 'reading 100 drafts whole',
    theirs: 'export of 100',
    theirMs: 125,
    act: ({ engine, ids }) => Promise.all(ids.map((id) => engine.drafts.get(id))),
  },
  {
    name: 'creating 100 drafts',
    theirs: 'import of 100',
    theirMs: 180,
    act: ({ engine, ids, accountId, text }) =>
      Promise.all(ids.map(() => engine.drafts.create({ accountId, subject: 'A letter', text: text() }))),
  },
  {
    name: 'reading the draft as it was saved last',
    theirs: 'recovery',
    theirMs: 5,
    act: ({ engine, ids }) => engine.drafts.get(ids[0] as Umid),
  },
]

/** What people wait for, beside figures that users gave for what they had. */
export const reference: Suite = {
  name: 'reference',
  async run({ quick, say }) {
    const rounds = quick ? 2 : 15
    await using folder = await benchFolder()
    const engine = await createEngine({
      storage: sqlite(join(folder.path, 'drafts.db')),
      mailbox: unreachable(),
      timing: noUploads,
    })
    const measured = references.map((): number[] => [])
    try {
      const { id: accountId } = await engine.accounts.add(account)
      const base = randomWords(4_084)
      let texts = 0
      const text = (): string => `${(texts += 1)} ${base}`
      const ids: Umid[] = []
      while (ids.length < drafts) {
        ids.push((await engine.drafts.create({ accountId, subject: 'A letter', text: text() })).id)
      }
      say(`${rounds} rounds`)
      for (let round = 0; round <= rounds; round += 1) {
        for (const [index, { act }] of references.entries()) {
          const started = performance.now()
          await act({ engine, accountId, ids, text })
          if (round > 0) measured[index]?.push(performance.now() - started)
        }
      }
    } finally {
      await engine.close()
    }
    say('opening after a kill')
    const opened: number[] = []
    for (let round = 0; round <= (quick ? 1 : 7); round += 1) {
      const openedMs = await openAfterKill(join(folder.path, `killed-${round}.db`))
      if (round > 0) opened.push(openedMs)
    }
    return section(measured, opened, { rounds, fileSystem: folder.fileSystem })
  },
}

/** Milliseconds until a draft of a process that was killed in mid-save is read. */
async function openAfterKill(file: string): Promise<number> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('killed-writer.ts', import.meta.url)), file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [said] = (await once(child.stdout, 'data')) as [Buffer]
  const ended = once(child, 'close')
  child.kill('SIGKILL')
  await ended
  const started = performance.now()
  const engine = await createEngine({ storage: sqlite(file), mailbox: unreachable(), timing: noUploads })
  try {
    const draft = await engine.drafts.get(said.toString('utf8').trim() as Umid)
    const took = performance.now() - started
    if (draft.version < 20) throw new Error('an acknowledged save is lost')
    return took
  } finally {
    await engine.close()
  }
}

function section(
  measured: readonly (readonly number[])[],
  opened: readonly number[],
  { rounds, fileSystem }: { readonly rounds: number; readonly fileSystem: string },
): Section {
  const opening = spread(opened)
  return {
    title: 'What people wait for',
    intro: `Drafts of 4 KiB, ${drafts} of them at first. Medians over ${rounds} rounds. The other column is what users gave for a system of theirs, on a machine of theirs: it is no measurement of ours, and only says what is quick to them.`,
    settings: [
      `engine: the whole public call on \`sqlite(file)\` as it comes, on ${fileSystem}; what is written is durable when the call returns`,
    ],
    tables: [
      {
        caption: 'Milliseconds',
        columns: ['', 'engine, ms', 'theirs', 'theirs, ms', 'theirs ÷ engine (min–max)'],
        rows: references.map(({ name, theirs, theirMs }, index) => {
          const own = measured[index] ?? []
          return [
            name,
            ratio(spread(own).median),
            theirs,
            String(theirMs),
            ratioWithSpread(spread(own.map((ms) => theirMs / ms))),
          ]
        }),
      },
    ],
    notes: [
      `After a kill in mid-save, opening the file and reading the draft takes ${ratio(opening.median)} ms (${ratio(opening.min)}–${ratio(opening.max)}).`,
    ],
  }
}
