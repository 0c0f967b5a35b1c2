// Written without blanks between words.
const unspaced = String.raw`\p{scx=Hani}\p{scx=Hira}\p{scx=Kana}\p{scx=Bopo}\p{sc=Thai}\p{sc=Laoo}\p{sc=Khmr}\p{sc=Mymr}`
const written = String.raw`\p{L}\p{N}\p{Co}`
const isUnspaced = new RegExp(`[${unspaced}]`, 'u')
// What comes after is looked at first: thousands of marks in a row are then gone through once.
const beside = new RegExp(
  String.raw`(?=(?!\p{M})[${unspaced}])(?<=[${written}\p{M}])|(?=[${written}])(?<=(?!\p{M})[${unspaced}]\p{M}*)`,
  'gu',
)

/** Between two words of a script that has no blanks: no index takes it for part of a word, and nobody sees it. */
export const wordBreak = '\u200b'

/**
 * A text as the indexes cut it: composed, as some systems write `й` in two characters and others in one; and each
 * character of a script without blanks is a word, as only a dictionary knows where its words end.
 */
export function toIndexed(text: string): string {
  const composed = text.normalize('NFC')
  return isUnspaced.test(composed) ? composed.replace(beside, wordBreak) : composed
}

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
