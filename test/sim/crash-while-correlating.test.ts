import { describe, expect, test } from 'vitest'

import { live, type Life } from './life.ts'
import { answering } from './life-of-answers.ts'
import { complaintsOfOutcomes, sendingElsewhere } from './life-of-outcomes.ts'
import type { CommitFate } from './world/disk.ts'

const crashes: readonly CommitFate[] = ['crash-before', 'crash-after', 'crash-acknowledged']

/** Each second write with one of the three crashes; with EVERDRAFT_CRASHES=all, each with each. */
const shares = process.env['EVERDRAFT_CRASHES'] === 'all' ? 1 : 2 * crashes.length

async function liveOnce(crash: Parameters<typeof live>[2]): Promise<Life & { readonly drafted: number }> {
  let drafted = 0
  const script = sendingElsewhere((commits) => (drafted = commits))
  const life = await live(script, [], crash, { fresh: false, responder: answering, atTheEnd: complaintsOfOutcomes })
  return { ...life, drafted }
}

describe('a life in which a person sends, deletes and leaves what a program has drafted', () => {
  test('without a crash says so of each, and keeps the invariants', async () => {
    const { complaints, commits, drafted } = await liveOnce(null)
    expect(complaints).toEqual([])
    expect(commits - drafted).toBeGreaterThan(10)
  })

  test.each(crashes)(
    '%s at the writes: what became of each is found, and told once',
    { timeout: 600_000 },
    async (fate) => {
      const { commits, drafted } = await liveOnce(null)
      // What comes before is met in the life in which mail is answered.
      for (let commit = drafted + 1 + ((2 * crashes.indexOf(fate)) % shares); commit <= commits; commit += shares) {
        const { complaints, trace } = await liveOnce({ commit, fate })
        expect(complaints, `commit ${commit}:\n${trace.slice(-40).join('\n')}`).toEqual([])
      }
    },
  )
})
