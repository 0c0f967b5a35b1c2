import { sql } from 'kysely'

import type { Umid } from '../ids.ts'
import { isShown } from './drafts.ts'
import type { SearchIndex } from './search-index.ts'

/** SQLite's FTS5, which folds, ranks and cuts snippets by itself. */
export const fts5: SearchIndex = {
  async insert(db, row) {
    const { draft_id, account_id, subject, people, body, files } = row
    await db
      .insertInto('search_row')
      .values({ draft_id })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    await sql`insert into draft_search (rowid, draft_id, account_id, subject, people, body, files)
      select id, draft_id, ${account_id}, ${subject}, ${people}, ${body}, ${files}
      from search_row where draft_id = ${draft_id}`.execute(db)
  },
  async remove(db, id) {
    await sql`delete from draft_search where rowid = (select id from search_row where draft_id = ${id})`.execute(db)
  },
  async find(db, { words, limit, offset, ...filter }) {
    // In quotes, so that what FTS5 would read as an operator is a word like any other.
    const match = words.map((word) => `"${word}"*`).join(' ')
    const found = db
      .selectFrom('draft_search')
      .innerJoin('draft', 'draft.id', 'draft_search.draft_id')
      .where(sql<boolean>`draft_search match ${match}`)
      .where(isShown(db, filter))
    const rows = await found
      .select([
        'draft_search.draft_id',
        sql<string>`snippet(draft_search, -1, char(8296), char(8297), '…', 12)`.as('snippet'),
      ])
      .orderBy(sql`rank`)
      .limit(limit)
      .offset(offset)
      .execute()
    const { total } = await found
      .select((count) => count.fn.countAll<number | string>().as('total'))
      .executeTakeFirstOrThrow()
    return { hits: rows.map((row) => ({ id: row.draft_id as Umid, snippet: row.snippet })), total: Number(total) }
  },
}
