import type { Attachment } from './draft.ts'
import { type Merged, mergeValue, type Side, type Sides } from './merge-value.ts'

type Attachments = readonly Attachment[]
type Three = { readonly base: Attachment | null; readonly local: Attachment | null; readonly remote: Attachment | null }

/** Attachments that both sides changed. Where the sides disagree about one, only that one is the winner's. */
export function mergeAttachments(sides: Sides<Attachments>, winner: Side): Merged<Attachments> {
  const local = pair(sides.base, sides.local, sameAttachment)
  const remote = pair(sides.base, sides.remote, sameAttachment)
  const added = pair(local.rest, remote.rest, sameAddition)
  const all: readonly Three[] = [
    ...sides.base.map((base, index) => ({ base, local: local.partners[index]!, remote: remote.partners[index]! })),
    ...local.rest.map((one, index) => ({ base: null, local: one, remote: added.partners[index]! })),
    ...added.rest.map((one) => ({ base: null, local: null, remote: one })),
  ]
  const merged = all.map((one) => mergeAttachment(one, winner))
  const value = merged.map((one) => one.value).filter((one) => one !== null)
  if (isSound(value, sides)) return { value, conflict: merged.some((one) => one.conflict) }
  return { value: withAdditions(sides, winner), conflict: true }
}

/**
 * Not so where one id is used for two attachments (a broken program), or where the bytes of two are the same, so that it
 * is a guess which of them a side removed.
 */
function isSound(merged: Attachments, { base, local, remote }: Sides<Attachments>): boolean {
  if (new Set(merged.map((one) => one.id)).size < merged.length) return false
  return [...local, ...remote].every(({ sha256 }) => {
    const count = (list: Attachments): number => list.filter((one) => one.sha256 === sha256).length
    const removed = count(local) < count(base) || count(remote) < count(base)
    const least = removed ? Math.min(count(local), count(remote)) : Math.max(count(local), count(remote))
    return count(merged) >= least
  })
}

function withAdditions(sides: Sides<Attachments>, winner: Side): Attachments {
  const kept = sides[winner]
  const other = winner === 'local' ? sides.remote : sides.local
  const known = new Set([...sides.base, ...kept].flatMap((one) => [`id:${one.id}`, one.sha256]))
  return [...kept, ...other.filter((one) => !known.has(`id:${one.id}`) && !known.has(one.sha256))]
}

type Same = (a: Attachment, b: Attachment) => boolean

/** The strongest sign first: a mail program that edited the draft on the server made new ids. */
const sameAttachment: readonly Same[] = [
  (a, b) => a.id === b.id,
  (a, b) => a.sha256 === b.sha256 && a.filename === b.filename,
  (a, b) => a.sha256 === b.sha256,
]
/** Whatever else both added is kept twice, rather than lost. */
const sameAddition: readonly Same[] = [
  (a, b) => a.id === b.id,
  (a, b) =>
    a.sha256 === b.sha256 &&
    a.filename === b.filename &&
    a.disposition === b.disposition &&
    a.contentId === b.contentId,
]

function pair(
  from: Attachments,
  to: Attachments,
  signs: readonly Same[],
): { readonly partners: readonly (Attachment | null)[]; readonly rest: Attachments } {
  const partners: (Attachment | null)[] = from.map(() => null)
  const rest = [...to]
  for (const same of signs) {
    for (const [index, one] of from.entries()) {
      if (partners[index] !== null) continue
      const found = rest.findIndex((other) => same(one, other))
      if (found !== -1) partners[index] = rest.splice(found, 1)[0] ?? null
    }
  }
  return { partners, rest }
}

function mergeAttachment(sides: Three, winner: Side): Merged<Attachment | null> {
  const { base, local, remote } = sides
  const whole = mergeValue(sides, winner)
  if (!whole.conflict) return whole
  // Removed by one, changed by the other: rather one too many, which the user sees, than one lost.
  if (local === null || remote === null) return { value: local ?? remote, conflict: false }

  let conflict = false
  const property = <Key extends keyof Attachment>(key: Key): Attachment[Key] => {
    const one = mergeValue<Attachment[Key] | undefined>(
      { base: base?.[key], local: local[key], remote: remote[key] },
      winner,
    )
    conflict ||= one.conflict
    return one.value as Attachment[Key]
  }
  const bytes = mergeValue<Attachment['sha256'] | undefined>(
    { base: base?.sha256, local: local.sha256, remote: remote.sha256 },
    winner,
  )
  conflict ||= bytes.conflict
  const bytesOf = bytes.value === local.sha256 ? local : remote
  const value: Attachment = {
    id: mergeId(base, local, remote),
    filename: property('filename'),
    contentType: property('contentType'),
    size: bytesOf.size,
    sha256: bytesOf.sha256,
    disposition: property('disposition'),
    contentId: property('contentId'),
  }
  return { value, conflict }
}

/** The id that is known; of two new ones the smaller, so that both devices choose the same. */
function mergeId(base: Attachment | null, local: Attachment, remote: Attachment): Attachment['id'] {
  if (base !== null && (local.id === base.id || remote.id === base.id)) return base.id
  return local.id < remote.id ? local.id : remote.id
}

/**
 * Images that the merged HTML shows stay, even where the side that lost the body removed them. The first of `candidates`
 * that fits is taken.
 */
export function keepShown(merged: Attachments, candidates: Attachments, html: string | null): Attachments {
  if (html === null) return merged
  const kept = [...merged]
  for (const one of candidates) {
    const { contentId } = one
    if (contentId === null || contentId === '') continue
    if (kept.some((other) => other.contentId === contentId || other.id === one.id)) continue
    if (html.includes(`cid:${contentId}`) || html.includes(`cid:${encodeURIComponent(contentId)}`)) kept.push(one)
  }
  return kept
}
