import type { Umid } from '../ids.ts'
import type { EvidenceClass, Verdict } from '../responder/outcome.ts'
import { assign, type Edge } from './assignment.ts'
import { createDraftIndex, type DraftIndex } from './draft-index.ts'
import { classOfEvidence, type DraftTrace, type EvidenceKind, type SentMail } from './evidence.ts'
import { isAnswered, type Likelihood, likelihood, type ReadMail, readMail, type TracedDraft } from './pairing.ts'
import { type Reading, shareKept } from './reading.ts'
import { editDistance } from './edit-distance.ts'

/** The mail that a draft became. */
interface Pairing {
  readonly draftId: Umid
  readonly key: string
  readonly evidence: EvidenceKind
  readonly class: EvidenceClass
  /** From 0 to 1. */
  readonly score: number
  /** Of what was sent against what was drafted, from 0 to 1, outside quote and signature. */
  readonly similarity: number
  /** Characters that were put in, taken out or exchanged, in the same. */
  readonly editDistance: number
  readonly changed: readonly ('subject' | 'text' | 'recipients' | 'attachments')[]
}

export interface Correlation {
  readonly draftId: Umid
  readonly verdict: Verdict
  /** Not null where the verdict is that it was sent. */
  readonly pairing: Pairing | null
}

export interface CorrelationRequest {
  readonly drafts: readonly DraftTrace[]
  /** Those of which a draft may have become one, in any order. */
  readonly sent: readonly SentMail[]
  /** When Sent was looked at last, in epoch milliseconds. */
  readonly lookedAt: number
  /** Hears of mails that none of these drafts has anything to do with: nobody need be asked about them again. */
  readonly onUnrelated?: (key: string) => void
}

/** A mail may show in Sent so much later than the draft is gone. */
export const arrivesWithinMs: number = 15 * 60_000

/** Scores that are no further apart are the same. */
const indistinct = 0.01

/**
 * What became of each draft. One mail is never that of two drafts, and the evidence is weighed over all of them at once:
 * should more be known later, ask again with the same drafts, and a better pairing takes the place of a weaker one.
 */
export function correlate({ drafts, sent, lookedAt, onUnrelated }: CorrelationRequest): readonly Correlation[] {
  const index = createDraftIndex(drafts)
  const mails = sent.map(readMail)
  for (const mail of mails) if (index.candidates(mail).length === 0) onUnrelated?.(mail.mail.key)
  const likelihoods = mails.flatMap((mail) => likelihoodsOf(index, mail))
  const pairs = pairUp(index, mails, likelihoods)
  const answered = answeredDrafts(index.drafts, mails, pairs)
  return index.drafts.map((draft): Correlation => {
    const { draftId } = draft.trace
    const pair = pairs.get(draftId)
    if (pair === undefined || pair === 'ambiguous') {
      return {
        draftId,
        pairing: null,
        verdict: pair === 'ambiguous' ? 'unknown' : verdictWithout(draft, answered, lookedAt),
      }
    }
    const pairing = compared(draft, pair.mail, pair.likelihood)
    return { draftId, pairing, verdict: pairing.changed.length === 0 ? 'sent-unchanged' : 'sent-edited' }
  })
}

// One pair of a surer class is worth more than all of a less sure one that it may cost.
const worth: Readonly<Record<EvidenceKind, number>> = {
  submission: 1e10,
  'server-id': 1e10,
  token: 1e10,
  successor: 1e5,
  vanished: 1,
  content: 1,
}

/** Of which drafts a mail may have been made. What names one in its header is no other's, however much it resembles that. */
export function likelihoodsOf(index: DraftIndex, mail: ReadMail): readonly Likelihood[] {
  const all = index.candidates(mail).flatMap((draft) => likelihood(draft, mail) ?? [])
  const surest = Math.max(...all.map(({ evidence }) => worth[evidence]))
  return all.filter(({ evidence }) => worth[evidence] === surest)
}

type Pair = { readonly mail: ReadMail; readonly likelihood: Likelihood } | 'ambiguous'

function pairUp(
  index: DraftIndex,
  mails: readonly ReadMail[],
  likelihoods: readonly Likelihood[],
): ReadonlyMap<Umid, Pair> {
  const rowOf = new Map(index.drafts.map(({ trace }, at) => [trace.draftId, at]))
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

function compared(
  { readings }: TracedDraft,
  { reading }: ReadMail,
  { draftId, key, evidence, score }: Likelihood,
): Pairing {
  const [drafted] = readings
  const distance = editDistance(drafted.text, reading.text)
  const longest = Math.max(drafted.text.length, reading.text.length)
  return {
    draftId,
    key,
    evidence,
    class: classOfEvidence[evidence],
    score,
    similarity: longest === 0 ? 1 : 1 - distance / longest,
    editDistance: distance,
    changed: changedIn(drafted, reading),
  }
}

function changedIn(drafted: Reading, sent: Reading): Pairing['changed'] {
  return [
    ...(drafted.subject === sent.subject ? [] : (['subject'] as const)),
    ...(drafted.words.join(' ') === sent.words.join(' ') ? [] : (['text'] as const)),
    ...(isSame(drafted.recipients, sent.recipients) ? [] : (['recipients'] as const)),
    ...(isSame(drafted.attachments, sent.attachments) ? [] : (['attachments'] as const)),
  ]
}

function verdictWithout({ trace }: TracedDraft, answered: ReadonlySet<Umid>, lookedAt: number): Verdict {
  if (answered.has(trace.draftId)) return 'replied-without-draft'
  const { whereabouts } = trace
  if (whereabouts.kind === 'there') return 'pending'
  const goneAt = whereabouts.kind === 'discarded' ? whereabouts.at : whereabouts.goneAt
  return lookedAt >= goneAt + arrivesWithinMs ? 'discarded' : 'unknown'
}

/** What is not known is taken for the same. */
function isSame<One>(a: ReadonlySet<One> | null, b: ReadonlySet<One> | null): boolean {
  return a === null || b === null || (a.size === b.size && (shareKept(a, b) ?? 1) === 1)
}

/** Those whose mail was answered, by whatever. */
function answeredDrafts(
  drafts: readonly TracedDraft[],
  mails: readonly ReadMail[],
  pairs: ReadonlyMap<Umid, Pair>,
): ReadonlySet<Umid> {
  const byParent = Map.groupBy(drafts, ({ readings: [{ parent }] }) => parent)
  const bySubject = Map.groupBy(drafts, ({ readings: [{ subject }] }) => subject)
  const explained = new Set([...pairs.values()].flatMap((pair) => (pair === 'ambiguous' ? [] : [pair.mail])))
  const answered = mails.flatMap((mail): readonly TracedDraft[] => {
    const { parent, subject } = mail.reading
    if (parent !== null) return (byParent.get(parent) ?? []).filter((draft) => isAnswered(draft, mail))
    // It does not say what it answers: the newest that it may be.
    if (explained.has(mail)) return []
    const possible = (bySubject.get(subject) ?? []).filter((draft) => isAnswered(draft, mail))
    return possible.toSorted((a, b) => b.trace.createdAt - a.trace.createdAt).slice(0, 1)
  })
  return new Set(answered.map(({ trace }) => trace.draftId))
}
