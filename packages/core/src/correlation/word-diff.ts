import { diffWordsWithSpace } from 'diff'

import { ownText } from './own-text.ts'

/** A piece of text that both have, that only the later one has, or only the earlier one. */
export interface WordChange {
  readonly kind: 'same' | 'added' | 'removed'
  readonly text: string
}

// The time that it takes grows with the square of this.
const longestEdit = 2_000

/**
 * From one text to the other, without their quotes and signatures, all pieces in a row; null where the two have so little in
 * common that it would take long.
 */
export function wordDiff(before: string, after: string): readonly WordChange[] | null {
  const [old, now] = [before, after].map((text) => ownText({ text, html: null }))
  const changes = diffWordsWithSpace(old ?? '', now ?? '', { maxEditLength: longestEdit })
  return (
    changes?.map(({ added, removed, value }) => ({
      kind: added ? 'added' : removed ? 'removed' : 'same',
      text: value,
    })) ?? null
  )
}
