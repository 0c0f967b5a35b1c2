import type { Attachment, ContentField, DraftContent } from './draft.ts'
import { keepShown, mergeAttachments } from './merge-attachments.ts'
import { mergeHtml } from './merge-html.ts'
import { mergeRecipients } from './merge-recipients.ts'
import { mergeText } from './merge-text.ts'
import { changedBy, mergeValue, orderOfKeys, type Side, type Sides } from './merge-value.ts'

export type MergeStrategy = 'local-wins' | 'remote-wins' | 'merge'

export type Merge =
  | { readonly kind: 'merged'; readonly content: DraftContent }
  /**
   * `content` is all that could be merged. A field in conflict is the local one there; in lists and metadata only the
   * entries in dispute are, so that nothing that was merged is missing from it.
   */
  | { readonly kind: 'conflict'; readonly content: DraftContent; readonly fields: readonly ContentField[] }

/**
 * Merges what two sides made of one draft. What one side only changed is taken, whatever the strategy; the strategy
 * decides about the rest. Pure and total: it throws on no content.
 */
export function mergeContent(sides: Sides<DraftContent>, strategy: MergeStrategy): Merge {
  const winner: Side = strategy === 'remote-wins' ? 'remote' : 'local'
  const conflicts = new Set<ContentField>()
  const field = <Field extends ContentField>(
    name: Field,
    merge: (values: Sides<DraftContent[Field]>) => { readonly value: DraftContent[Field]; readonly conflict: boolean },
  ): DraftContent[Field] => {
    const values = { base: sides.base[name], local: sides.local[name], remote: sides.remote[name] }
    const merged = changedBy(values) === 'both' ? merge(values) : mergeValue(values, winner)
    if (merged.conflict) conflicts.add(name)
    return merged.value
  }

  const { recipients, conflicts: recipientConflicts } = mergeRecipients(sides, winner)
  for (const name of recipientConflicts) conflicts.add(name)
  const body = mergeBody(sides, winner)
  for (const name of body.conflicts) conflicts.add(name)
  const inReplyTo = field('inReplyTo', (values) => mergeValue(values, winner))
  const attachments = field('attachments', (values) => mergeAttachments(values, winner))

  // Of two images of one content id, the one that belongs to the HTML.
  const [first, second] = winner === 'local' ? [sides.local, sides.remote] : [sides.remote, sides.local]
  // Who removed one that the very same HTML shows did so knowing what it shows.
  const both = [...first.attachments, ...second.attachments].filter((one) =>
    [first, second].every(
      (side) => side.html !== body.html || side.attachments.some((other) => isSameShown(one, other)),
    ),
  )
  const candidates = body.conflicts.length > 0 ? both : both.toSorted((a, b) => (a.id < b.id ? -1 : 1))

  // Nobody sees these parts, so nobody could decide about them.
  const { value: unmodelled } = mergeValue(
    {
      base: sides.base.unmodelled ?? null,
      local: sides.local.unmodelled ?? null,
      remote: sides.remote.unmodelled ?? null,
    },
    winner,
  )

  const content: DraftContent = {
    from: field('from', (values) => mergeValue(values, winner)),
    ...recipients,
    subject: field('subject', (values) => mergeValue(values, winner)),
    text: body.text,
    html: body.html,
    inReplyTo,
    references: field('references', (values) => mergeReferences(values, winner, conflicts.has('inReplyTo'))),
    attachments: body.changedByBoth ? keepShown(attachments, candidates, body.html) : attachments,
    metadata: field('metadata', (values) => mergeMetadata(values, winner)),
    tags: field('tags', (values) => ({ value: mergeTags(values), conflict: false })),
    ...(unmodelled === null ? {} : { unmodelled }),
  }
  if (strategy !== 'merge' || conflicts.size === 0) return { kind: 'merged', content }
  const fields = (Object.keys(content) as ContentField[]).filter((name) => conflicts.has(name))
  return { kind: 'conflict', content, fields }
}

function isSameShown(one: Attachment, other: Attachment): boolean {
  return one.id === other.id || one.contentId === other.contentId
}

/**
 * Text and HTML are two renderings of one body: they are merged together or not at all. In conflict, too, is what would
 * be seen in one of them only: a side wrote in the text and left the HTML as it was, and the other wrote in the HTML.
 */
