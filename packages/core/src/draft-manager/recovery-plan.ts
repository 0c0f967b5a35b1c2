import type { DraftContent } from '../draft/draft.ts'
import { equal } from '../draft/merge-value.ts'
import type { ConflictId, DeviceId, Umid, Version } from '../ids.ts'
import type { RecoveryCandidate, RecoveryReason } from './envelope.ts'
import type { Rankable, Ranked } from './rank-candidates.ts'

/** A text that a draft could go on from. */
export interface Candidate extends Rankable {
  readonly candidateId: string
  readonly source: RecoveryCandidate['source']
  readonly draftId: Umid
  readonly content: DraftContent
  /** Says something that the stored draft does not, or is a draft that is in the trash. */
  readonly differs: boolean
  /** What it was made from is what is stored: nobody else has written since. */
  readonly isContinuation: boolean
  /** Of whom it is; null: of nobody who has a name. */
  readonly device: DeviceId | null
  /** Of a revision. */
  readonly version: Version | null
  readonly conflictId: ConflictId | null
}

export interface RecoveryWish {
  readonly reason: RecoveryReason
  readonly candidateId: string | null
  readonly preferLocal: boolean | null
}

export type RecoveryPlan =
  /** What is stored is all that there is, or the wish. The others are kept where they lose. */
  | { readonly kind: 'keep'; readonly losers: readonly Candidate[] }
  | {
      readonly kind: 'take'
      readonly candidate: Candidate
      readonly confirmed: boolean
      readonly losers: readonly Candidate[]
    }
  /** It would be somebody's words over somebody else's. */
  | { readonly kind: 'ask'; readonly best: Candidate }
  /** There is no candidate by this id. */
  | { readonly kind: 'unknown' }

/** What is to be done about the candidates, of which there is at least one. */
export function recoveryPlan(ranked: readonly Ranked<Candidate>[], wish: RecoveryWish): RecoveryPlan {
  const candidates = ranked.map(({ candidate }) => candidate)
  const news = withoutOutdated(unstored(candidates))
  const losersBeside = (one: Candidate): readonly Candidate[] => losers(news.filter((other) => other !== one))
  if (wish.candidateId !== null) {
    const candidate = candidates.find(({ candidateId }) => candidateId === wish.candidateId)
    if (candidate === undefined) return { kind: 'unknown' }
    return { kind: 'take', candidate, confirmed: true, losers: losersBeside(candidate) }
  }
  const [best, ...others] = news
  if (best === undefined) return { kind: 'keep', losers: [] }
  if (new Set(news.map(({ draftId }) => draftId)).size > 1) return { kind: 'ask', best }
  if (wish.preferLocal === false) return { kind: 'keep', losers: losers(news) }
  if (wish.preferLocal === true) {
    // Of its own words a client says so, not of those of another tab.
    const candidate = news.find(({ source }) => source === 'local') ?? best
    return { kind: 'take', candidate, confirmed: true, losers: losersBeside(candidate) }
  }
  const isOneText = others.every(({ content }) => equal(content, best.content))
  const isSafe = best.isContinuation || (best.source === 'trash' && wish.reason === 'manual-recovery')
  return isOneText && isSafe ? { kind: 'take', candidate: best, confirmed: false, losers: [] } : { kind: 'ask', best }
}

/** What is kept nowhere else, or waits for the decision. */
function losers(news: readonly Candidate[]): readonly Candidate[] {
  return news.filter(({ source }) => source !== 'revision' && source !== 'trash')
}

/** What a client has and what waits for a decision always counts; what history has, where it is better than what is stored or in the trash. */
function unstored(candidates: readonly Candidate[]): readonly Candidate[] {
  const stored = candidates.findIndex(({ source }) => source === 'stored' || source === 'trash')
  return candidates.filter(
    ({ differs, source }, index) => differs && (source !== 'revision' || stored === -1 || index < stored),
  )
}

/** What a device had begun is in what it has now. */
function withoutOutdated(candidates: readonly Candidate[]): readonly Candidate[] {
  return candidates.filter(
    (one) =>
      one.device === null ||
      !candidates.some((other) => other.device === one.device && other.draftId === one.draftId && isLater(other, one)),
  )
}

function isLater(one: Candidate, other: Candidate): boolean {
  if (one.modifiedAt !== other.modifiedAt) return one.modifiedAt > other.modifiedAt
  return one.source === 'local' && other.source === 'unfinished-save'
}
