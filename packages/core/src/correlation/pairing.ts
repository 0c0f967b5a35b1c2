import type { MessageId, Umid } from '../ids.ts'
import { hasSentMark, tokenOf } from '../sync/message-ids.ts'
import type { DraftTrace, EvidenceKind, SentMail, Whereabouts } from './evidence.ts'
import { type Reading, readingOf, shareKept } from './reading.ts'
import { containment } from './shingles.ts'

/** A draft with what it said at each time, brought into what is compared. */
export interface TracedDraft {
  readonly trace: DraftTrace
  readonly readings: readonly [Reading, ...Reading[]]
}

export interface ReadMail {
  readonly mail: SentMail
  readonly reading: Reading
}

/** That a mail was made of a draft, as far as these two show. */
export interface Likelihood {
  readonly draftId: Umid
  readonly key: string
  readonly evidence: EvidenceKind
  /** From 0 to 1: how much the rest speaks for it. */
  readonly score: number
}

export function traced(trace: DraftTrace): TracedDraft {
  const [first, ...later] = trace.versions
  return { trace, readings: [readingOf(first), ...later.map(readingOf)] }
}

export function readMail(mail: SentMail): ReadMail {
  return { mail, reading: readingOf(mail.content) }
}

const minuteMs = 60_000
/** How far the clock of who sent may be from ours. */
const clockSkewMs = 2 * minuteMs
/** A program removes the draft when it has sent the mail, and may be offline for a while in between. */
export const vanishedWithinMs: number = 15 * minuteMs

/** The surest evidence that there is; null where none speaks for it, or something speaks against it. */
function likelihood(draft: TracedDraft, sent: ReadMail): Likelihood | null {
  const { trace } = draft
  const found = (evidence: EvidenceKind, score: number): Likelihood => ({
    draftId: trace.draftId,
    key: sent.mail.key,
    evidence,
    score: Math.min(1, Math.max(0, score)),
  })
  const named = namedBy(trace, sent.mail)
  const likeness = likenessOf(draft, sent.reading)
  // What is sent twice is named twice, and the copy goes to other people.
  if (named !== null) return found(named, 0.9 + 0.06 * likeness.text + 0.04 * likeness.recipients)
  if (sent.mail.sentAt < trace.createdAt - clockSkewMs || likeness.isElsewhere) return null
  const vanishing = vanishedWith(trace.whereabouts, sent.mail.sentAt)
  if (isInItsPlace(likeness, vanishing)) return found('vanished', vanishedScore(likeness, vanishing))
  const score = contentScore(likeness, vanishing)
  return score === null ? null : found('content', score)
}

// One pair of a surer class is worth more than all of a less sure one that it may cost.
export const worth: Readonly<Record<EvidenceKind, number>> = {
  submission: 1e10,
  'server-id': 1e10,
  token: 1e10,
  successor: 1e5,
  vanished: 1,
  content: 1,
}

/** Of which of these drafts a mail may have been made. What names one in its header is no other's, however much it resembles that. */
export function likelihoodsOf(candidates: readonly TracedDraft[], mail: ReadMail): readonly Likelihood[] {
  const all = candidates.flatMap((draft) => likelihood(draft, mail) ?? [])
  const surest = Math.max(...all.map(({ evidence }) => worth[evidence]))
  return all.filter(({ evidence }) => worth[evidence] === surest)
}

/** What the header says, without any doubt. */
function namedBy(trace: DraftTrace, mail: SentMail): EvidenceKind | null {
  const { messageId, originalIds, everdraftId, serverIds } = mail
  const ids = [...(messageId === null ? [] : [messageId]), ...originalIds]
  const { sentMark, token, uploadIds, successorIds, submissionIds } = trace
  if (ids.some((id) => submissionIds.includes(id) || (sentMark !== null && hasSentMark(id, sentMark)))) {
    return 'submission'
  }
  if (serverIds.some((id) => trace.serverIds.includes(id))) return 'server-id'
  if (ids.some((id) => uploadIds.includes(id) || tokenOf(id) === token)) return 'token'
  if (everdraftId === trace.draftId) return 'token'
  return ids.some((id) => successorIds.includes(id)) ? 'successor' : null
}

/** From 0 to 1, of the version that is most like it. */
interface Likeness {
  /** What of the words of the shorter text stands in the other. */
  readonly text: number
  /** Too few words to say anything by being the same. */
  readonly isTerse: boolean
  readonly recipients: number
  readonly sameSender: boolean
  readonly sameSubject: boolean
  readonly attachments: number | null
  readonly thread: 'same' | 'related' | 'unknown' | 'other'
  /** Neither answers anything. */
  readonly isFresh: boolean
  /** It is about something else, whatever it says: it answers another mail, or goes to none of those people. */
  readonly isElsewhere: boolean
}

/** Below so many words a text is a phrase that anybody may write anywhere. */
const terseWords = 6

function likenessOf({ readings }: TracedDraft, mail: Reading): Likeness {
  const all = readings.map((reading) => likenessToVersion(reading, mail))
  return all.reduce((best, one) => (weightOf(one) > weightOf(best) ? one : best))
}

