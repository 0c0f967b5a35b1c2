import { sql } from 'kysely'

import type { DraftContent } from '../draft/draft.ts'
import type { AccountId, Umid, Version } from '../ids.ts'
import type { Db } from './db.ts'

/**
 * Full text over drafts, by SQLite's FTS5: case and accents folded, words by their beginnings. The index runs behind the
 * saves, as keeping it up within them would make each several times as slow.
 */

/** Drafts whose head is not in the index yet. */
export async function draftsToIndex(
  db: Db,
  limit: number,
): Promise<readonly { readonly id: Umid; readonly version: Version }[]> {
  const rows = await db
    .selectFrom('draft')
    .select(['id', 'version'])
    .whereRef('indexed_version', '<', 'version')
    .limit(limit)
    .execute()
  return rows.map((row) => ({ id: row.id as Umid, version: row.version as Version }))
}

export async function indexDraft(
  db: Db,
  draft: {
    readonly id: Umid
    readonly accountId: AccountId
    readonly version: Version
    readonly content: DraftContent
  },
): Promise<void> {
  const { content } = draft
  const people = [...(content.from ? [content.from] : []), ...content.to, ...content.cc, ...content.bcc]
  const row = {
    draft_id: draft.id,
    account_id: draft.accountId,
    subject: content.subject,
    people: people.map(({ name, address }) => `${name} ${address}`).join(', '),
    body: content.text === '' ? withoutTags(content.html ?? '') : content.text,
    files: content.attachments.map((attachment) => attachment.filename).join(', '),
  }
  await unindexDraft(db, draft.id)
  await db.insertInto('draft_search').values(row).execute()
  await db.updateTable('draft').set({ indexed_version: draft.version }).where('id', '=', draft.id).execute()
}

export async function unindexDraft(db: Db, id: Umid): Promise<void> {
  await db.deleteFrom('draft_search').where('draft_id', '=', id).execute()
}

export interface SearchHit {
  readonly id: Umid
  /** The words around the first hit; each hit stands between U+2068 and U+2069. */
  readonly snippet: string
}

/** Best match first. No hit for a query without a letter or digit. */
export async function searchDrafts(
  db: Db,
  search: {
    readonly accountId: AccountId | null
    readonly query: string
    readonly limit: number
    readonly offset: number
  },
): Promise<{ readonly hits: readonly SearchHit[]; readonly total: number }> {
  const match = matchExpression(search.query)
  if (match === null) return { hits: [], total: 0 }
  const found = db
    .selectFrom('draft_search')
    .innerJoin('draft', 'draft.id', 'draft_search.draft_id')
    .where(sql<boolean>`draft_search match ${match}`)
    .where('draft.emptied_at', 'is', null)
    .$if(search.accountId !== null, (query) => query.where('draft.account_id', '=', search.accountId ?? ''))
  const rows = await found
    .select([
      'draft_search.draft_id',
      sql<string>`snippet(draft_search, -1, char(8296), char(8297), '…', 12)`.as('snippet'),
    ])
    .orderBy(sql`rank`)
    .limit(search.limit)
    .offset(search.offset)
    .execute()
  const { total } = await found
    .select((count) => count.fn.countAll<number | string>().as('total'))
    .executeTakeFirstOrThrow()
  return { hits: rows.map((row) => ({ id: row.draft_id as Umid, snippet: row.snippet })), total: Number(total) }
}

/** Every word by its beginning, all of them; what FTS5 would read as an operator is a word like any other. */
function matchExpression(query: string): string | null {
  const words = query.match(/[\p{L}\p{N}\p{M}]+/gu) ?? []
  return words.length === 0 ? null : words.map((word) => `"${word}"*`).join(' ')
}

function withoutTags(html: string): string {
  return html.replace(/<(style|script)\b[\s\S]*?<\/\1\s*>/gi, ' ').replace(/<[^>]*>/g, ' ')
}
