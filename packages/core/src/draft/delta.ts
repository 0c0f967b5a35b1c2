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
  const set: Partial<Record<ContentField, unknown>> = {}
  const splice: Partial<Record<SpliceField, Splice>> = {}
  for (const field of changedFields(from, to)) {
    const before = from[field]
    const after = to[field]
    if (spliceFields.has(field) && typeof before === 'string' && typeof after === 'string') {
      splice[field as SpliceField] = spliceBetween(before, after)
    } else {
      set[field] = after ?? null
    }
  }
  return { set: set as Partial<DraftContent>, splice }
}

export function applyDelta(from: DraftContent, { set, splice }: Delta): DraftContent {
  const spliced: Partial<Record<SpliceField, string>> = {}
  for (const [field, [start, removed, inserted]] of Object.entries(splice) as [SpliceField, Splice][]) {
    const text = from[field] ?? ''
    spliced[field] = text.slice(0, start) + inserted + text.slice(start + removed)
  }
  return { ...from, ...set, ...spliced }
}

/** The shortest single replacement: what stands before and after the change is left alone. */
function spliceBetween(before: string, after: string): Splice {
  const shorter = Math.min(before.length, after.length)
  let start = 0
  while (start < shorter && before.charCodeAt(start) === after.charCodeAt(start)) start += 1
  let tail = 0
  while (
    tail < shorter - start &&
    before.charCodeAt(before.length - 1 - tail) === after.charCodeAt(after.length - 1 - tail)
  ) {
    tail += 1
  }
  return [start, before.length - tail - start, after.slice(start, after.length - tail)]
}
