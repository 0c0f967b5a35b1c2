import type { AccountId, Umid } from '../ids.ts'
import type { Db } from './db.ts'
import type { DraftFilter } from './drafts.ts'

/** What of a draft can be found, as it is read. */
export interface SearchRow {
  readonly draft_id: Umid
  readonly account_id: AccountId
  readonly subject: string
  readonly people: string
  readonly body: string
  readonly files: string
}

export interface SearchHit {
  readonly id: Umid
  /** The words around the first hit; each hit stands between U+2068 and U+2069. */
  readonly snippet: string
}

interface SearchQuery extends DraftFilter {
  /** At least one; each is the beginning of a word, or words in a row with a `wordBreak` between them, then of the last. */
  readonly words: readonly string[]
  readonly limit: number
  readonly offset: number
}

/** The full-text index of a family. Both find the same drafts: case and accents folded, words by their beginnings. */
export interface SearchIndex {
  /** The draft is not in the index. */
  insert(db: Db, row: SearchRow): Promise<void>
  /** Whether it is in the index or not. */
  remove(db: Db, id: Umid): Promise<void>
  /** Best match first, by the index’s own measure; of thousands of hits, the newest drafts first. */
  find(db: Db, query: SearchQuery): Promise<{ readonly hits: readonly SearchHit[]; readonly total: number }>
}
