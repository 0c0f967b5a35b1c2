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

/** Undoes `delta`: `applyDelta(applyDelta(from, delta), reverseDelta(from, delta))` is `from`. */
export function reverseDelta(from: DraftContent, { set, splice }: Delta): Delta {
  const reverse = emptyDelta()
  for (const field of Object.keys(set) as ContentField[]) reverse.set[field] = from[field] ?? null
  for (const [field, [start, removed, inserted]] of Object.entries(splice) as [SpliceField, Splice][]) {
    reverse.splice[field] = [start, inserted.length, (from[field] ?? '').slice(start, start + removed)]
  }
  return reverse as Delta
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

/** Code units that are compared at once: many times as fast as one by one. */
const strides = [1_024, 128, 16] as const

/** The shortest single replacement: what stands before and after the change is left alone. */
function spliceBetween(before: string, after: string): Splice {
  const shorter = Math.min(before.length, after.length)
  let start = 0
  for (const stride of strides) {
    while (start + stride <= shorter && isEqual(before, start, after, start, stride)) start += stride
  }
  while (start < shorter && before.charCodeAt(start) === after.charCodeAt(start)) start += 1
  let tail = 0
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
