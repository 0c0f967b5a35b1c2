import type { LastError } from '../draft/draft.ts'
import type { AccountId, ConversationId, InboxMarkId, Umid } from '../ids.ts'
import type { KeptMail } from '../responder/reply-content.ts'
import type { Db } from './db.ts'
import { prepared } from './prepared.ts'
import type { InboxMarkRow } from './schema.ts'

/** `waiting`: to be answered; `parked`: until somebody asks for it again; the others are its ends. */
export type InboxMarkState = 'waiting' | 'parked' | 'drafted' | 'declined' | 'skipped'

/** A mail that a responder is asked about, once. Times in epoch milliseconds. */
export interface InboxMark {
  readonly id: InboxMarkId
  readonly accountId: AccountId
  /** What tells the mail apart; see responder/inbox-identity.ts. */
  readonly identity: string
  readonly conversationId: ConversationId
  readonly mail: KeptMail
  readonly state: InboxMarkState
  /** Why there is no draft, or not yet. */
  readonly reason: LastError | null
  /** In a row. */
  readonly failures: number
  /** That answers it. */
  readonly draftId: Umid | null
  readonly foundAt: number
}

/** False: that mail was found before. */
export async function insertInboxMark(
  db: Db,
  mark: Omit<InboxMark, 'state' | 'reason' | 'failures' | 'draftId'>,
): Promise<boolean> {
  const { id, accountId, identity, conversationId, mail, foundAt } = mark
  const row = await db
    .insertInto('inbox_mark')
    .values({
      id,
      account_id: accountId,
      identity,
      conversation_id: conversationId,
      mail: JSON.stringify(mail),
      state: 'waiting' satisfies InboxMarkState,
      reason: null,
      failures: 0,
      draft_id: null,
      found_at: foundAt,
      ended_at: null,
    })
    .onConflict((conflict) => conflict.columns(['account_id', 'identity']).doNothing())
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

/** Null: it is not kept any more. */
export async function findInboxMark(db: Db, id: InboxMarkId): Promise<InboxMark | null> {
  const row = await db.selectFrom('inbox_mark').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : toMark(row)
}

/** The draft that answers the mail of that identity; null: none of ours does. */
export async function draftAnswering(db: Db, accountId: AccountId, identity: string): Promise<Umid | null> {
  const row = await db
    .selectFrom('inbox_mark')
    .select('draft_id')
    .where('account_id', '=', accountId)
    .where('identity', '=', identity)
    .executeTakeFirst()
  return (row?.draft_id ?? null) as Umid | null
}

/** The identity of the mail that a draft answers; null: a responder has not made it, or long ago. */
export async function mailAnsweredBy(db: Db, draftId: Umid): Promise<string | null> {
  const [row] = await identityByDraft(db, { draftId })
  return row?.identity ?? null
}

const identityByDraft = prepared((db, input: { readonly draftId: Umid }) =>
  db.selectFrom('inbox_mark').select('identity').where('draft_id', '=', input.draftId),
)

/** Of mails that are to be answered, the oldest first. */
export async function openInboxMarks(
  db: Db,
  accountId: AccountId,
  states: readonly Extract<InboxMarkState, 'waiting' | 'parked'>[],
): Promise<readonly Pick<InboxMark, 'id' | 'conversationId'>[]> {
  const rows = await db
    .selectFrom('inbox_mark')
    .select(['id', 'conversation_id'])
    .where('account_id', '=', accountId)
    .where('ended_at', 'is', null)
    .where('state', 'in', states)
    .orderBy('found_at')
    .orderBy('id')
    .execute()
  return rows.map((row) => ({
    id: row.id as InboxMarkId,
    conversationId: row.conversation_id as ConversationId,
  }))
}

/** The last mails of a conversation that came, the oldest first. */
export async function inboxMarksOfConversation(
  db: Db,
  accountId: AccountId,
  conversationId: ConversationId,
  limit: number,
): Promise<readonly InboxMark[]> {
  const rows = await db
    .selectFrom('inbox_mark')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('conversation_id', '=', conversationId)
    .orderBy('found_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
  return rows.map(toMark).toReversed()
}

/** It was tried in vain. */
export async function setInboxMarkFailed(
  db: Db,
  id: InboxMarkId,
  { state, reason, failures }: Pick<InboxMark, 'state' | 'reason' | 'failures'>,
): Promise<void> {
  await db
    .updateTable('inbox_mark')
    .set({ state, failures, reason: reason === null ? null : JSON.stringify(reason) })
    .where('id', '=', id)
    .execute()
}

export type InboxMarkEnd =
  | { readonly state: 'drafted'; readonly draftId: Umid }
  /** The responder has nothing to say. */
  | { readonly state: 'declined' }
  | { readonly state: 'skipped'; readonly reason: LastError }

export async function endInboxMark(db: Db, id: InboxMarkId, end: InboxMarkEnd, now: number): Promise<void> {
  await db
    .updateTable('inbox_mark')
    .set({
      state: end.state,
      reason: end.state === 'skipped' ? JSON.stringify(end.reason) : null,
      draft_id: end.state === 'drafted' ? end.draftId : null,
      ended_at: now,
    })
    .where('id', '=', id)
    .execute()
}

/** None of them is answered any more; `accountId` null: of all accounts. */
export async function endOpenInboxMarks(db: Db, accountId: AccountId | null, reason: LastError): Promise<void> {
  let ending = db
    .updateTable('inbox_mark')
    .set({ state: 'skipped' satisfies InboxMarkState, reason: JSON.stringify(reason), ended_at: reason.at })
    .where('ended_at', 'is', null)
  if (accountId !== null) ending = ending.where('account_id', '=', accountId)
  await ending.execute()
}

/** What is older is known by its UID, and not by this any more. */
export async function dropInboxMarksBefore(db: Db, endedBefore: number): Promise<void> {
  await db.deleteFrom('inbox_mark').where('ended_at', '<', endedBefore).execute()
}

function toMark(row: InboxMarkRow): InboxMark {
  return {
    id: row.id as InboxMarkId,
    accountId: row.account_id as AccountId,
    identity: row.identity,
    conversationId: row.conversation_id as ConversationId,
    mail: JSON.parse(row.mail) as KeptMail,
    state: row.state as InboxMarkState,
    reason: row.reason === null ? null : (JSON.parse(row.reason) as LastError),
    failures: row.failures,
    draftId: row.draft_id as Umid | null,
    foundAt: row.found_at,
  }
}
