import type { Correlation } from '../../packages/core/src/correlation/correlation.ts'
import type { Corpus, LabelledCase } from './corpus.ts'

/** What the correlation found against what is true. */
export interface Judgement {
  readonly cases: number
  /** Pairs that are true, and those of them that were found. */
  readonly pairs: number
  readonly found: number
  /** Pairs that were named as exact or strong, and those of them that are true; the same of the probable ones. */
  readonly sure: { readonly named: number; readonly right: number }
  readonly probable: { readonly named: number; readonly right: number }
  /** Mails that two drafts were said to have become. */
  readonly doubled: number
  readonly judged: readonly Judged[]
}

export interface Judged {
  readonly labelled: LabelledCase
  readonly given: Correlation
  /** As to the mail that it became, or that it became none. */
  readonly isRight: boolean
}

export function judge(corpus: Pick<Corpus, 'cases'>, correlations: readonly Correlation[]): Judgement {
  const byDraft = new Map(correlations.map((one) => [one.draftId, one]))
  const judged = corpus.cases.map((labelled): Judged => {
    const given = byDraft.get(labelled.draftId)
    if (given === undefined) throw new Error(`nothing was said of draft ${labelled.draftId}`)
    return { labelled, given, isRight: (given.pairing?.key ?? null) === labelled.sentKey }
  })
  const named = judged.filter(({ given }) => given.pairing !== null)
  const count = (isProbable: boolean): { readonly named: number; readonly right: number } => {
    const those = named.filter(({ given }) => (given.pairing?.class === 'probable') === isProbable)
    return { named: those.length, right: those.filter(({ isRight }) => isRight).length }
  }
  const pairs = judged.filter(({ labelled }) => labelled.sentKey !== null)
  return {
    cases: judged.length,
    pairs: pairs.length,
    found: pairs.filter(({ isRight }) => isRight).length,
    sure: count(false),
    probable: count(true),
    doubled: named.length - new Set(named.map(({ given }) => given.pairing?.key)).size,
    judged,
  }
}

/** Of several corpora, as of one. */
export function together(all: readonly Judgement[]): Judgement {
  const sum = (of: (one: Judgement) => number): number => all.reduce((total, one) => total + of(one), 0)
  return {
    cases: sum((one) => one.cases),
    pairs: sum((one) => one.pairs),
    found: sum((one) => one.found),
    sure: { named: sum(({ sure }) => sure.named), right: sum(({ sure }) => sure.right) },
    probable: { named: sum(({ probable }) => probable.named), right: sum(({ probable }) => probable.right) },
    doubled: sum(({ doubled }) => doubled),
    judged: all.flatMap(({ judged }) => judged),
  }
}