function weightOf({ text, recipients, sameSubject, isElsewhere }: Likeness): number {
  return (isElsewhere ? -2 : 0) + text + recipients / 10 + (sameSubject ? 0.1 : 0)
}

function likenessToVersion(draft: Reading, mail: Reading): Likeness {
  const settings = settingsOf(draft, mail)
  return {
    ...settings,
    text: containment(draft.shingles, mail.shingles) ?? 0,
    isTerse: Math.min(draft.words.length, mail.words.length) < terseWords,
    attachments: shareKept(draft.attachments, mail.attachments),
    isFresh: draft.parent === null && mail.parent === null,
    isElsewhere: settings.thread === 'other' || shareKept(draft.recipients, mail.recipients) === 0,
  }
}

/** All that is like without a look at the words: many are asked for that. */
function settingsOf(
  draft: Reading,
  mail: Reading,
): Pick<Likeness, 'recipients' | 'sameSender' | 'sameSubject' | 'thread'> {
  return {
    recipients: shareKept(draft.recipients, mail.recipients) ?? 0,
    sameSender: draft.sender === null || mail.sender === null || draft.sender === mail.sender,
    sameSubject: draft.subject === mail.subject,
    thread: threadOf(draft, mail),
  }
}

function threadOf(draft: Reading, mail: Reading): Likeness['thread'] {
  const { parent } = draft
  // Some programs forget what they answer.
  if (mail.parent === null) return 'unknown'
  // An answer in place of a mail that answered nothing is another mail.
  if (parent === null) return 'other'
  if (mail.parent === parent) return 'same'
  return mail.ancestors.has(parent) || draft.ancestors.has(mail.parent) ? 'related' : 'other'
}

/** Whether it went from Drafts when the mail went. */
type Vanishing =
  /** Then, as far as the rounds that saw it there and gone say. */
  | 'when-sent'
  /** It was gone before the mail was sent. */
  | 'before'
  /** It went long after, or is still there. */
  | 'later'
  /** It was there, and nobody has looked since. */
  | 'unseen'

function vanishedWith(whereabouts: Whereabouts, sentAt: number): Vanishing {
  if (whereabouts.kind === 'discarded') return 'before'
  if (whereabouts.kind === 'there') return whereabouts.seenAt <= sentAt + vanishedWithinMs ? 'unseen' : 'later'
  if (whereabouts.goneAt < sentAt - clockSkewMs) return 'before'
  return whereabouts.seenAt > sentAt + vanishedWithinMs ? 'later' : 'when-sent'
}

function isInItsPlace(likeness: Likeness, vanishing: Vanishing): boolean {
  const { thread, isFresh, recipients, sameSender, sameSubject, text } = likeness
  const isSameThing = thread === 'same' || (isFresh && sameSubject)
  // Who deletes the draft and then writes an answer by hand writes other words.
  const isPossible = vanishing === 'when-sent' || (vanishing === 'before' && text >= 0.5)
  return isPossible && isSameThing && sameSender && recipients >= 0.5
}

function vanishedScore({ text, recipients, sameSubject }: Likeness, vanishing: Vanishing): number {
  const base = 0.4 + 0.4 * text + 0.1 * recipients + (sameSubject ? 0.1 : 0)
  return vanishing === 'when-sent' ? base : base - 0.2
}

/** Below it more speaks against than for it. */
const leastScore = 0.5

/** Null: too little of it is the same. */
function contentScore(likeness: Likeness, vanishing: Vanishing): number | null {
  const { text, isTerse, recipients, sameSender, sameSubject, attachments, thread } = likeness
  const enough = thread === 'same' ? 0.35 : sameSubject ? 0.5 : 0.7
  if (text < enough || !sameSender) return null
  // Some sentences are in every second mail: of what was not there when the mail went, more of it must be the same.
  if (vanishing !== 'when-sent' && vanishing !== 'unseen' && text < 0.6) return null
  // A phrase says something only where it is the same, and goes to where it was to go.
  if (isTerse && (text < 1 || !sameSubject || (thread !== 'same' && vanishing !== 'when-sent'))) return null
  const seen = { 'when-sent': 0.1, unseen: 0, before: -0.15, later: -0.1 }[vanishing]
  const files = attachments === null ? 0 : 0.1 * attachments - 0.05
  const threads = { same: 0.2, related: 0.05, unknown: 0, other: 0 }[thread]
  const score = 0.15 + 0.35 * text + 0.15 * recipients + (sameSubject ? 0.1 : 0) + threads + seen + files
  return score < leastScore ? null : score
}

/** Somebody has answered what the draft was to answer. */
export function isAnswered({ trace, readings: [drafted] }: TracedDraft, { mail, reading }: ReadMail): boolean {
  const { thread, recipients, sameSender, sameSubject } = settingsOf(drafted, reading)
  const isSameThread = thread === 'same' || (thread === 'unknown' && sameSubject)
  return isSameThread && sameSender && recipients >= 0.5 && mail.sentAt >= trace.createdAt - clockSkewMs
}

/** The Message-IDs by which a draft may be named. */
export function idsOf({ uploadIds, successorIds, submissionIds }: DraftTrace): readonly MessageId[] {
  return [...uploadIds, ...successorIds, ...submissionIds]
}
