import type { MessageId } from '../ids.ts'

/** What a reply needs of the message it answers. */
export interface ThreadParent {
  readonly messageId: string | null
  readonly inReplyTo: string | null
  readonly references: readonly string[]
}

export interface Threading {
  readonly inReplyTo: MessageId | null
  readonly references: readonly MessageId[]
}

/**
 * How long the References may get, `References: ` and blanks included. RFC 5322 §2.1.1 allows a line 998 octets, and
 * some relays and stores unfold the field or cut it there: a cut id would tie the message to a thread of its own.
 */
const longestReferences = 900

/**
 * In-Reply-To and References of a reply (RFC 5322 §3.6.4). Of a thread too long for one field, its first message and the
 * nearest ones are named: readers find the thread by the first, and the place in it by the last.
 */
export function threadingOf(parent: ThreadParent): Threading {
  const own = messageIdsIn(parent.messageId ?? '').slice(0, 1)
  const inReplyTo = messageIdsIn(parent.inReplyTo ?? '')
  const given = parent.references.flatMap(messageIdsIn).filter((id) => !isRemark.test(id))
  // With several ids, In-Reply-To does not say which is the parent of the parent.
  const before = given.length > 0 || inReplyTo.length !== 1 ? given : inReplyTo
  // An id that comes again is kept where it came last: the parent stands at the end.
  const all = [...before, ...own]
  const chain = all.filter((id, index) => all.lastIndexOf(id) === index)
  return { inReplyTo: own[0] ?? null, references: bounded(chain) }
}

// A comment or a quoted string between the ids, which readers that cut at blanks take for ids.
const isRemark = /^<[^@]*[()"][^@]*>$/

/** In the order in which a field names them (RFC 5322 §3.6.4). */
export function messageIdsIn(text: string): readonly MessageId[] {
  return (text.match(/<[^<>\s]+>/g) ?? []) as MessageId[]
}

function bounded(chain: readonly MessageId[]): readonly MessageId[] {
  const [first, ...rest] = chain
  if (first === undefined) return []
  let length = 'References:'.length + 1 + first.length
  const kept: MessageId[] = []
  for (const id of rest.toReversed()) {
    length += 1 + id.length
    if (length > longestReferences) break
    kept.unshift(id)
  }
  // A first id that leaves no room for the parent is of less use than the parent.
  const parent = rest.at(-1)
  return parent !== undefined && kept.length === 0 ? [parent] : [first, ...kept]
}

// `Re` and `Fwd`, and what programs in other languages write for them. Left out: what people write as words of their own
// before a colon (`Ref`, `Ang`, `R`, `I`), as a subject must not lose a word.
const replyWords =
  're|aw|antw|antwort|sv|vs|odp|odpověď|ynt|rif|res|bls|balas|atb|ats|vá|απ|отв|ответ|回复|回覆|答复|答覆|返信|회신|رد|תשובה'
const forwardWords = 'fwd?|wg|tr|rv|vb|vl|enc|pd|doorst|továbbítás|i̇lt|ilt|πρθ|转发|轉寄|転送|전달|הועבר'

// `Re[2]:`, `Re (2):`, `Re^2:`, `RE :` and the colon of Chinese and Japanese.
const ending = String.raw`(?:\s*[[(]\d{1,3}[\])]|[*^]\d{1,3})?\s*[:：]\s*`
const replyPrefixes = new RegExp(`^(?:(?:${replyWords})${ending})+`, 'iu')
const forwardPrefixes = new RegExp(`^(?:(?:${forwardWords})${ending})+`, 'iu')
/** What a mailing list puts before the subject. */
const listTag = /^(\[[^[\]]{1,50}\]\s*)/u

/** `Re: ` once, however often it was answered. What was forwarded stays marked as such. */
export function replySubject(subject: string): string {
  const [rest, tag] = withoutTag(withoutPrefixes(subject, replyPrefixes), replyPrefixes)
  return `Re: ${tag}${rest}`.trimEnd()
}

/** `Fwd: ` once. */
export function forwardSubject(subject: string): string {
  return `Fwd: ${withoutPrefixes(subject, forwardPrefixes)}`.trimEnd()
}

function withoutPrefixes(subject: string, prefixes: RegExp): string {
  return subject.trim().replace(prefixes, '')
}

/** `[list] Re: subject` gives the subject and the tag; without a prefix behind it, the tag is part of the subject. */
function withoutTag(subject: string, prefixes: RegExp): readonly [rest: string, tag: string] {
  const tag = listTag.exec(subject)?.[1] ?? ''
  const behind = subject.slice(tag.length)
  return [behind.replace(prefixes, ''), tag]
}
