import type { MailText } from '../correlation/evidence.ts'
import { type Reading, readingOf, shareKept } from '../correlation/reading.ts'
import { containment } from '../correlation/shingles.ts'
import type { MessageId, Umid } from '../ids.ts'

/**
 * What ties a message that we did not store to a draft of ours. The draft's own id is kept only on exact evidence: our
 * token, or a base that is an upload of ours. What merely looks like a draft that vanished gets an id of its own and a
 * link, which the user sees.
 */
export type Kinship =
  /** Somebody's edit of that very draft. `of`: of the newest copy that we know, or of one that has been replaced since. */
  | { readonly kind: 'edit'; readonly draftId: Umid; readonly of: 'newest' | 'older' }
  /** A draft that another device of the user made: it goes by the same id, and its copies by the same token, here too. */
  | { readonly kind: 'other-device'; readonly id: Umid; readonly token: string }
  /** A draft that is here by the same id, as a bundle brought it, and of which another device has stored a copy. */
  | { readonly kind: 'same-draft'; readonly draftId: Umid; readonly token: string }
  /** It looks like the draft that vanished. */
  | { readonly kind: 'resembles'; readonly draftId: Umid }
  | { readonly kind: 'none' }

/** A copy that we stored, or took in: what the message's header can name. */
export interface KnownMessage {
  readonly draftId: Umid
  readonly messageId: MessageId
  /** We made the Message-ID; else it is another program's, which may give the same to each of its saves, or to copies. */
  readonly isOurs: boolean
}

export interface KinshipQuestion {
  readonly everdraftId: Umid | null
  /** The Message-ID names our draft's token, but no copy that we stored: another device of ours did. */
  readonly token: { readonly text: string; readonly draftId: Umid | null } | null
  /** What has the very Message-ID of the message, and other content. */
  readonly sameMessageId: KnownMessage | null
  /** What the message says that it supersedes. */
  readonly base: KnownMessage | null
  /** The copy of ours that superseded the same base: a program that kept our header fields has edited that one. */
  readonly sameBase: KnownMessage | null
  /** Where there is a draft by `everdraftId`: in this account one that is a draft still, or any other; null: nowhere. */
  readonly idIsTaken: 'here' | 'otherwise' | null
  /** The Message-ID of the newest copy of a draft, while it is there: null where it vanished, or there is none. */
  newest(draftId: Umid): { readonly messageId: MessageId; readonly isThere: boolean } | null
}

/** In the order of the evidence; the first hit counts. Likeness is looked for by `resembling` where this finds none. */
export function kinship(question: KinshipQuestion): Kinship {
  const { sameMessageId, base, sameBase, token, everdraftId } = question
  const edit = (known: KnownMessage): Kinship => ({
    kind: 'edit',
    draftId: known.draftId,
    of: question.newest(known.draftId)?.messageId === known.messageId ? 'newest' : 'older',
  })
  if (sameMessageId !== null) {
    // Two messages of one foreign Message-ID side by side are two messages: a program is in the middle of replacing one by
    // the other, or a person has copied it.
    const isBeside = !sameMessageId.isOurs && question.newest(sameMessageId.draftId)?.isThere === true
    return isBeside ? { kind: 'resembles', draftId: sameMessageId.draftId } : edit(sameMessageId)
  }
  if (base !== null) return edit(base)
  if (token !== null && token.draftId !== null) return { kind: 'edit', draftId: token.draftId, of: 'older' }
  if (sameBase !== null && everdraftId !== null) return edit(sameBase)
  if (token === null || everdraftId === null || question.idIsTaken === 'otherwise') return { kind: 'none' }
  return question.idIsTaken === null
    ? { kind: 'other-device', id: everdraftId, token: token.text }
    : { kind: 'same-draft', draftId: everdraftId, token: token.text }
}

/** A draft whose copy vanished, or that was purged for it, and what it said. */
export interface VanishedDraft {
  readonly draftId: Umid
  readonly reading: Reading
  /** It went within the last hour, or since the round before: a newcomer may have come in its place. */
  readonly isRecent: boolean
}

