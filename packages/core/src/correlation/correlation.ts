import type { Umid } from '../ids.ts'
import type { EvidenceClass, Verdict } from '../responder/outcome.ts'
import { editDistance } from './edit-distance.ts'
import { classOfEvidence, type EvidenceKind } from './evidence.ts'
import type { Likelihood, ReadMail, TracedDraft } from './pairing.ts'
import { type Reading, shareKept } from './reading.ts'

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

/** A mail may show in Sent so much later than the draft is gone. */
export const arrivesWithinMs: number = 15 * 60_000

/** How what was sent differs from what was drafted. */
export function compared(
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

/** Of a draft that nothing was made of, and whose mail nobody has answered otherwise. */
export function verdictWithout({ trace: { whereabouts } }: TracedDraft, lookedAt: number): Verdict {
  if (whereabouts.kind === 'there') return 'pending'
  const goneAt = whereabouts.kind === 'discarded' ? whereabouts.at : whereabouts.goneAt
  return lookedAt >= goneAt + arrivesWithinMs ? 'discarded' : 'unknown'
}

/** What is not known is taken for the same. */
function isSame<One>(a: ReadonlySet<One> | null, b: ReadonlySet<One> | null): boolean {
  return a === null || b === null || (a.size === b.size && (shareKept(a, b) ?? 1) === 1)
}
