import type { DraftContent, DraftStatus } from '../draft/draft.ts'
import type { AccountId, FolderPath, MessageId, Uid, UidValidity, Umid, Version } from '../ids.ts'
import type { Outcome } from '../responder/outcome.ts'
import type { Db } from './db.ts'
import { toOutcome } from './email-outcomes.ts'
import { noMessageId } from './attempts.ts'
import { headContent } from './recent-saves.ts'
import { type StoredSend, toSend } from './sends.ts'

/** SQLite binds at most 32,766 values. */
const idsAtOnce = 500

async function inPages<Row>(ids: readonly string[], read: (page: readonly string[]) => Promise<readonly Row[]>) {
  const rows: Row[] = []
  for (let start = 0; start < ids.length; start += idsAtOnce)
    rows.push(...(await read(ids.slice(start, start + idsAtOnce))))
  return rows
}

/** Both in epoch milliseconds. */
export interface UnclearSince {
  /** Drafts that were made before are not looked for any more. */
  readonly madeAt: number
  /** What went before, and is known well enough, stays as it is. */
  readonly sentAt: number
}

/** What may become clearer yet: not sent as far as is known, or lately and not beyond doubt. */
function unclear(db: Db, accountId: AccountId, { madeAt, sentAt }: UnclearSince) {
  return db
    .selectFrom('email_outcomes')
    .where('account_id', '=', accountId)
    .where('created_at', '>=', madeAt)
    .where((is) =>
      is.or([is('evidence', 'is', null), is.and([is('evidence', '<>', 'exact'), is('sent_at', '>=', sentAt)])]),
    )
    .orderBy('created_at')
    .orderBy('id')
}

/** The drafts of these, the oldest first. */
export async function unclearDrafts(
  db: Db,
  accountId: AccountId,
  since: UnclearSince,
  limit = 1_000_000,
): Promise<readonly { readonly draftId: Umid; readonly createdAt: number }[]> {
  const rows = await unclear(db, accountId, since).select(['message_id', 'created_at']).limit(limit).execute()
  return rows.map((row) => ({ draftId: row.message_id as Umid, createdAt: row.created_at }))
}

/** What of that is so of one that was read. */
export function isUnclear({ createdAt, sent }: Outcome, { madeAt, sentAt }: UnclearSince): boolean {
  return createdAt >= madeAt && (sent === null || (sent.evidence !== 'exact' && sent.at >= sentAt))
}

/** Of these drafts those that a program wrote, whatever is known of them. */
export async function outcomesOfDrafts(
  db: Db,
  accountId: AccountId,
  ids: readonly Umid[],
): Promise<readonly Outcome[]> {
  const rows = await inPages(ids, (page) =>
    db
      .selectFrom('email_outcomes')
      .selectAll()
      .where('message_id', 'in', page)
      .where('account_id', '=', accountId)
      .execute(),
  )
  return rows.map(toOutcome)
}

/** Drafts of the account whose copy was not found when Drafts was looked at last. */
export async function missingDrafts(db: Db, accountId: AccountId): Promise<ReadonlySet<Umid>> {
  const rows = await db
    .selectFrom('server_name')
    .select('draft_id')
    .where('account_id', '=', accountId)
    .where('missing_since', 'is not', null)
    .execute()
  return new Set(rows.map((row) => row.draft_id as Umid))
}

export async function unclearOutcomes(db: Db, accountId: AccountId, since: UnclearSince): Promise<readonly Outcome[]> {
  return (await unclear(db, accountId, since).selectAll().execute()).map(toOutcome)
}

/** Of these mails those that are known to come from a draft of the account's, and from which. */
export async function explainedMails(
  db: Db,
  accountId: AccountId,
  messageIds: readonly string[],
): Promise<ReadonlyMap<string, Umid>> {
  const rows = await inPages(messageIds, (page) =>
    db
      .selectFrom('email_outcomes')
      .select(['message_id', 'sent_message_id'])
      .where('account_id', '=', accountId)
      .where('sent_message_id', 'in', page)
      .execute(),
  )
  return new Map(rows.map((row) => [row.sent_message_id ?? '', row.message_id as Umid]))
}

/** Where a draft is, as far as its rows say. */
export interface DraftStand {
  readonly draftId: Umid
  readonly status: DraftStatus
  readonly version: Version
  /** It went into the trash because its copy vanished. */
  readonly isPurged: boolean
  readonly trashedAt: number | null
  /** Its copy was not found since; null: it was, or there is none. */
  readonly missingSince: number | null
  readonly createdAt: number
  readonly succeeds: Umid | null
  /** Its newest copy, where it is synchronized; the Message-ID as the server gives it back. */
  readonly name: {
    readonly folder: FolderPath
    readonly uidValidity: UidValidity
    readonly uid: Uid
    readonly messageId: MessageId
  } | null
}

export async function draftStands(db: Db, ids: readonly Umid[]): Promise<readonly DraftStand[]> {
  return (await inPages(ids, (page) => stands(db).where('draft.id', 'in', page).execute())).map(toStand)
}

/** The drafts that came directly from these. */
export async function successorStands(db: Db, ids: readonly Umid[]): Promise<readonly DraftStand[]> {
  return (await inPages(ids, (page) => stands(db).where('draft.succeeds', 'in', page).execute())).map(toStand)
}

function stands(db: Db) {
  return db
    .selectFrom('draft')
    .leftJoin('server_name', 'server_name.draft_id', 'draft.id')
    .select([
      'draft.id',
      'draft.status',
      'draft.version',
      'draft.purged',
      'draft.trashed_at',
      'draft.created_at',
      'draft.succeeds',
      'server_name.missing_since',
      'server_name.folder',
      'server_name.uid_validity',
      'server_name.uid',
      'server_name.message_id',
    ])
}

