import type { DraftContent } from '../draft/draft.ts'
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
  /** There is a draft by `everdraftId`, in whatever account. */
  readonly idIsTaken: boolean
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
  if (token !== null && everdraftId !== null && !question.idIsTaken) {
    return { kind: 'other-device', id: everdraftId, token: token.text }
  }
  return { kind: 'none' }
}

/** A draft whose copy vanished, or that was purged for it, and what it said. */
export interface VanishedDraft {
  readonly draftId: Umid
  readonly content: DraftContent
}

/** A foreign edit shows as a vanish and a new message. At this score and above the two are linked. */
const likeEnough = 0.6

/** The vanished draft that the newcomer looks most like; null where none is like enough, or two are equally. */
export function resembling(newcomer: DraftContent, vanished: readonly VanishedDraft[]): Umid | null {
  const scored = vanished
    .map(({ draftId, content }) => ({ draftId, score: likeness(newcomer, content) }))
    .filter(({ score }) => score >= likeEnough)
    .toSorted((a, b) => b.score - a.score)
  const [best, second] = scored
  if (best === undefined || best.score === second?.score) return null
  return best.draftId
}

/** From 0 to 1: what two drafts have in common. What is empty in both says nothing. */
export function likeness(a: DraftContent, b: DraftContent): number {
  const signs: readonly (readonly [weight: number, value: number | null])[] = [
    [3, sameText(a.inReplyTo, b.inReplyTo)],
    [2, sameText(a.subject.trim().toLowerCase(), b.subject.trim().toLowerCase())],
    [2, overlap(addressesOf(a), addressesOf(b))],
    [3, overlap(hashesOf(a), hashesOf(b))],
    [4, containment(shingles(bodyOf(a)), shingles(bodyOf(b)))],
  ]
  const said = signs.flatMap(([weight, value]) => (value === null ? [] : [{ weight, value }]))
  const weights = said.reduce((sum, { weight }) => sum + weight, 0)
  return weights === 0 ? 0 : said.reduce((sum, { weight, value }) => sum + weight * value, 0) / weights
}

function sameText(a: string | null, b: string | null): number | null {
  if (!a && !b) return null
  return a === b ? 1 : 0
}

function addressesOf({ to, cc, bcc }: DraftContent): ReadonlySet<string> {
  return new Set([...to, ...cc, ...bcc].map(({ address }) => address.toLowerCase()))
}

function hashesOf({ attachments }: DraftContent): ReadonlySet<string> {
  return new Set(attachments.map(({ sha256 }) => sha256))
}

function bodyOf({ text, html }: DraftContent): string {
  return text.trim() === '' && html !== null ? html.replaceAll(/<[^>]*>/g, ' ') : text
}

/** Runs of three words; of a text with fewer, the words. */
function shingles(text: string): ReadonlySet<string> {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
  if (words.length < 3) return new Set(words)
  return new Set(words.slice(2).map((_, index) => words.slice(index, index + 3).join(' ')))
}

/** Of all, those that both have. */
function overlap(a: ReadonlySet<string>, b: ReadonlySet<string>): number | null {
  const both = inBoth(a, b)
  const all = a.size + b.size - both
  return all === 0 ? null : both / all
}

/** Of the smaller, what is in the larger: an edit mostly adds. */
function containment(a: ReadonlySet<string>, b: ReadonlySet<string>): number | null {
  if (a.size === 0 && b.size === 0) return null
  const smaller = Math.min(a.size, b.size)
  return smaller === 0 ? 0 : inBoth(a, b) / smaller
}

function inBoth(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  return [...a].filter((one) => b.has(one)).length
}
