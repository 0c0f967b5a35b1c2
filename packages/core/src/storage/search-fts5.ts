import { sql } from 'kysely'

import type { Umid } from '../ids.ts'
import type { Db } from './db.ts'
import { countShown, type DraftFilter, isShown } from './drafts.ts'
import type { SearchIndex } from './search-index.ts'

/** Of more hits each is as good as the others, and to rank them all would take longer than somebody types on. */
const mostRanked = 2_000

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
    const isFiltered = !(await isEverything(db, filter))
    const found = db
      .selectFrom('draft_search')
      .where(sql<boolean>`draft_search match ${match}`)
      .$if(isFiltered, (query) =>
        query.where((where) =>
          where.exists(
            where
              .selectFrom('draft')
              .select('draft.id')
              .whereRef('draft.id', '=', 'draft_search.draft_id')
              .where(isShown(db, filter)),
          ),
        ),
      )
    const { total } = await found
      .select((count) => count.fn.countAll<number | string>().as('total'))
      .executeTakeFirstOrThrow()
    const rows = await found
      .select([
        'draft_search.draft_id',
        sql<string>`snippet(draft_search, -1, char(8296), char(8297), '…', 12)`.as('snippet'),
      ])
      .orderBy(Number(total) <= mostRanked ? sql`rank` : sql`rowid desc`)
      .limit(limit)
      .offset(offset)
      .execute()
    return { hits: rows.map((row) => ({ id: row.draft_id as Umid, snippet: row.snippet })), total: Number(total) }
  },
}

/** Then nobody has to look up what each hit belongs to. What is emptied is not in the index. */
async function isEverything(db: Db, filter: DraftFilter): Promise<boolean> {
  const all = { accountId: null, status: null, syncState: null, tag: null }
  return filter.tag === null && (await countShown(db, filter)) === (await countShown(db, all))
}
