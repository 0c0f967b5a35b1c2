import { sql } from 'kysely'

import type { UploadMethod } from '../draft/draft.ts'
import type { AccountId, AttemptId, FolderPath, MessageId, Sha256, Uid, UidValidity, Umid, Version } from '../ids.ts'
import { prepared } from './prepared.ts'
import type { AttemptRow } from './schema.ts'
import type { Db } from './db.ts'

/** Where an attachment of ours stands in a message on the server: what CATENATE can quote instead of sending it. */
interface StoredPart {
  readonly sha256: Sha256
  /** IMAP section, `2` or `1.3`. */
  readonly section: string
  /** -1: the server has encoded it, and nobody has read back how. It cannot be quoted before that. */
  readonly encodedSize: number
}

/** Of a message without one: its header says nothing that it could be known by. */
export const noMessageId: MessageId = '' as MessageId

/**
 * One upload that was begun. Written before the network is touched, and kept for ever: a copy that shows up late is
 * recognised by it, and never taken for somebody else's draft. A message that was taken in from the server has one, too,
 * with the method `import`: what is known of a copy stands in one place, whoever stored it.
 */
export interface Attempt {
  readonly id: AttemptId
  readonly accountId: AccountId
  readonly draftId: Umid
  readonly version: Version
  readonly messageId: MessageId
  /** The Message-ID of the copy that this one supersedes. */
  readonly baseMessageId: MessageId | null
  /** Of the content; see sync/recognise.ts. */
  readonly digest: string
  readonly method: UploadMethod | 'import'
  readonly folder: FolderPath
  readonly uidValidity: UidValidity
  /** UIDNEXT before the upload: a copy of it has this UID or a higher one. Null where the server did not say. */
  readonly uidNext: Uid | null
  readonly parts: readonly StoredPart[]
  /** RFC822.SIZE as it should be. */
  readonly size: number
  /** `open`: the server may or may not have it. */
  readonly state: 'open' | 'stored' | 'absent' | 'refused'
  readonly bytesSent: number
  readonly createdAt: number
  readonly endedAt: number | null
}

export async function insertAttempt(db: Db, attempt: Attempt): Promise<void> {
  await addAttempt(db, { ...attempt, parts: JSON.stringify(attempt.parts) })
}

const addAttempt = prepared((db, attempt: Omit<Attempt, 'parts'> & { readonly parts: string }) =>
  db.insertInto('attempt').values({
    id: attempt.id,
    account_id: attempt.accountId,
    draft_id: attempt.draftId,
    version: attempt.version,
    message_id: attempt.messageId,
    base_message_id: attempt.baseMessageId,
    digest: attempt.digest,
    method: attempt.method,
    folder: attempt.folder,
    uid_validity: attempt.uidValidity,
    uid_next: attempt.uidNext,
    parts: attempt.parts,
    size: attempt.size,
    state: attempt.state,
    bytes_sent: attempt.bytesSent,
    created_at: attempt.createdAt,
    ended_at: attempt.endedAt,
  }),
)

export async function endAttempt(
  db: Db,
  id: AttemptId,
  end: {
    readonly state: Exclude<Attempt['state'], 'open'>
    readonly bytesSent?: number
    readonly now: number
    /** What the server made of it, where that was not known before. */
    readonly stored?: Pick<Attempt, 'parts' | 'size'>
  },
): Promise<void> {
  await db
    .updateTable('attempt')
    .set({
      state: end.state,
      ended_at: end.now,
      ...(end.bytesSent === undefined ? {} : { bytes_sent: end.bytesSent }),
      ...(end.stored === undefined ? {} : { parts: JSON.stringify(end.stored.parts), size: end.stored.size }),
    })
    .where('id', '=', id)
    .execute()
}

/** Of the account's server only: a moved draft may have some on another. */
export async function openAttempts(db: Db, accountId: AccountId, draftId: Umid): Promise<readonly Attempt[]> {
  const rows = await db
    .selectFrom('attempt')
    .selectAll()
    .where('draft_id', '=', draftId)
    .where('account_id', '=', accountId)
    .where('state', '=', 'open')
    .orderBy('created_at')
    .execute()
  return rows.map(toAttempt)
}

/** Drafts of the account with an upload whose end is not known. */
export async function draftsWithOpenAttempts(db: Db, accountId: AccountId): Promise<ReadonlySet<Umid>> {
  const rows = await db
    .selectFrom('attempt')
    .select('draft_id')
    .distinct()
    .where('account_id', '=', accountId)
    .where('state', '=', 'open')
    .execute()
  return new Set(rows.map((row) => row.draft_id as Umid))
}

