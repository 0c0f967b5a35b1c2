import { describe, expect, test } from 'vitest'

import { live, type Life } from './life.ts'
import { answering, complaintsOfAnswers, receiving } from './life-of-answers.ts'
import type { CommitFate } from './world/disk.ts'

const crashes: readonly CommitFate[] = ['crash-before', 'crash-after', 'crash-acknowledged']

/** Each write with one of the three crashes; with EVERDRAFT_CRASHES=all, with each. */
const shares = process.env['EVERDRAFT_CRASHES'] === 'all' ? 1 : crashes.length

function liveOnce(crash: Parameters<typeof live>[2]): Promise<Life> {
  return live(receiving, [], crash, { fresh: false, responder: answering, atTheEnd: complaintsOfAnswers })
}

describe('a life in which mail is answered', () => {
  test('without a crash has one draft for each mail, and keeps the invariants', async () => {
    const { complaints, commits } = await liveOnce(null)
    expect(complaints).toEqual([])
    expect(commits).toBeGreaterThan(30)
  })

  test.each(crashes)(
    '%s at the writes: no second draft for one mail, and none lost',
    { timeout: 600_000 },
    async (fate) => {
      const { commits } = await liveOnce(null)
      for (let commit = 1 + (crashes.indexOf(fate) % shares); commit <= commits; commit += shares) {
        const { complaints, trace } = await liveOnce({ commit, fate })
        expect(complaints, `commit ${commit}:\n${trace.slice(-40).join('\n')}`).toEqual([])
      }
    },
  )
})
