import { sql } from 'kysely'

import type { Umid } from '../ids.ts'
import { isShown } from './drafts.ts'
import type { SearchIndex, SearchRow } from './search-index.ts'
import { foldWord, wordBreak, wordsOf } from './search-words.ts'
import { snippetOf } from './search-snippet.ts'

/**
 * PostgreSQL's `tsvector` with words that are cut and folded here, as FTS5 does it: no extension and no dictionary of
 * the server decides what is found.
 */
export const tsvector: SearchIndex = {
  async insert(db, row) {
    const { draft_id, account_id } = row
    const { subject, people, body, files } = withoutNul(row)
    await sql`insert into draft_search (draft_id, account_id, subject, people, body, files, words)
      values (${draft_id}, ${account_id}, ${subject}, ${people}, ${body}, ${files},
        ${vectorOf([subject, people, body, files].join('\n'))}::tsvector)`.execute(db)
  },
  async remove(db, id) {
    await db.deleteFrom('draft_search').where('draft_id', '=', id).execute()
  },
  async find(db, { words, limit, offset, ...filter }) {
    const rows = words.map((word) =>
      word
        .split(wordBreak)
        .map(foldedWord)
        .filter((one) => one !== ''),
    )
    const beginnings = rows.flat()
    if (beginnings.length === 0) return { hits: [], total: 0 }
    const wanted = sql`${rows
      .filter((row) => row.length > 0)
      .map((row) => `${row.map((word) => `'${word}'`).join(' <-> ')}:*`)
      .join(' & ')}::tsquery`
    const found = db
      .selectFrom('draft_search')
      .innerJoin('draft', 'draft.id', 'draft_search.draft_id')
      .where(sql<boolean>`draft_search.words @@ ${wanted}`)
      .where(isShown(db, filter))
    const shown = await found
      .select(['draft_search.draft_id', 'subject', 'people', 'body', 'files'])
      // 1: the more words a text has, the less each counts.
      .orderBy(sql`ts_rank(draft_search.words, ${wanted}, 1)`, 'desc')
      .orderBy('draft_search.draft_id')
      .limit(limit)
      .offset(offset)
      .execute()
    const { total } = await found
      .select((count) => count.fn.countAll<number | string>().as('total'))
      .executeTakeFirstOrThrow()
    const hits = shown.map((row) => ({
      id: row.draft_id as Umid,
      snippet: snippetOf([row.subject, row.people, row.body, row.files], beginnings),
    }))
    return { hits, total: Number(total) }
  },
}

/** A lexeme has at most 2,046 bytes; of a word that long the beginning is enough. */
const longestWord = 255
/** A vector has at most 1,048,575 bytes: some 100,000 different words, and what comes after them is not found. */
const mostBytes = 1_000_000
/** Of a position, and how many of one word count. */
const lastPosition = 16_383
const mostPositions = 255

function foldedWord(word: string): string {
  return foldWord(word).slice(0, longestWord)
}

function vectorOf(text: string): string {
  const positions = new Map<string, number[]>()
  let bytes = 0
  let position = 0
  for (const { folded } of wordsOf(text)) {
    position += 1
    const word = folded.slice(0, longestWord)
    const known = positions.get(word)
    // Each word costs its bytes, an entry and its positions, as PostgreSQL lays them out.
    bytes += known === undefined ? 3 * word.length + 12 : 2
    if (bytes > mostBytes) break
    if (known === undefined) positions.set(word, [Math.min(position, lastPosition)])
    else if (known.length < mostPositions && position <= lastPosition) known.push(position)
  }
  return [...positions].map(([word, at]) => `'${word}':${at.join(',')}`).join(' ')
}

/** PostgreSQL's text holds no NUL. It is no part of a word, so nothing is found the less. */
function withoutNul(row: SearchRow): Pick<SearchRow, 'subject' | 'people' | 'body' | 'files'> {
  return {
    subject: clean(row.subject),
    people: clean(row.people),
    body: clean(row.body),
    files: clean(row.files),
  }
}

function clean(text: string): string {
  return text.replaceAll('\0', ' ')
}
