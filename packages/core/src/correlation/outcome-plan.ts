import { textOf } from '../draft/quote.ts'
import type { OutcomeId, Umid } from '../ids.ts'
import type { Outcome, SentOutcome, Verdict } from '../responder/outcome.ts'
import type { Correlation } from './correlation.ts'
import type { SentMail } from './evidence.ts'

/** What is to be written down of an outcome. */
export interface OutcomeChange {
  readonly id: OutcomeId
  readonly sent: SentOutcome | null
  readonly verdict: Verdict
}

/** What differs from what is known of them, in the order in which it can be stored: who loses a mail comes before who gets it. */
export function outcomeChanges(
  outcomes: readonly Outcome[],
  correlations: readonly Correlation[],
  sent: readonly SentMail[],
): readonly OutcomeChange[] {
  const given = new Map<Umid, Correlation>(correlations.map((one) => [one.draftId, one]))
  const mails = new Map(sent.map((mail) => [mail.key, mail]))
  const changes = outcomes.flatMap((outcome): readonly OutcomeChange[] => {
    const correlation = given.get(outcome.messageId)
    if (correlation === undefined) return []
    const mail = mails.get(correlation.pairing?.key ?? '')
    const { verdict, pairing } = correlation
    const now = pairing === null || mail === undefined ? null : toSent(mail, pairing)
    return isSame(outcome, now, verdict) ? [] : [{ id: outcome.id, sent: now, verdict }]
  })
  const holdsOne = new Set(outcomes.filter(({ sent: one }) => one !== null).map(({ id }) => id))
  const loses = changes
    .filter(({ id }) => holdsOne.has(id))
    .map(({ id }): OutcomeChange => ({ id, sent: null, verdict: 'unknown' }))
  return [...loses, ...changes]
}

function isSame(outcome: Outcome, sent: SentOutcome | null, verdict: Verdict): boolean {
  const known = outcome.sent
  if (outcome.verdict !== verdict || (known === null) !== (sent === null)) return false
  return known === null || sent === null
    ? true
    : known.messageId === sent.messageId && known.evidence === sent.evidence && known.score === sent.score
}

function toSent({ key, content, sentAt }: SentMail, pairing: NonNullable<Correlation['pairing']>): SentOutcome {
  return {
    messageId: key,
    subject: content.subject,
    body: textOf(content),
    to: [...content.to, ...content.cc].map(({ address }) => address).join(', '),
    at: sentAt,
    evidence: pairing.class,
    score: pairing.score,
    similarity: pairing.similarity,
    editDistance: pairing.editDistance,
  }
}
