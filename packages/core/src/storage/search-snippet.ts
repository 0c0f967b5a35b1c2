import { wordsOf } from './search-words.ts'

/** Words of a snippet. */
const shown = 12

/**
 * The words around the first hit, in the column with the most different hits; each hit between U+2068 and U+2069, as
 * FTS5's `snippet` does it.
 */
export function snippetOf(columns: readonly string[], beginnings: readonly string[]): string {
  let best = ''
  let bestHits = 0
  for (const column of columns) {
    const words = [...wordsOf(column)]
    const isHit = words.map(({ folded }) => beginnings.some((beginning) => folded.startsWith(beginning)))
    const first = isHit.indexOf(true)
    if (first === -1) continue
    const from = Math.max(0, Math.min(first - 2, words.length - shown))
    const to = Math.min(words.length, from + shown)
    const hits = beginnings.filter((beginning) =>
      words.slice(from, to).some(({ folded }) => folded.startsWith(beginning)),
    ).length
    if (hits <= bestHits) continue
    bestHits = hits
    let text = from === 0 ? '' : '…'
    let at = from === 0 ? 0 : (words[from]?.start ?? 0)
    for (const [index, word] of words.slice(from, to).entries()) {
      text += column.slice(at, word.start)
      const said = column.slice(word.start, word.end)
      text += isHit[from + index] === true ? `\u2068${said}\u2069` : said
      at = word.end
    }
    best = to === words.length ? text + column.slice(at) : `${text}…`
  }
  return best
}
