import { type RetentionPolicy, retainedVersions } from '../draft/retention.ts'
import { blobsOf } from '../draft/content.ts'
import { type DraftContent, emptyContent } from '../draft/draft.ts'
import { newestCopy } from '../draft/draft-state.ts'
import type { Umid, Version } from '../ids.ts'
import { releaseBlobs } from './blobs.ts'
import { loadDraftState } from './draft-states.ts'
import { getDraft, owesCopies } from './drafts.ts'
import { forgetHead } from './heads.ts'
import { setContent } from './recent-saves.ts'
import { newestForeign } from './revision-lookups.ts'
import { compactRevisions, revisions, settleRecent } from './revisions.ts'
import { unindexDraft } from './search.ts'
import type { Db } from './db.ts'

/** Drafts whose history may be thinned out, by id: those that changed lately; the others were thinned out before. */
export async function draftsToCompact(
  db: Db,
  page: { readonly changedSince: number; readonly after: string; readonly limit: number },
): Promise<readonly Umid[]> {
  const rows = await db
    .selectFrom('draft')
    .select('id')
    .where('id', '>', page.after)
    .where('updated_at', '>=', page.changedSince)
    .where('version', '>', 1)
    .orderBy('id')
    .limit(page.limit)
    .execute()
  return rows.map((row) => row.id as Umid)
}

/**
 * Thins out the history of one draft, and lets go the attachments that no kept revision names.
 * @returns how many revisions went
 */
export async function compactDraft(
  db: Db,
  id: Umid,
  options: { readonly now: number; readonly policy: RetentionPolicy },
): Promise<number> {
  await settleRecent(db, id)
  const draft = await getDraft(db, id)
  const head = { version: draft.version, content: draft.content }
  const known = await revisions(db, id)
  const keep = retainedVersions(known, { ...options, pinned: await pinnedVersions(db, id) })
  if (keep.size === known.length) return 0
  const contents = await compactRevisions(db, id, head, keep)
  await releaseBlobs(db, id, namedBlobs([...contents, ...(await conflictContents(db, id))]))
  return known.length - keep.size
}

/** What history never loses: the head, what is on the server, what was approved, what a conflict or an open composer goes back to. */
async function pinnedVersions(db: Db, id: Umid): Promise<ReadonlySet<Version>> {
  const state = await loadDraftState(db, id)
  const copy = newestCopy(state.copies)
  const conflicts = await db.selectFrom('conflict').select('base_version').where('draft_id', '=', id).execute()
  const { review } = await getDraft(db, id)
  const leases = await db.selectFrom('lease').select('base_version').where('draft_id', '=', id).execute()
  const foreign = leases.length === 0 ? null : await newestForeign(db, id)
  return new Set([
    state.head,
    ...(copy === null ? [] : [copy.version]),
    ...(foreign === null ? [] : [foreign.version]),
    ...(review.approval === null ? [] : [review.approval.version]),
    ...[...conflicts, ...leases].map((row) => row.base_version as Version),
  ])
}

async function conflictContents(db: Db, id: Umid): Promise<readonly DraftContent[]> {
  const rows = await db.selectFrom('conflict').select(['base', 'local', 'remote']).where('draft_id', '=', id).execute()
  return rows.flatMap((row) => [row.base, row.local, row.remote].map((text) => JSON.parse(text) as DraftContent))
}

function namedBlobs(contents: readonly DraftContent[]): ReadonlySet<string> {
  return new Set(contents.flatMap(blobsOf))
}

/** Drafts that have been in the local trash for long, and owe nothing to a server any more. */
export async function expiredTrash(db: Db, trashedBefore: number, limit: number): Promise<readonly Umid[]> {
  const rows = await db
    .selectFrom('draft')
    .select('id')
    .where('trashed_at', '<', trashedBefore)
    .where('status', '=', 'discarded')
    .where((draft) => draft.not(owesCopies(draft)))
    .where((where) =>
      where.not(
        where.exists(
          where
            .selectFrom('attempt')
            .select('attempt.id')
            .whereRef('attempt.draft_id', '=', 'draft.id')
            .where('state', '=', 'open'),
        ),
      ),
    )
    .limit(limit)
    .execute()
  return rows.map((row) => row.id as Umid)
}

/**
 * Empties a draft for good: its text, history and attachments. The row and its attempts stay, with their digests, so
 * that a copy that shows up late is still known for ours.
 */
export async function emptyTrashed(db: Db, id: Umid, now: number): Promise<void> {
  await db.deleteFrom('revision').where('draft_id', '=', id).execute()
  await db.deleteFrom('conflict').where('draft_id', '=', id).execute()
  await db.deleteFrom('lease').where('draft_id', '=', id).execute()
  await releaseBlobs(db, id, new Set())
  await unindexDraft(db, id)
  forgetHead(db, id)
  await setContent(db, id, emptyContent)
  await db
    .updateTable('draft')
    .set({ recent: '', trashed_at: null, emptied_at: now, indexed_version: 2 ** 31 })
    .where('id', '=', id)
    .execute()
}
