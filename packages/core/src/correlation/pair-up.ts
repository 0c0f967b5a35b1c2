import type { Umid } from '../ids.ts'
import { assign, type Edge } from './assignment.ts'
import { type Likelihood, type ReadMail, worth } from './pairing.ts'

/** The mail that a draft became; `ambiguous`: nothing tells it from another one. */
export type Pair = { readonly mail: ReadMail; readonly likelihood: Likelihood } | 'ambiguous'

/** Scores that are no further apart are the same. */
const indistinct = 0.01

/** One draft has at most one mail, and one mail at most one draft, so that all together is worth the most. */
export function pairUp(mails: readonly ReadMail[], likelihoods: readonly Likelihood[]): ReadonlyMap<Umid, Pair> {
  const rowOf = new Map([...new Set(likelihoods.map(({ draftId }) => draftId))].map((draftId, at) => [draftId, at]))
  const columnOf = new Map(mails.map(({ mail }, at) => [mail.key, at]))
  const edges = likelihoods.map((one): Edge & { readonly likelihood: Likelihood } => ({
    row: rowOf.get(one.draftId) as number,
    column: columnOf.get(one.key) as number,
    weight: worth[one.evidence] + one.score,
    likelihood: one,
  }))
  const chosen = assign(edges) as readonly (typeof edges)[number][]
  const taken = new Set(chosen.map(({ row }) => row))
  const ofMail = Map.groupBy(edges, ({ column }) => column)
  const pairs = new Map<Umid, Pair>()
  for (const edge of chosen) {
    const mail = mails[edge.column] as ReadMail
    // A draft that was left over, and that the mail speaks for as much.
    const rivals = (ofMail.get(edge.column) ?? []).filter(
      ({ row, weight }) => !taken.has(row) && weight >= edge.weight - indistinct,
    )
    const { draftId } = edge.likelihood
    if (rivals.length === 0) pairs.set(draftId, { mail, likelihood: edge.likelihood })
    for (const rival of rivals) pairs.set(rival.likelihood.draftId, 'ambiguous')
    if (rivals.length > 0) pairs.set(draftId, 'ambiguous')
  }
  return pairs
}
