import type { Attachment, DraftContent, PartStructure, RawField, Unmodelled, UnmodelledPart } from '@everdraft/core'

/** A part of a message that is to be written. */
export type Part = Multipart | TextPart | AttachmentPart | OpaquePart

export interface Multipart {
  readonly kind: 'multipart'
  readonly subtype: string
  readonly parameters: readonly string[]
  readonly fields: readonly RawField[]
  readonly parts: readonly Part[]
}

export interface TextPart {
  readonly kind: 'text' | 'html'
  readonly parameters: readonly string[]
  readonly fields: readonly RawField[]
}

export interface AttachmentPart {
  readonly kind: 'attachment'
  readonly attachment: Attachment
  readonly parameters: readonly string[]
  readonly dispositionParameters: readonly string[] | null
  readonly fields: readonly RawField[]
}

/** Written as it stood. */
interface OpaquePart {
  readonly kind: 'unmodelled'
  readonly part: UnmodelledPart
}

/**
 * The parts of a draft's message. Those of a message that it was read from stay where they stood; what the draft has
 * beyond them finds its place as in a message of our own: text, HTML, inline attachments with a Content-ID beside the
 * HTML, the others at the end. The text part of our own is always there, so that sections do not move.
 */
export function arrange(content: DraftContent, unmodelled: Unmodelled | null): Part {
  const left = [...content.attachments]
  const kept = unmodelled === null ? textPart : keep(unmodelled.structure, content, unmodelled.parts, left)
  let root: Part = kept ?? textPart
  root = withText(root, content)
  root = withHtml(root, content)
  for (const attachment of left.filter((one) => isInlineOfHtml(one, content))) root = withInline(root, attachment)
  for (const attachment of left.filter((one) => !isInlineOfHtml(one, content))) root = withAttachment(root, attachment)
  return root
}

const textPart: TextPart = { kind: 'text', parameters: [], fields: [] }
const htmlPart: TextPart = { kind: 'html', parameters: [], fields: [] }

function isInlineOfHtml({ disposition, contentId }: Attachment, { html }: Pick<DraftContent, 'html'>): boolean {
  return html !== null && disposition === 'inline' && contentId !== null
}

/** What of a structure the draft still has; takes its attachments out of `left`. */
function keep(
  structure: PartStructure,
  content: DraftContent,
  parts: readonly UnmodelledPart[],
  left: Attachment[],
): Part | null {
  switch (structure.kind) {
    case 'text':
      return { ...structure, kind: 'text' }
    case 'html':
      return content.html === null ? null : { ...structure, kind: 'html' }
    case 'attachment': {
      const at = left.findIndex(({ sha256 }) => sha256 === structure.sha256)
      const [attachment] = at === -1 ? [] : left.splice(at, 1)
      if (attachment === undefined) return null
      const { parameters, dispositionParameters, fields } = structure
      return { kind: 'attachment', attachment, parameters, dispositionParameters, fields }
    }
    case 'unmodelled': {
      const part = parts[structure.part]
      // Who removes the HTML removes every version of it: the next one would be read, and shown, in its place.
      const isRemoved = content.html === null && part?.contentType === 'text/html'
      return part === undefined || isRemoved ? null : { kind: 'unmodelled', part }
    }
    case 'multipart': {
      const kept = structure.parts.flatMap((inner) => keep(inner, content, parts, left) ?? [])
      return kept.length === 0 ? null : { ...structure, parts: kept }
    }
  }
}

function withText(root: Part, { text, html }: DraftContent): Part {
  if (find(root, 'text') !== null) return root
  // Nothing to say: a message of HTML, of one file or of a signed body stays what it is.
  if (text === '' && (html === null || find(root, 'html') !== null)) return root
  const shown = find(root, 'html')
  if (shown === null) return besides(root, (mixed) => ({ ...mixed, parts: [textPart, ...mixed.parts] }))
  const parent = parentOf(root, shown)
  const whole = parent?.subtype === 'related' ? parent : shown
  const above = parentOf(root, whole)
  if (above?.subtype === 'alternative') return replace(root, above, { ...above, parts: [textPart, ...above.parts] })
  return replace(root, whole, multipart('alternative', [textPart, whole]))
}

function withHtml(root: Part, { html }: DraftContent): Part {
  if (html === null || find(root, 'html') !== null) return root
  const text = find(root, 'text')
  if (text === null) return root
  const parent = parentOf(root, text)
  if (parent?.subtype !== 'alternative') return replace(root, text, multipart('alternative', [text, htmlPart]))
  const parts = parent.parts.flatMap((part) => (part === text ? [text, htmlPart] : [part]))
  return replace(root, parent, { ...parent, parts })
}

function withInline(root: Part, attachment: Attachment): Part {
  const html = find(root, 'html')
  if (html === null) return withAttachment(root, attachment)
  const parent = parentOf(root, html)
  if (parent?.subtype !== 'related') return replace(root, html, multipart('related', [html, newPart(attachment)]))
  return replace(root, parent, { ...parent, parts: [...parent.parts, newPart(attachment)] })
}

function withAttachment(root: Part, attachment: Attachment): Part {
  return besides(root, (mixed) => ({ ...mixed, parts: [...mixed.parts, newPart(attachment)] }))
}

/** Changes the multipart/mixed at the root, which is made where there is none. */
function besides(root: Part, change: (mixed: Multipart) => Multipart): Multipart {
  return change(root.kind === 'multipart' && root.subtype === 'mixed' ? root : multipart('mixed', [root]))
}

function newPart(attachment: Attachment): AttachmentPart {
  return { kind: 'attachment', attachment, parameters: [], dispositionParameters: [], fields: [] }
}

function multipart(subtype: string, parts: readonly Part[]): Multipart {
  return { kind: 'multipart', subtype, parameters: [], fields: [], parts }
}

function find(part: Part, kind: 'text' | 'html'): TextPart | null {
  if (part.kind === kind) return part
  if (part.kind !== 'multipart') return null
  for (const inner of part.parts) {
    const found = find(inner, kind)
    if (found !== null) return found
  }
  return null
}

function parentOf(root: Part, part: Part): Multipart | null {
  if (root.kind !== 'multipart') return null
  if (root.parts.includes(part)) return root
  for (const inner of root.parts) {
    const found = parentOf(inner, part)
    if (found !== null) return found
  }
  return null
}

function replace(root: Part, old: Part, by: Part): Part {
  if (root === old) return by
  if (root.kind !== 'multipart') return root
  return { ...root, parts: root.parts.map((inner) => replace(inner, old, by)) }
}