export async function attemptById(db: Db, id: AttemptId): Promise<Attempt | null> {
  const row = await db.selectFrom('attempt').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : toAttempt(row)
}

/**
 * What is known by each of these Message-IDs, the newest first. Scoped by account: nobody's copy is taken for another's.
 * There are several only of what was taken in.
 */
export async function attemptsByMessageId(
  db: Db,
  accountId: AccountId,
  messageIds: readonly MessageId[],
): Promise<ReadonlyMap<MessageId, readonly Attempt[]>> {
  const [only] = messageIds
  if (only === undefined) return new Map()
  if (messageIds.length === 1) {
    const rows = await byMessageId(db, { accountId, messageId: only })
    return rows.length === 0 ? new Map() : new Map([[only, rows.map(toAttempt)]])
  }
  const found: Attempt[] = []
  // SQLite binds at most 32,766 values; smaller lists also keep the statement cache small.
  for (let start = 0; start < messageIds.length; start += 500) {
    const rows = await db
      .selectFrom('attempt')
      .selectAll()
      .where('account_id', '=', accountId)
      .where('message_id', 'in', messageIds.slice(start, start + 500))
      .orderBy('id', 'desc')
      .execute()
    found.push(...rows.map(toAttempt))
  }
  return Map.groupBy(found, (attempt) => attempt.messageId)
}

const byMessageId = prepared((db, input: { readonly accountId: AccountId; readonly messageId: MessageId }) =>
  db
    .selectFrom('attempt')
    .selectAll()
    .where('account_id', '=', input.accountId)
    .where('message_id', '=', input.messageId)
    .orderBy('id', 'desc'),
)

/** What superseded the copy with this Message-ID, the newest first. */
export async function attemptsOnBase(db: Db, accountId: AccountId, base: MessageId): Promise<readonly Attempt[]> {
  const rows = await db
    .selectFrom('attempt')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('base_message_id', '=', base)
    .orderBy('id', 'desc')
    .execute()
  return rows.map(toAttempt)
}

export async function attemptMessageIds(db: Db, draftId: Umid): Promise<readonly MessageId[]> {
  const rows = await messageIdRows(db, { draftId })
  const newestFirst = rows.toSorted((a, b) => b.created_at - a.created_at)
  return newestFirst.map((row) => row.message_id as MessageId)
}

const messageIdRows = prepared((db, input: { readonly draftId: Umid }) =>
  db
    // Sorted by the reader: SQLite plans a statement that orders anew each time its values change.
    .selectFrom('attempt')
    .select(['message_id', 'created_at'])
    .where('draft_id', '=', input.draftId)
    .where('message_id', '<>', sql.lit(noMessageId)),
)

/** An attempt of ours, and nothing that was taken in. */
export type Upload = Attempt & { readonly method: UploadMethod }

/** The newest upload of each that ended well. */
export async function lastStoredUploads(db: Db, draftIds: readonly Umid[]): Promise<ReadonlyMap<Umid, Upload>> {
  const [only] = draftIds
  if (only === undefined) return new Map()
  const rows =
    draftIds.length === 1
      ? await lastStoredOf(db, { draftId: only })
      : await db
          .selectFrom('attempt')
          .selectAll()
          .where('draft_id', 'in', draftIds)
          .where('state', '=', 'stored')
          .where('method', '<>', 'import')
          .orderBy('created_at')
          .execute()
  return new Map(rows.map((row) => [row.draft_id as Umid, toAttempt(row) as Upload]))
}

const lastStoredOf = prepared((db, input: { readonly draftId: Umid }) =>
  db
    .selectFrom('attempt')
    .selectAll()
    .where('draft_id', '=', input.draftId)
    .where('state', '=', sql.lit('stored'))
    .where('method', '<>', sql.lit('import'))
    .orderBy('created_at', 'desc')
    .limit(sql.lit(1)),
)

function toAttempt(row: AttemptRow): Attempt {
  return {
    id: row.id as AttemptId,
    accountId: row.account_id as AccountId,
    draftId: row.draft_id as Umid,
    version: row.version as Version,
    messageId: row.message_id as MessageId,
    baseMessageId: row.base_message_id as MessageId | null,
    digest: row.digest,
    method: row.method as Attempt['method'],
    folder: row.folder as FolderPath,
    uidValidity: row.uid_validity as UidValidity,
    uidNext: row.uid_next as Uid | null,
    parts: JSON.parse(row.parts) as StoredPart[],
    size: row.size,
    state: row.state as Attempt['state'],
    bytesSent: row.bytes_sent,
    createdAt: row.created_at,
    endedAt: row.ended_at,
  }
}
