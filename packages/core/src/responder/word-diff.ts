import { diffWordsWithSpace } from 'diff'

/** A piece of text that both have, that only the later one has, or only the earlier one. */
export interface WordChange {
  readonly kind: 'same' | 'added' | 'removed'
  readonly text: string
}

// The time that it takes grows with the square of this.
const longestEdit = 2_000

/** All pieces in a row; null where the two have so little in common that it would take long. */
export function wordDiff(before: string, after: string): readonly WordChange[] | null {
  const changes = diffWordsWithSpace(before, after, { maxEditLength: longestEdit })
  return (
    changes?.map(({ added, removed, value }) => ({
      kind: added ? 'added' : removed ? 'removed' : 'same',
      text: value,
    })) ?? null
  )
}
