import type { Capability } from '@everdraft/mailserver'
import { describe, expect, test } from 'vitest'

import { live } from './life.ts'
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

describe.each(servers)('a server with $name', ({ without, fates }) => {
  test('a life without a crash keeps the invariants', async () => {
    const { complaints, commits } = await live(without, null)
    expect(complaints).toEqual([])
    // Fewer would mean that less is stored than this test thinks it crashes at.
    expect(commits).toBeGreaterThan(60)
  })

  test.each(fates)('%s at every single write keeps the invariants', { timeout: 600_000 }, async (fate) => {
    const { commits } = await live(without, null)
    const broken: string[] = []
    for (let commit = 1; commit <= commits; commit += 1) {
      const { complaints, trace } = await live(without, { commit, fate })
      if (complaints.length > 0)
        broken.push(`commit ${commit}:\n${complaints.join('\n')}\n${trace.slice(-40).join('\n')}`)
      if (broken.length > 0) break
    }
    expect(broken).toEqual([])
  })
})
