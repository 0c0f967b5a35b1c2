import { correlate } from '../../packages/core/src/correlation/correlate.ts'
import { createCorpus } from './corpus.ts'
import { judge, type Judgement } from './judge.ts'

/** What was tuned was tuned on the seed `tune`. */
export const gateSeeds: readonly string[] = ['gate 1', 'gate 2', 'gate 3']

/** One mailbox with more than 700 drafts for each seed. */
export async function judgeSeeds(seeds: readonly string[]): Promise<readonly Judgement[]> {
  const judgements: Judgement[] = []
  for (const seed of seeds) {
    const corpus = await createCorpus({ seed, rounds: 6 })
    judgements.push(judge(corpus, correlate(corpus)))
  }
  return judgements
}
