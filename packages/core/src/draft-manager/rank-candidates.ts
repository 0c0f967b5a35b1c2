import type { RecoveryCandidate } from './envelope.ts'

/** What candidates are compared by. */
export interface Rankable {
  /** Epoch milliseconds. */
  readonly modifiedAt: number
  /** Of subject and body, in characters. */
  readonly length: number
  /** How many saves are in it. */
  readonly edits: number
}

export interface Ranked<Candidate> {
  readonly candidate: Candidate
  /** From 1, the best. */
  readonly rank: number
  readonly reason: RecoveryCandidate['reason']
}

const measures = [
  ['newest', 'modifiedAt'],
  ['longest', 'length'],
  ['most-edited', 'edits'],
] as const

/**
 * Best first. A candidate has a point for each other one that it is newer than, longer than, or more edited than; of equal points
 * the newer one is better, and of equal times the one that came first. `reason`: in what nothing is before it.
 */
export function rankCandidates<Candidate extends Rankable>(
  candidates: readonly Candidate[],
): readonly Ranked<Candidate>[] {
  const points = (one: Candidate): number =>
    measures.reduce((sum, [, of]) => sum + candidates.filter((other) => one[of] > other[of]).length, 0)
  const first = measures.map(([, of]) => Math.max(...candidates.map((one) => one[of])))
  return candidates
    .map((candidate) => ({ candidate, points: points(candidate) }))
    .toSorted((a, b) => b.points - a.points || b.candidate.modifiedAt - a.candidate.modifiedAt)
    .map(({ candidate }, index) => ({
      candidate,
      rank: index + 1,
      reason: measures.filter(([, of], at) => candidate[of] === first[at]).map(([name]) => name),
    }))
}
