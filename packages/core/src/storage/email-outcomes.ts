import { EverdraftError } from '../errors.ts'
import type { AccountId, ConversationId, MessageId, OutcomeId, TenantId, Umid, UserId } from '../ids.ts'
import type { EvidenceClass, Outcome, OutcomeStatus, SentOutcome, Supersession, Verdict } from '../responder/outcome.ts'
import type { Db } from './db.ts'
import type { EmailOutcomeRow } from './schema.ts'
import type { Write } from './store.ts'

/** In the transaction that makes the draft. */
export async function insertOutcome({ db, emit }: Write, outcome: Outcome): Promise<void> {
  await db
    .insertInto('email_outcomes')
    .values({
      id: outcome.id,
      account_id: outcome.accountId,
      tenant_id: outcome.tenantId,
      user_id: outcome.userId,
      user_name: outcome.userName,
      message_id: outcome.messageId,
      conversation_id: outcome.conversationId,
      reply_to_message_id: outcome.replyToMessageId,
      scenario: outcome.scenario,
      draft_subject: outcome.draftSubject,
      draft_body: outcome.draftBody,
      final_subject: outcome.finalSubject,
      final_body: outcome.finalBody,
      metadata_json: JSON.stringify(outcome.metadata),
      status: outcome.status,
      created_at: outcome.createdAt,
      verdict: outcome.verdict,
      ...supersededRow(outcome.superseded),
      ...sentRow(outcome.sent),
    })
    .execute()
  const { accountId, messageId: draftId, id: outcomeId } = outcome
  emit({ type: 'outcome.created', accountId, draftId, outcomeId })
}

/** Null: no program wrote that draft. */
export async function outcomeOfDraft(db: Db, draftId: Umid): Promise<Outcome | null> {
  const row = await db.selectFrom('email_outcomes').selectAll().where('message_id', '=', draftId).executeTakeFirst()
  return row === undefined ? null : toOutcome(row)
}

/** Of which nothing is known yet but that they were written; the oldest first. */
export async function openOutcomes(db: Db, accountId: AccountId): Promise<readonly Outcome[]> {
  const rows = await db
    .selectFrom('email_outcomes')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('status', '=', 'draft_created' satisfies OutcomeStatus)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return rows.map(toOutcome)
}

/** When those of the account were made that were made since then, ascending. */
export async function outcomesMadeSince(db: Db, accountId: AccountId, since: number): Promise<readonly number[]> {
  const rows = await db
    .selectFrom('email_outcomes')
    .select('created_at')
    .where('account_id', '=', accountId)
    .where('created_at', '>=', since)
    .orderBy('created_at')
    .execute()
  return rows.map((row) => row.created_at)
}

/** The newest first; `status` null: whichever. */
export async function listOutcomes(
  db: Db,
  query: {
    readonly accountId: AccountId
    readonly status: OutcomeStatus | null
    readonly limit: number
    readonly offset: number
  },
): Promise<{ readonly items: readonly Outcome[]; readonly total: number }> {
  let listed = db.selectFrom('email_outcomes').where('account_id', '=', query.accountId)
  if (query.status !== null) listed = listed.where('status', '=', query.status)
  const rows = await listed
    .selectAll()
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(query.limit)
    .offset(query.offset)
    .execute()
  const { total } = await listed
    .select((count) => count.fn.countAll<number | string>().as('total'))
    .executeTakeFirstOrThrow()
  return { items: rows.map(toOutcome), total: Number(total) }
}

/** The oldest first. */
export async function outcomesOfConversation(
  db: Db,
  accountId: AccountId,
  conversationId: ConversationId,
): Promise<readonly Outcome[]> {
  const rows = await db
    .selectFrom('email_outcomes')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('conversation_id', '=', conversationId)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return rows.map(toOutcome)
}

/** Only one that is open. @throws {EverdraftError} NOT_FOUND */
export async function setSuperseded({ db, emit }: Write, id: OutcomeId, superseded: Supersession): Promise<void> {
  const row = await db
    .updateTable('email_outcomes')
    .set({ status: 'superseded' satisfies OutcomeStatus, ...supersededRow(superseded) })
    .where('id', '=', id)
    .where('status', '=', 'draft_created' satisfies OutcomeStatus)
    .returning(['account_id', 'message_id'])
    .executeTakeFirst()
  if (row === undefined) throw unknown(id)
  const draftId = row.message_id as Umid
  const { by, isKept } = superseded
  emit({ type: 'outcome.superseded', accountId: row.account_id as AccountId, draftId, outcomeId: id, by, isKept })
}

