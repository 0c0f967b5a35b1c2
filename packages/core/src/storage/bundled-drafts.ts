import { sql } from 'kysely'

import type { DraftContent, DraftPolicy, DraftStatus } from '../draft/draft.ts'
import type { Copies } from '../draft/draft-state.ts'
import type { AccountId, Sha256, Umid, Version } from '../ids.ts'
import type { Db } from './db.ts'
import { getDraft, type StoredDraft } from './drafts.ts'
import { forgetHead } from './heads.ts'
import { prepared } from './prepared.ts'
import { addContent, setContent } from './recent-saves.ts'
import { insertHistory, type RevisionRecord, revisionRecords } from './revisions.ts'

/** Those of an account that are neither sent nor in the trash, by id. */
export async function liveDraftIds(db: Db, accountId: AccountId): Promise<readonly Umid[]> {
  const rows = await db
    .selectFrom('draft')
    .select('id')
    .where('account_id', '=', accountId)
    .where('status', 'in', ['draft', 'queued', 'sending'] satisfies DraftStatus[])
    .where('emptied_at', 'is', null)
    .orderBy('id')
    .execute()
  return rows.map((row) => row.id as Umid)
}

/** A draft with its history, as it is stored. */
export interface DraftRecord {
  readonly draft: StoredDraft
  /** Oldest first, and the last one is the head. */
  readonly history: readonly RevisionRecord[]
  /** The files that its versions name, by hash. */
  readonly held: readonly { readonly sha256: Sha256; readonly size: number }[]
}

/** @throws {EverdraftError} NOT_FOUND */
export async function draftRecord(db: Db, id: Umid): Promise<DraftRecord> {
  const draft = await getDraft(db, id)
  const held = await heldBlobs(db, { id })
  return {
    draft,
    history: await revisionRecords(db, id),
    held: held.map(({ sha256, size }) => ({ sha256: sha256 as Sha256, size })),
  }
}

const heldBlobs = prepared((db, input: { readonly id: Umid }) =>
  db
    .selectFrom('blob_ref')
    .innerJoin('blob', 'blob.id', 'blob_ref.blob_id')
    .select(['blob.sha256', 'blob.size'])
    .where('blob_ref.holder', '=', input.id)
    .orderBy('blob.sha256'),
)

/** A draft that was written elsewhere; it begins here without a copy on a server. */
export interface BundledDraft {
  readonly id: Umid
  readonly accountId: AccountId
  readonly token: string
  readonly policy: DraftPolicy
  readonly reviewRequired: boolean
  readonly version: Version
  readonly content: DraftContent
  readonly createdAt: number
  readonly updatedAt: number
  readonly history: readonly RevisionRecord[]
}

export async function insertBundledDraft(db: Db, { history, ...draft }: BundledDraft): Promise<void> {
  forgetHead(db, draft.id)
  await addDraft(db, { ...draft, review: draft.reviewRequired ? 1 : 0 })
  await addContent(db, draft.id, draft.content)
  await insertHistory(db, draft.id, history)
}

const addDraft = prepared(
  (
    db,
    draft: Omit<BundledDraft, 'content' | 'history' | 'reviewRequired'> & {
      readonly review: number
    },
  ) =>
    db.insertInto('draft').values({
      id: draft.id,
      account_id: draft.accountId,
      token: draft.token,
      status: sql.lit('draft' satisfies DraftStatus),
      sync_state: sql.lit('local-only' satisfies Copies['kind']),
      policy: draft.policy,
      review_required: draft.review,
      version: draft.version,
      scheduled_send_at: sql.lit(null),
      succeeds: sql.lit(null),
      created_at: draft.createdAt,
      updated_at: draft.updatedAt,
      trashed_at: sql.lit(null),
      emptied_at: sql.lit(null),
    }),
)

/** Of a draft that was emptied for good the row is left: it says something again, with the history that comes with it. */
export async function refillDraft(
  db: Db,
  {
    id,
    content,
    version,
    updatedAt,
    history,
  }: Pick<BundledDraft, 'id' | 'content' | 'version' | 'updatedAt' | 'history'>,
): Promise<void> {
  await db.deleteFrom('revision').where('draft_id', '=', id).execute()
  forgetHead(db, id)
  await db
    .updateTable('draft')
    .set({
      recent: '',
      version,
      updated_at: updatedAt,
      emptied_at: null,
      approved_version: null,
      indexed_version: 0,
    })
    .where('id', '=', id)
    .execute()
  await setContent(db, id, content)
  await insertHistory(db, id, history)
}
