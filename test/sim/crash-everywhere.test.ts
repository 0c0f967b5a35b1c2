import { sendPhases } from '@everdraft/core'
import type { Capability } from '@everdraft/mailserver'
import { describe, expect, test } from 'vitest'

import { live, type Script, writing } from './life.ts'
import { sending } from './life-of-sends.ts'
import type { CommitFate } from './world/disk.ts'

interface Server {
  readonly name: string
  readonly without: readonly Capability[]
  readonly fates: readonly CommitFate[]
}

const crashes: readonly CommitFate[] = ['crash-before', 'crash-after', 'crash-acknowledged']

const servers: readonly Server[] = [
  { name: 'all extensions', without: [], fates: [...crashes, 'full'] },
  {
    name: 'no extension that helps',
    without: ['UIDPLUS', 'CATENATE', 'REPLACE', 'SPECIAL-USE', 'CREATE-SPECIAL-USE'],
    fates: crashes,
  },
]

/** Each write with one of the three crashes; with EVERDRAFT_CRASHES=all, with each. */
const shares = process.env['EVERDRAFT_CRASHES'] === 'all' ? 1 : crashes.length

/** Lives in which each commit of a share is the one at which the process crashes, until one is not as it should be. */
async function crashEverywhere(
  script: Script,
  without: readonly Capability[],
  fate: CommitFate,
  disk: { readonly fresh: boolean; readonly answersAtOnce: boolean },
): Promise<string> {
  const { commits } = await live(script, without, null, disk)
  for (let commit = 1 + (Math.max(0, crashes.indexOf(fate)) % shares); commit <= commits; commit += shares) {
    const { complaints, trace } = await live(script, without, { commit, fate }, disk)
    if (complaints.length > 0) return `commit ${commit}:\n${complaints.join('\n')}\n${trace.slice(-40).join('\n')}`
  }
  return ''
}

describe.each(servers)('a server with $name', ({ without, fates }) => {
  // Both kinds of databases, each with one of the servers.
  const disk = { fresh: without.length === 0, answersAtOnce: without.length === 0 }

  test('a life without a crash keeps the invariants', async () => {
    const { complaints, commits } = await live(writing, without, null, disk)
    expect(complaints).toEqual([])
    // Fewer would mean that less is stored than this test thinks it crashes at.
    expect(commits).toBeGreaterThan(60)
  })

  test.each(fates)('%s at the writes keeps the invariants', { timeout: 600_000 }, async (fate) => {
    expect(await crashEverywhere(writing, without, fate, disk)).toBe('')
  })
})

describe('a life of sends', () => {
  test('without a crash it keeps the invariants, and has each of the ends that a send can have', async () => {
    const { complaints, commits, trace } = await live(sending, [], null, { fresh: false })
    expect(complaints).toEqual([])
    expect(commits).toBeGreaterThan(40)
    const told = new Set(trace.flatMap((line) => /"phase":"(\w+)"/.exec(line)?.[1] ?? []))
    // In the first one they begin, and nothing here has to be mended.
    expect(sendPhases.filter((phase) => !told.has(phase))).toEqual(['queued', 'parked'])
  })

  test.each(crashes)('%s at the writes keeps the invariants', { timeout: 600_000 }, async (fate) => {
    expect(await crashEverywhere(sending, [], fate, { fresh: false, answersAtOnce: true })).toBe('')
  })
})