function mergeBody(
  { base, local, remote }: Sides<DraftContent>,
  winner: Side,
): {
  readonly text: string
  readonly html: string | null
  readonly conflicts: readonly ContentField[]
  readonly changedByBoth: boolean
} {
  const texts = { base: base.text, local: local.text, remote: remote.text }
  const htmls = { base: base.html, local: local.html, remote: remote.html }
  const textBy = changedBy(texts)
  const htmlBy = changedBy(htmls)
  const both = [textBy, htmlBy]
  const changedByBoth = both.includes('both') || (both.includes('local') && both.includes('remote'))

  const text = mergeRendering(texts, mergeText)
  const html = mergeRendering(htmls, (values) =>
    values.base === null || values.local === null || values.remote === null
      ? null
      : mergeHtml({ base: values.base, local: values.local, remote: values.remote }),
  )
  const apart =
    (htmlBy === 'remote' && (textBy === 'local' || textBy === 'both')) ||
    (htmlBy === 'local' && (textBy === 'remote' || textBy === 'both'))
  if (text !== null && html !== null && !(apart && html.value !== null)) {
    return { text: text.value, html: html.value, conflicts: [], changedByBoth }
  }
  const conflicts: ContentField[] = []
  if (local.text !== remote.text) conflicts.push('text')
  if (local.html !== remote.html) conflicts.push('html')
  const { text: winningText, html: winningHtml } = winner === 'local' ? local : remote
  return { text: winningText, html: winningHtml, conflicts, changedByBoth }
}

/** `merge` is given what both sides changed, with line ends as the model has them; null: it cannot be merged. */
function mergeRendering<Text extends string | null>(
  values: Sides<Text>,
  merge: (values: Sides<Text>) => Text | null,
): { readonly value: Text } | null {
  const exact = mergeValue(values, 'local')
  if (!exact.conflict) return { value: exact.value }
  const withLineFeeds = {
    base: lineFeeds(values.base),
    local: lineFeeds(values.local),
    remote: lineFeeds(values.remote),
  }
  const alike = mergeValue(withLineFeeds, 'local')
  if (!alike.conflict) return { value: alike.value }
  const merged = merge(withLineFeeds)
  return merged === null ? null : { value: merged }
}

function lineFeeds<Text extends string | null>(text: Text): Text {
  return (text === null ? null : text.replace(/\r\n?/g, '\n')) as Text
}

/** Of two sides that both only lengthened the thread, the one that knows more of it; it must be the thread replied to. */
function mergeReferences(
  values: Sides<DraftContent['references']>,
  winner: Side,
  threadInConflict: boolean,
): { readonly value: DraftContent['references']; readonly conflict: boolean } {
  const { base, local, remote } = values
  const [shorter, longer] = local.length < remote.length ? [local, remote] : [remote, local]
  if (!threadInConflict && startsWith(shorter, base) && startsWith(longer, shorter)) {
    return { value: longer, conflict: false }
  }
  return mergeValue(values, winner)
}

function startsWith(list: readonly string[], start: readonly string[]): boolean {
  return start.length <= list.length && start.every((one, index) => one === list[index])
}

function mergeMetadata(
  { base, local, remote }: Sides<DraftContent['metadata']>,
  winner: Side,
): { readonly value: DraftContent['metadata']; readonly conflict: boolean } {
  let conflict = false
  const entries: [string, unknown][] = []
  for (const key of orderOfKeys({ base: Object.keys(base), local: Object.keys(local), remote: Object.keys(remote) })) {
    const merged = mergeValue(
      { base: valueAt(base, key), local: valueAt(local, key), remote: valueAt(remote, key) },
      winner,
    )
    conflict ||= merged.conflict
    if (merged.value !== null) entries.push([key, merged.value.value])
  }
  return { value: Object.fromEntries(entries), conflict }
}

function valueAt(metadata: DraftContent['metadata'], key: string): { readonly value: unknown } | null {
  return Object.hasOwn(metadata, key) ? { value: metadata[key] } : null
}

function mergeTags(tags: Sides<readonly string[]>): readonly string[] {
  const { base, local, remote } = { base: new Set(tags.base), local: new Set(tags.local), remote: new Set(tags.remote) }
  return orderOfKeys(tags).filter((tag) => (base.has(tag) ? local.has(tag) && remote.has(tag) : true))
}
