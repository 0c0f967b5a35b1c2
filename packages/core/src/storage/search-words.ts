/** A word as an index compares it, and where it stands. */
export interface Word {
  readonly folded: string
  readonly start: number
  readonly end: number
}

/**
 * The words of a text as FTS5's `unicode61` cuts them: letters, digits and private use, with the marks that follow.
 * Folded: no case, no accents.
 */
export function* wordsOf(text: string): Generator<Word, void, undefined> {
  for (const match of text.matchAll(/[\p{L}\p{N}\p{Co}][\p{L}\p{N}\p{Co}\p{M}]*/gu)) {
    yield { folded: foldWord(match[0]), start: match.index, end: match.index + match[0].length }
  }
}

export function foldWord(word: string): string {
  return word.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
}
