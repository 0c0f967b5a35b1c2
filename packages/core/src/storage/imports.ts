import type { DraftContent } from '../draft/draft.ts'
import type { AccountId, FolderPath, Uid, UidValidity, Umid } from '../ids.ts'
import type { Db } from './db.ts'
import { headContent } from './recent-saves.ts'
import { prepared } from './prepared.ts'
import type { PendingImportRow } from './schema.ts'

/** A message on the server, by the triple that RFC 3501 §2.3.1.1 promises to be one message for ever. */
export interface MessagePlace {
  readonly accountId: AccountId
  readonly folder: FolderPath
  readonly uidValidity: UidValidity
  readonly uid: Uid
}

/**
 * A draft of another program that was taken in with its text alone: its other parts are still on their way. Nothing of it
 * is removed from the server until they are here, and an edit of it leaves the original where it is.
 */
export interface PendingImport extends MessagePlace {
  readonly draftId: Umid
  /** RFC822.SIZE. */
  readonly size: number
}

export async function insertPendingImport(db: Db, pending: PendingImport, now: number): Promise<void> {
  await db
    .insertInto('pending_import')
    .values({
      draft_id: pending.draftId,
      account_id: pending.accountId,
      folder: pending.folder,
      uid_validity: pending.uidValidity,
      uid: pending.uid,
      size: pending.size,
      created_at: now,
    })
    .execute()
}

export async function pendingImport(db: Db, draftId: Umid): Promise<PendingImport | null> {
  const [row] = await importRow(db, { draftId })
  return row === undefined ? null : toPendingImport(row)
}

const importRow = prepared((db, input: { readonly draftId: Umid }) =>
  db.selectFrom('pending_import').selectAll().where('draft_id', '=', input.draftId),
)

export async function pendingImportsOf(db: Db, draftIds: readonly Umid[]): Promise<ReadonlyMap<Umid, PendingImport>> {
  if (draftIds.length === 0) return new Map()
  const rows = await db.selectFrom('pending_import').selectAll().where('draft_id', 'in', draftIds).execute()
  return new Map(rows.map((row) => [row.draft_id as Umid, toPendingImport(row)]))
}

/** Of one account, or of all. */
export async function pendingImports(db: Db, accountId: AccountId | null): Promise<readonly PendingImport[]> {
  let query = db.selectFrom('pending_import').selectAll().orderBy('created_at')
  if (accountId !== null) query = query.where('account_id', '=', accountId)
  return (await query.execute()).map(toPendingImport)
}

/** @returns whether there was one */
export async function endPendingImport(db: Db, draftId: Umid): Promise<boolean> {
  const rows = await db.deleteFrom('pending_import').where('draft_id', '=', draftId).returning('draft_id').execute()
  return rows.length > 0
}

/** How much of a message is here, from its beginning. */
export async function downloaded(
  db: Db,
  place: MessagePlace,
): Promise<{ readonly pieces: number; readonly bytes: number }> {
  const rows = await db
    .selectFrom('download')
    .select((of) => ['seq', of.fn<number>('length', ['bytes']).as('length')])
    .where((match) => match.and(columnsOf(place)))
    .execute()
  return { pieces: rows.length, bytes: rows.reduce((sum, row) => sum + row.length, 0) }
}

export async function addDownloaded(
  db: Db,
  place: MessagePlace,
  piece: { readonly seq: number; readonly bytes: Uint8Array; readonly now: number },
): Promise<void> {
  await db
    .insertInto('download')
    .values({ ...columnsOf(place), seq: piece.seq, bytes: piece.bytes, at: piece.now })
    .execute()
}

export async function downloadedPiece(db: Db, place: MessagePlace, seq: number): Promise<Uint8Array | null> {
  const row = await db
    .selectFrom('download')
    .select('bytes')
    .where((match) => match.and(columnsOf(place)))
    .where('seq', '=', seq)
    .executeTakeFirst()
  return row?.bytes ?? null
}

export async function dropDownload(db: Db, place: MessagePlace): Promise<void> {
  await db
    .deleteFrom('download')
    .where((match) => match.and(columnsOf(place)))
    .execute()
}

/** Of messages that went from the server while they were on their way. */
export async function dropOldDownloads(db: Db, before: number): Promise<void> {
  await db.deleteFrom('download').where('at', '<', before).execute()
}

function columnsOf(place: MessagePlace) {
  return {
    account_id: place.accountId,
    folder: place.folder,
    uid_validity: place.uidValidity,
    uid: place.uid,
  } as const
}

function toPendingImport(row: PendingImportRow): PendingImport {
  return {
    draftId: row.draft_id as Umid,
    accountId: row.account_id as AccountId,
    folder: row.folder as FolderPath,
    uidValidity: row.uid_validity as UidValidity,
    uid: row.uid as Uid,
    size: row.size,
  }
}

interface VanishedContent {
  readonly draftId: Umid
  readonly content: DraftContent
  /** Null: no round before this one has noticed it. */
  readonly goneAt: number | null
}

/**
 * Drafts whose copy vanished, those named among them, or that were purged for it: what a new message in the folder may be
 * an edit of. Not those that have a successor already.
 */
export async function vanishedDrafts(
  db: Db,
  accountId: AccountId,
  options: { readonly gone: readonly Umid[]; readonly trashedSince: number; readonly limit: number },
): Promise<readonly VanishedContent[]> {
  const rows = await db
    .selectFrom('draft')
    .leftJoin('server_name', 'server_name.draft_id', 'draft.id')
    .leftJoin('draft_content', 'draft_content.draft_id', 'draft.id')
    .select(['draft.id', 'content', 'recent', 'draft.trashed_at', 'server_name.missing_since'])
    .where('draft.account_id', '=', accountId)
    .where('draft.emptied_at', 'is', null)
    // What became a mail is edited no more, however like it a newcomer is.
    .where('draft.sent_as', 'is', null)
    .where((where) =>
      where.or([
        where('server_name.missing_since', 'is not', null),
        where('draft.trashed_at', '>=', options.trashedSince),
        ...(options.gone.length === 0 ? [] : [where('draft.id', 'in', options.gone)]),
      ]),
    )
    .where((where) =>
      where.not(
        where.exists(where.selectFrom('draft as newer').select('newer.id').whereRef('newer.succeeds', '=', 'draft.id')),
      ),
    )
    .where((where) =>
      where.not(
        where.exists(
          where
            .selectFrom('email_outcomes')
            .select('email_outcomes.id')
            .where('email_outcomes.sent_message_id', 'is not', null)
            .where((is) =>
              is.or([
                is('email_outcomes.message_id', '=', is.ref('draft.id')),
                is('email_outcomes.message_id', '=', is.ref('draft.succeeds')),
              ]),
            ),
        ),
      ),
    )
    .orderBy('draft.updated_at', 'desc')
    .limit(options.limit)
    .execute()
  return rows.map((row) => ({
    draftId: row.id as Umid,
    content: headContent(row),
    goneAt: row.missing_since ?? row.trashed_at,
  }))
}
