import { beforeAll, describe, expect, test } from 'vitest'

import { correlate } from '../../packages/core/src/correlation/correlate.ts'
import type { Correlation } from '../../packages/core/src/correlation/correlation.ts'
import { createCorrelator } from '../../packages/core/src/correlation/correlator.ts'
import { type Corpus, createCorpus } from './corpus.ts'

/** Something comes to be known. */
type Step = (to: ReturnType<typeof createCorrelator>) => void

/** The same order each time. */
function shuffled<One>(all: readonly One[], seed: number): readonly One[] {
  let state = seed
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  return all
    .map((one) => ({ one, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ one }) => one)
}

const tellOf = (all: Iterable<Correlation>): ReadonlyMap<string, Correlation> =>
  new Map([...all].map((one) => [one.draftId, one]))

describe('what comes to be known one by one', () => {
  let corpus: Corpus
  beforeAll(async () => {
    corpus = await createCorpus({ seed: 'one by one', rounds: 2 })
  })

  test.each([1, 2, 3])('says in the end what all at once says: order %i', (seed) => {
    const { drafts, sent, lookedAt } = corpus
    const steps: readonly Step[] = [
      ...drafts.flatMap((trace, at): Step[] =>
        // Some were seen in Drafts before they went, said something else then, or were not to be looked for for a while.
        at % 3 === 0
          ? [
              (to) => to.putDraft({ ...trace, whereabouts: { kind: 'there', seenAt: trace.createdAt } }),
              (to) => to.removeDraft(trace.draftId),
            ]
          : at % 3 === 1
            ? [(to) => to.putDraft({ ...trace, versions: [trace.versions[0]], successorIds: [] })]
            : [],
      ),
      ...sent.flatMap((mail, at): Step[] => (at % 5 === 0 ? [(to) => to.removeMail(mail.key)] : [])),
    ]
    const last: readonly Step[] = [
      ...drafts.map(
        (trace): Step =>
          (to) =>
            to.putDraft(trace),
      ),
      ...sent.map(
        (mail): Step =>
          (to) =>
            to.putMail(mail),
      ),
    ]
    const correlator = createCorrelator()
    const told = new Map<string, Correlation>()
    const all = [...shuffled(steps, seed), ...shuffled(last, seed)]
    for (const [at, step] of all.entries()) {
      step(correlator)
      const isTold = at % 20 === 19 || at === all.length - 1
      if (!isTold) continue
      const weighed = correlator.weigh(lookedAt - (all.length - 1 - at) * 1_000)
      for (const one of weighed.correlations) told.set(one.draftId, one)
    }
    expect(told).toEqual(tellOf(correlate(corpus)))
  })

  test('looks at nothing but what a new mail may have to do with', () => {
    const { drafts, sent, lookedAt } = corpus
    const correlator = createCorrelator()
    for (const trace of drafts) correlator.putDraft(trace)
    const became = correlate(corpus).find(({ pairing }) => pairing !== null)
    const late = sent.find(({ key }) => key === became?.pairing?.key)
    for (const mail of sent) if (mail !== late) correlator.putMail(mail)
    expect(correlator.weigh(lookedAt).correlations).toHaveLength(drafts.length)
    expect(correlator.weigh(lookedAt + 1).correlations.length).toBeLessThan(drafts.length / 20)
    correlator.putMail(late!)
    const { correlations } = correlator.weigh(lookedAt + 2)
    expect(correlations.find(({ draftId }) => draftId === became?.draftId)?.pairing?.key).toBe(late?.key)
    expect(correlations.length).toBeLessThan(drafts.length / 10)
  })
})