/** A person's edit of it came to light after it was superseded: that stays where it is. Another draft is left as it is. */
export async function keepSuperseded(db: Db, draftId: Umid): Promise<void> {
  await db
    .updateTable('email_outcomes')
    .set({ is_kept: 1 })
    .where('message_id', '=', draftId)
    .where('superseded_at', 'is not', null)
    .execute()
}

/**
 * What became of it, as far as is known now; `sent` null: nothing that was sent comes from it. Later evidence may say otherwise: of two
 * outcomes that one sent mail moves between, the one that loses it comes first. @throws {EverdraftError} NOT_FOUND
 */
export async function setCorrelated(
  { db, emit }: Write,
  id: OutcomeId,
  { sent, verdict }: { readonly sent: SentOutcome | null; readonly verdict: Verdict },
): Promise<void> {
  const before = await db.selectFrom('email_outcomes').selectAll().where('id', '=', id).executeTakeFirst()
  if (before === undefined) throw unknown(id)
  const open: OutcomeStatus = before.superseded_at === null ? 'draft_created' : 'superseded'
  const status: OutcomeStatus = sent === null ? open : 'sent'
  await db
    .updateTable('email_outcomes')
    .set({ status, verdict, ...sentRow(sent) })
    .where('id', '=', id)
    .execute()
  if (sent === null || before.sent_message_id === sent.messageId) return
  const { account_id: accountId, message_id: draftId } = before
  const { evidence } = sent
  emit({
    type: 'outcome.sent',
    accountId: accountId as AccountId,
    draftId: draftId as Umid,
    outcomeId: id,
    evidence,
    verdict,
  })
}

function unknown(id: OutcomeId): EverdraftError {
  return new EverdraftError('NOT_FOUND', `there is no such outcome ${id}`)
}

function supersededRow(superseded: Supersession | null) {
  return {
    superseded_at: superseded?.at ?? null,
    superseded_by: superseded?.by ?? null,
    is_kept: superseded?.isKept === true ? 1 : 0,
  }
}

function sentRow(sent: SentOutcome | null) {
  return {
    sent_message_id: sent?.messageId ?? null,
    sent_subject: sent?.subject ?? null,
    sent_body: sent?.body ?? null,
    sent_to: sent?.to ?? null,
    sent_at: sent?.at ?? null,
    evidence: sent?.evidence ?? null,
    score: sent?.score ?? null,
    similarity: sent?.similarity ?? null,
    edit_distance: sent?.editDistance ?? null,
  }
}

export function toOutcome(row: EmailOutcomeRow): Outcome {
  return {
    id: row.id as OutcomeId,
    accountId: row.account_id as AccountId,
    tenantId: row.tenant_id as TenantId,
    userId: row.user_id as UserId,
    userName: row.user_name,
    messageId: row.message_id as Umid,
    conversationId: row.conversation_id as ConversationId,
    replyToMessageId: row.reply_to_message_id as MessageId | null,
    scenario: row.scenario,
    draftSubject: row.draft_subject,
    draftBody: row.draft_body,
    finalSubject: row.final_subject,
    finalBody: row.final_body,
    metadata: JSON.parse(row.metadata_json) as Outcome['metadata'],
    status: row.status as OutcomeStatus,
    createdAt: row.created_at,
    superseded: toSupersession(row),
    sent: toSent(row),
    verdict: row.verdict as Verdict,
  }
}

function toSupersession({ superseded_at: at, superseded_by: by, is_kept }: EmailOutcomeRow): Supersession | null {
  return at === null || by === null ? null : { at, by: by as Umid, isKept: is_kept === 1 }
}

function toSent(row: EmailOutcomeRow): SentOutcome | null {
  const { sent_message_id: messageId, sent_at: at } = row
  if (messageId === null || at === null) return null
  return {
    messageId,
    subject: row.sent_subject ?? '',
    body: row.sent_body ?? '',
    to: row.sent_to ?? '',
    at,
    evidence: (row.evidence ?? 'probable') as EvidenceClass,
    score: row.score ?? 0,
    similarity: row.similarity ?? 0,
    editDistance: row.edit_distance ?? 0,
  }
}
