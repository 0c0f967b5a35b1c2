import type { DraftContent } from '../draft/draft.ts'
import { textOf } from '../draft/quote.ts'
import type { AccountId, Umid, Version } from '../ids.ts'
import type { Db } from './db.ts'
import type { DraftQuery } from './drafts.ts'
import { type Family, familyOf } from './family.ts'
import { prepared } from './prepared.ts'
import { fts5 } from './search-fts5.ts'
import type { SearchHit, SearchIndex } from './search-index.ts'
import { tsvector } from './search-tsvector.ts'
import { toIndexed, wordBreak } from './search-words.ts'

/**
 * Full text over drafts: case and accents folded, words by their beginnings. The index runs behind the saves, as
 * keeping it up within them would make each several times as slow.
 */
const indexes = { sqlite: fts5, postgres: tsvector } satisfies Record<Family, SearchIndex>

/** Drafts whose head is not in the index yet, by id. */
export async function draftsToIndex(
  db: Db,
  { after, limit }: { readonly after: Umid | null; readonly limit: number },
): Promise<readonly Umid[]> {
  const rows = await staleRows(db, { after: after ?? '', limit })
  return rows.map((row) => row.id as Umid)
}

const staleRows = prepared((db, input: { readonly after: string; readonly limit: number }) =>
  db
    .selectFrom('draft')
    .select('id')
    .whereRef('indexed_version', '<', 'version')
    .where('id', '>', input.after)
    .orderBy('id')
    .limit(input.limit),
)

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
    subject: toIndexed(content.subject),
    people: toIndexed(people.map(({ name, address }) => `${name} ${address}`).join(', ')),
    body: toIndexed(textOf(content)),
    files: toIndexed(content.attachments.map((attachment) => attachment.filename).join(', ')),
  }
  await unindexDraft(db, draft.id)
  await indexes[familyOf(db)].insert(db, row)
  await db.updateTable('draft').set({ indexed_version: draft.version }).where('id', '=', draft.id).execute()
}

export async function unindexDraft(db: Db, id: Umid): Promise<void> {
  await indexes[familyOf(db)].remove(db, id)
}

/** A draft that cannot be read is not tried again until it changes: the others wait behind it. */
export async function leaveUnindexed(db: Db, id: Umid): Promise<void> {
  await db
    .updateTable('draft')
    .set((draft) => ({ indexed_version: draft.ref('version') }))
    .where('id', '=', id)
    .execute()
}

/** Best match first. No hit for a query without a letter or digit. */
export async function searchDrafts(
  db: Db,
  { query, ...search }: DraftQuery & { readonly query: string },
): Promise<{ readonly hits: readonly SearchHit[]; readonly total: number }> {
  const words = toIndexed(query).match(wordsInRow) ?? []
  if (words.length === 0) return { hits: [], total: 0 }
  const { hits, total } = await indexes[familyOf(db)].find(db, { ...search, words })
  return { hits: hits.map(({ id, snippet }) => ({ id, snippet: withoutBreaks(snippet) })), total }
}

const wordsInRow = new RegExp(String.raw`[\p{L}\p{N}\p{M}\p{Co}]+(?:${wordBreak}[\p{L}\p{N}\p{M}\p{Co}]+)*`, 'gu')

/** Hits in a row are one to who reads them. */
function withoutBreaks(snippet: string): string {
  return snippet.replaceAll(`\u2069${wordBreak}\u2068`, '').replaceAll(wordBreak, '')
}