/**
 * The vanished draft that the newcomer looks most like; null where none is like enough, or two are equally. That both go to the same
 * person, say a phrase that anybody may write, or have a quote or a signature in common says nothing.
 */
export function resembling(newcomer: MailText, vanished: readonly VanishedDraft[]): Umid | null {
  const reading = readingOf(newcomer)
  const scored = vanished
    .flatMap((draft) => {
      const likeness = likenessOf(draft.reading, reading)
      const isLike = likeness !== null && isLikeEnough(likeness, draft.isRecent)
      return isLike ? { draftId: draft.draftId, score: scoreOf(likeness) } : []
    })
    .toSorted((a, b) => b.score - a.score)
  const [best, second] = scored
  if (best === undefined || best.score === second?.score) return null
  return best.draftId
}

/** What two drafts have in common; null where one of them has nothing to say about it. */
interface Likeness {
  /** Both answer the same mail; null: one of them answers none. */
  readonly sameParent: true | null
  readonly sameSubject: boolean | null
  /** From 0 to 1: of whom it was to go to. */
  readonly recipients: number | null
  /** From 0 to 1: of the shorter text of their own, what is in the other. */
  readonly text: number | null
  /** Both texts are too short to say anything by having something in common. */
  readonly isTerse: boolean
  /** Word for word. */
  readonly sameText: boolean
  /** From 0 to 1: of the attachments that it had. */
  readonly attachments: number | null
}

/** Below so many words a text is a phrase. */
const terseWords = 6

/** Null: it is about something else, or goes to other people, whatever it says. */
function likenessOf(vanished: Reading, newcomer: Reading): Likeness | null {
  // Some programs forget what a draft answers; none makes an answer of what was none.
  if (newcomer.parent !== null && newcomer.parent !== vanished.parent) return null
  const recipients = newcomer.recipients.size === 0 ? null : shareKept(vanished.recipients, newcomer.recipients)
  if (recipients === 0) return null
  const isSaid = vanished.subject !== '' && newcomer.subject !== ''
  return {
    sameParent: newcomer.parent === null ? null : true,
    sameSubject: isSaid ? vanished.subject === newcomer.subject : null,
    recipients,
    text: containment(vanished.shingles, newcomer.shingles),
    isTerse: Math.min(vanished.words.length, newcomer.words.length) < terseWords,
    sameText: newcomer.words.length > 0 && vanished.words.join(' ') === newcomer.words.join(' '),
    attachments: shareKept(vanished.attachments, newcomer.attachments),
  }
}

function isLikeEnough(likeness: Likeness, isRecent: boolean): boolean {
  const { sameParent, sameSubject, recipients, text, isTerse, sameText, attachments } = likeness
  const isSameThing = sameParent === true || sameSubject === true
  const goesThere = recipients !== null && recipients >= 0.5
  // Mails that are written every week have words in common: of what went long ago nearly all must be there.
  if (!isTerse && text !== null) {
    if (!isRecent) return isSameThing && text >= 0.8
    if (text >= (sameParent === true ? 0.35 : isSameThing ? 0.5 : 0.7)) return isSameThing || goesThere
  }
  if (!isRecent) return false
  if (isSameThing && attachments !== null && attachments >= 0.5) return true
  if (isTerse && sameText && isSameThing) return true
  // In its place, and to the same people: the same answer, or one that is still to be written.
  return goesThere && (sameParent === true || (sameSubject === true && isTerse))
}

function scoreOf({ sameParent, sameSubject, recipients, text, attachments }: Likeness): number {
  const signs = [
    [3, sameParent === true ? 1 : null],
    [2, sameSubject === null ? null : Number(sameSubject)],
    [2, recipients],
    [3, attachments],
    [4, text],
  ] as const
  return signs.reduce((sum, [weight, value]) => sum + weight * (value ?? 0), 0)
}
