import { readFile } from 'node:fs/promises'

import { beforeAll, describe, expect, test } from 'vitest'

import { acts } from './edits.ts'
import { correlationDocument } from './document.ts'
import { foreignClients } from './foreign-clients/all.ts'
import { gateSeeds, judgeSeeds } from './gate.ts'
import { type Judgement, together } from './judge.ts'

/** More of them in `pnpm proof`. */
const moreSeeds = Math.min(30, Math.floor(Number(process.env['EVERDRAFT_SEEDS'] ?? 0) / 500))
const seeds = [...gateSeeds, ...Array.from({ length: moreSeeds }, (_, index) => `gate ${gateSeeds.length + 1 + index}`)]

describe('which draft became which mail, over made-up mailboxes that nothing was tuned on', () => {
  let judgements: readonly Judgement[] = []

  beforeAll(async () => {
    judgements = await judgeSeeds(seeds)
  })

  test.each(seeds.map((seed, index) => [seed, index] as const))('the gate holds: %s', (_, index) => {
    const { cases, pairs, found, sure, doubled } = judgements[index] as Judgement
    expect(cases).toBeGreaterThanOrEqual(600)
    expect(sure.named).toBeGreaterThan(200)
    expect(sure.right / sure.named).toBeGreaterThanOrEqual(0.995)
    expect(found / pairs).toBeGreaterThanOrEqual(0.95)
    expect(doubled).toBe(0)
  })

  test('every program does everything in each of them', () => {
    for (const { judged } of judgements) {
      const done = new Set(judged.map(({ labelled }) => `${labelled.client}: ${labelled.act}`))
      for (const client of foreignClients) for (const act of acts) expect(done).toContain(`${client.name}: ${act}`)
    }
  })

  test('the verdict is right for all but one in fifty', () => {
    const { judged, cases } = together(judgements)
    const right = judged.filter(({ labelled, given }) => labelled.verdict === given.verdict)
    expect(right.length / cases).toBeGreaterThanOrEqual(0.98)
  })

  test('docs/correlation.md says what comes out now', async () => {
    const document = await readFile(new URL('../../docs/correlation.md', import.meta.url), 'utf8')
    const own = together(judgements.slice(0, gateSeeds.length))
    expect(document).toBe(correlationDocument(own, gateSeeds))
  })
})