type StandRow = Awaited<ReturnType<ReturnType<typeof stands>['execute']>>[number]

function toStand(row: StandRow): DraftStand {
  const { folder, uid_validity: uidValidity, uid, message_id: messageId } = row
  const isNamed = folder !== null && uidValidity !== null && uid !== null && messageId !== null
  return {
    draftId: row.id as Umid,
    status: row.status as DraftStatus,
    version: row.version as Version,
    isPurged: row.purged === 1,
    trashedAt: row.trashed_at,
    missingSince: row.missing_since,
    createdAt: row.created_at,
    succeeds: row.succeeds as Umid | null,
    name: isNamed
      ? {
          folder: folder as FolderPath,
          uidValidity: uidValidity as UidValidity,
          uid: uid as Uid,
          messageId: messageId as MessageId,
        }
      : null,
  }
}

/** What a draft says, and what stands in the Message-ID of each of its copies. */
export interface DraftWords {
  readonly draftId: Umid
  readonly token: string
  readonly content: DraftContent
}

export async function draftWords(db: Db, ids: readonly Umid[]): Promise<ReadonlyMap<Umid, DraftWords>> {
  const rows = await inPages(ids, (page) =>
    db
      .selectFrom('draft')
      .leftJoin('draft_content', 'draft_content.draft_id', 'draft.id')
      .select(['id', 'token', 'content', 'recent'])
      .where('id', 'in', page)
      .execute(),
  )
  return new Map(
    rows.map((row) => {
      const draftId = row.id as Umid
      return [draftId, { draftId, token: row.token, content: headContent(row) }]
    }),
  )
}

/** Message-IDs of all copies that were ever known, the oldest first. */
export async function copiesOf(
  db: Db,
  ids: readonly Umid[],
): Promise<ReadonlyMap<Umid, readonly { readonly messageId: MessageId; readonly isUpload: boolean }[]>> {
  const rows = await inPages(ids, (page) =>
    db
      .selectFrom('attempt')
      .select(['draft_id', 'message_id', 'method'])
      .where('draft_id', 'in', page)
      .where('message_id', '<>', noMessageId)
      .orderBy('created_at')
      .execute(),
  )
  const copies = rows.map((row) => ({
    draftId: row.draft_id as Umid,
    messageId: row.message_id as MessageId,
    isUpload: row.method !== 'import',
  }))
  return Map.groupBy(copies, ({ draftId }) => draftId)
}

export async function sendsOf(db: Db, ids: readonly Umid[]): Promise<ReadonlyMap<Umid, readonly StoredSend[]>> {
  const rows = await inPages(ids, (page) => db.selectFrom('send').selectAll().where('draft_id', 'in', page).execute())
  return Map.groupBy(rows.map(toSend), ({ draftId }) => draftId)
}

/** When a draft went from Drafts: after `seenAt`, before `goneAt`. */
export interface Sight {
  readonly seenAt: number
  /** Null: it is there. */
  readonly goneAt: number | null
  /** What the server calls its copies; each was asked about once. */
  readonly copies: readonly SeenCopy[]
}

export interface SeenCopy {
  readonly uidValidity: UidValidity
  readonly uid: Uid
  /** EMAILID and X-GM-MSGID. */
  readonly ids: readonly string[]
}

/** Of these drafts, as far as any is known. */
export async function outcomeSights(db: Db, ids: readonly Umid[]): Promise<ReadonlyMap<Umid, Sight>> {
  const rows = await inPages(ids, (page) =>
    db.selectFrom('outcome_sight').selectAll().where('draft_id', 'in', page).execute(),
  )
  return new Map(
    rows.map((row) => [
      row.draft_id as Umid,
      { seenAt: row.seen_at, goneAt: row.gone_at, copies: JSON.parse(row.server_ids) as SeenCopy[] },
    ]),
  )
}

export async function setOutcomeSight(db: Db, accountId: AccountId, draftId: Umid, sight: Sight): Promise<void> {
  const row = { seen_at: sight.seenAt, gone_at: sight.goneAt, server_ids: JSON.stringify(sight.copies) }
  await db
    .insertInto('outcome_sight')
    .values({ draft_id: draftId, account_id: accountId, ...row })
    .onConflict((conflict) => conflict.column('draft_id').doUpdateSet(row))
    .execute()
}

/** When what is in Sent was weighed against the drafts. */
export interface OutcomeLook {
  /** 0: never. */
  readonly weighedAt: number
  /** More was read of it since. */
  readonly isDue: boolean
}

export async function outcomeLook(db: Db, accountId: AccountId): Promise<OutcomeLook> {
  const row = await db.selectFrom('outcome_look').selectAll().where('account_id', '=', accountId).executeTakeFirst()
  return { weighedAt: row?.weighed_at ?? 0, isDue: row?.is_due !== 0 }
}

/** In the transaction that keeps the mail. */
export async function setWeighingDue(db: Db, accountId: AccountId): Promise<void> {
  await db
    .insertInto('outcome_look')
    .values({ account_id: accountId, weighed_at: 0, is_due: 1 })
    .onConflict((conflict) => conflict.column('account_id').doUpdateSet({ is_due: 1 }))
    .execute()
}

/** In the transaction that stores what came of it. */
export async function setWeighed(db: Db, accountId: AccountId, at: number): Promise<void> {
  const row = { weighed_at: at, is_due: 0 }
  await db
    .insertInto('outcome_look')
    .values({ account_id: accountId, ...row })
    .onConflict((conflict) => conflict.column('account_id').doUpdateSet(row))
    .execute()
}
