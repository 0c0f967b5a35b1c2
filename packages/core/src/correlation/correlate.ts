import type { Correlation } from './correlation.ts'
import { createCorrelator } from './correlator.ts'
import type { DraftTrace, SentMail } from './evidence.ts'

export interface CorrelationRequest {
  readonly drafts: readonly DraftTrace[]
  /** Those of which a draft may have become one, in any order. */
  readonly sent: readonly SentMail[]
  /** When Sent was looked at last, in epoch milliseconds. */
  readonly lookedAt: number
}

/**
 * What became of each draft. One mail is never that of two drafts, and the evidence is weighed over all of them at once:
 * should more be known later, ask again with the same drafts, and a better pairing takes the place of a weaker one.
 */
export function correlate({ drafts, sent, lookedAt }: CorrelationRequest): readonly Correlation[] {
  const correlator = createCorrelator()
  for (const draft of drafts) correlator.putDraft(draft)
  for (const mail of sent) correlator.putMail(mail)
  return correlator.weigh(lookedAt).correlations
}
