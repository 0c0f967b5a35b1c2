import { changedFields } from './content.ts'
import type { ContentField, DraftContent } from './draft.ts'

/** `[start, removed, inserted]`: at `start`, `removed` code units give way to `inserted`. */
type Splice = readonly [start: number, removed: number, inserted: string]

/** What makes one content of another, as JSON. Long texts are told by what differs, the rest by value. */
export interface Delta {
  readonly set: Partial<DraftContent>
  readonly splice: Partial<Record<SpliceField, Splice>>
}

type SpliceField = 'text' | 'html'

const spliceFields: ReadonlySet<ContentField> = new Set<SpliceField>(['text', 'html'])

/** `applyDelta(from, deltaBetween(from, to))` is `to`. */
export function deltaBetween(from: DraftContent, to: DraftContent): Delta {
  const delta = emptyDelta()
  for (const field of changedFields(from, to)) {
    const before = from[field]
    const after = to[field]
    if (spliceFields.has(field) && typeof before === 'string' && typeof after === 'string') {
      delta.splice[field as SpliceField] = spliceBetween(before, after)
    } else {
      delta.set[field] = after ?? null
    }
  }
  return delta as Delta
}

function emptyDelta(): {
  readonly set: Partial<Record<ContentField, unknown>>
  readonly splice: Partial<Record<SpliceField, Splice>>
} {
  return { set: {}, splice: {} }
}

export function applyDelta(from: DraftContent, { set, splice }: Delta): DraftContent {
  const spliced: Partial<Record<SpliceField, string>> = {}
  for (const [field, [start, removed, inserted]] of Object.entries(splice) as [SpliceField, Splice][]) {
    const text = from[field] ?? ''
    spliced[field] = text.slice(0, start) + inserted + text.slice(start + removed)
  }
  return { ...from, ...set, ...spliced }
}

/**
 * What makes one content of another, and that of it again. Long texts are told by what differs:
 * `[start, removed, inserted]`, both as text.
 */
export type Change = Partial<Record<ContentField, TextChange | Replaced>>

type TextChange = readonly [start: number, removed: string, inserted: string]

interface Replaced {
  readonly from: unknown
  readonly to: unknown
}

/** `applyDelta(from, forwardOf(change))` is `to`, and `applyDelta(to, backOf(change))` is `from`. */
export function changeBetween(
  from: DraftContent,
  to: DraftContent,
  fields: readonly ContentField[] = changedFields(from, to),
): Change {
  const change: Change = {}
  for (const field of fields) {
    const before = from[field]
    const after = to[field]
    if (spliceFields.has(field) && typeof before === 'string' && typeof after === 'string') {
      const [start, removed, inserted] = spliceBetween(before, after)
      change[field] = [start, before.slice(start, start + removed), inserted]
    } else {
      change[field] = { from: before ?? null, to: after ?? null }
    }
  }
  return change
}

/** The same as `deltaBetween` gives. */
export function forwardOf(change: Change): Delta {
  return toldBy(change, ([start, removed, inserted]) => [start, removed.length, inserted], 'to')
}

export function backOf(change: Change): Delta {
  return toldBy(change, ([start, removed, inserted]) => [start, inserted.length, removed], 'from')
}

function toldBy(change: Change, splice: (text: TextChange) => Splice, side: keyof Replaced): Delta {
  const delta = emptyDelta()
  for (const [field, told] of Object.entries(change) as [ContentField, TextChange | Replaced][]) {
    if (isTextChange(told)) delta.splice[field as SpliceField] = splice(told)
    else delta.set[field] = told[side]
  }
  return delta as Delta
}

function isTextChange(told: TextChange | Replaced): told is TextChange {
  return Array.isArray(told)
}

/** Code units that are compared at once: many times as fast as one by one. */
const strides = [1_024, 128, 16] as const

/** Most changes are no longer: all that comes after one is then compared at once. */
const shortChange = 32

/** The shortest single replacement: what stands before and after the change is left alone. */
function spliceBetween(before: string, after: string): Splice {
  const shorter = Math.min(before.length, after.length)
  let start = 0
  for (const stride of strides) {
    while (start + stride <= shorter && isEqual(before, start, after, start, stride)) start += stride
  }
  while (start < shorter && before.charCodeAt(start) === after.charCodeAt(start)) start += 1
  let tail = 0
  const rest = shorter - start - shortChange
  if (rest > 0 && isEqual(before, before.length - rest, after, after.length - rest, rest)) tail = rest
  for (const stride of strides) {
    while (
      tail + stride <= shorter - start &&
      isEqual(before, before.length - tail - stride, after, after.length - tail - stride, stride)
    ) {
      tail += stride
    }
  }
  while (
    tail < shorter - start &&
    before.charCodeAt(before.length - 1 - tail) === after.charCodeAt(after.length - 1 - tail)
  ) {
    tail += 1
  }
  return [start, before.length - tail - start, after.slice(start, after.length - tail)]
}

/** Two slices are compared faster than `startsWith` looks for one: engines compare them as memory. */
function isEqual(one: string, oneStart: number, other: string, otherStart: number, length: number): boolean {
  return one.slice(oneStart, oneStart + length) === other.slice(otherStart, otherStart + length)
}
