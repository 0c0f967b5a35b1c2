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

/**
 * As `unicode61` with `remove_diacritics 2` does it: accents go from the letters a to z only; case by single characters,
 * so that a sigma at the end of a word is one like any other.
 */
export function foldWord(word: string): string {
  let folded = ''
  for (const character of word.normalize('NFC')) {
    const [base = ''] = character.normalize('NFD')
    if (/\p{M}/u.test(base)) continue
    folded += /[a-z]/i.test(base) ? base.toLowerCase() : character.toLowerCase().replace('ς', 'σ')
  }
  return folded
}
