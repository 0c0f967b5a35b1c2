import type { SelectQueryBuilder } from 'kysely'

import type { SendStatus } from '../draft/send-state.ts'
import type { AccountId, Umid } from '../ids.ts'
import type { Bounce } from '../wire/bounce.ts'
import type { Db } from './db.ts'
import type { Schema, SendRow } from './schema.ts'
import { lastSendOf, type StoredSend, toSend } from './sends.ts'

/** What ended then may have gone that much earlier. */
const endsWithinMs = 2 * 24 * 3_600_000

const mayHaveGone: readonly SendStatus[] = ['sending', 'sent', 'unknown']

/**
 * When the oldest of the account's sends went that went since then, in milliseconds, or a time before it: what comes back comes
 * after that. Null: none did.
 */
export async function oldestSendSince(db: Db, accountId: AccountId, since: number): Promise<number | null> {
  const ended = await db
    .selectFrom('send')
    .select('ended_at')
    .where('account_id', '=', accountId)
    .where('ended_at', '>=', since)
    .where('status', 'in', mayHaveGone)
    .orderBy('ended_at')
    .limit(1)
    .executeTakeFirst()
  const open = await ofAccount(db, accountId).where('ended_at', 'is', null).execute()
  const went = open.flatMap((row) => wentAt(toSend(row)) ?? []).filter((at) => at >= since)
  if (ended !== undefined) went.push((ended.ended_at ?? since) - endsWithinMs)
  return went.length === 0 ? null : Math.min(...went)
}

/** Null: it has not, as far as is known here. */
function wentAt({ state, facts, createdAt }: StoredSend): number | null {
  // What was restored may have gone at any time since it was consented to.
  if (facts.restoredAt !== null) return createdAt
  return facts.dottedAt ?? state.sentAt
}

/** Which send of the account a report is about; null: none, and then it changes nothing here. */
export async function sendOfBounce(db: Db, accountId: AccountId, bounce: Bounce): Promise<StoredSend | null> {
  return (
    (await sendByEnvelope(db, accountId, bounce)) ??
    (await sendByMessageId(db, accountId, bounce)) ??
    (await sendByToken(db, accountId, bounce))
  )
}

async function sendByEnvelope(db: Db, accountId: AccountId, { envid }: Bounce): Promise<StoredSend | null> {
  if (envid === null) return null
  const row = await ofAccount(db, accountId).where('id', '=', envid).executeTakeFirst()
  return row === undefined ? null : toSend(row)
}

async function sendByMessageId(db: Db, accountId: AccountId, { messageId }: Bounce): Promise<StoredSend | null> {
  if (messageId === null) return null
  const ours = await ofAccount(db, accountId).where('message_id', '=', messageId).executeTakeFirst()
  if (ours !== undefined) return toSend(ours)
  // The one that the provider gave it lies among the facts; what only looks like it is sorted out here.
  const alike = await ofAccount(db, accountId).where('facts', 'like', `%${messageId}%`).execute()
  return alike.map(toSend).find(({ facts }) => facts.providerMessageId === messageId) ?? null
}

/** A mail with another Message-ID than ours is not the one that we sent, whatever draft it comes from. */
async function sendByToken(db: Db, accountId: AccountId, { messageId, token }: Bounce): Promise<StoredSend | null> {
  if (messageId !== null || token === null) return null
  const row = await db
    .selectFrom('draft')
    .select('id')
    .where('account_id', '=', accountId)
    .where((either) => either.or([either('id', '=', token), either('token', '=', token)]))
    .executeTakeFirst()
  return row === undefined ? null : await lastSendOf(db, row.id as Umid)
}

function ofAccount(db: Db, accountId: AccountId): SelectQueryBuilder<Schema, 'send', SendRow> {
  return db.selectFrom('send').selectAll().where('account_id', '=', accountId)
}
