import type { AccountId, ConversationId, MessageId } from '../ids.ts'
import type { Db } from './db.ts'

/** To which the first of these belongs that is known; null: none is. */
export async function conversationOf(
  db: Db,
  accountId: AccountId,
  ids: readonly MessageId[],
): Promise<ConversationId | null> {
  if (ids.length === 0) return null
  const rows = await db
    .selectFrom('conversation_message')
    .select(['message_id', 'conversation_id'])
    .where('account_id', '=', accountId)
    .where('message_id', 'in', ids)
    .execute()
  const known = new Map(rows.map((row) => [row.message_id, row.conversation_id]))
  const found = ids.map((id) => known.get(id)).find((one) => one !== undefined)
  return (found ?? null) as ConversationId | null
}

/** One that belongs to another conversation stays there. */
export async function joinConversation(
  db: Db,
  accountId: AccountId,
  {
    conversationId,
    ids,
    now,
  }: {
    readonly conversationId: ConversationId
    readonly ids: readonly MessageId[]
    readonly now: number
  },
): Promise<void> {
  for (const id of ids) {
    await db
      .insertInto('conversation_message')
      .values({ account_id: accountId, message_id: id, conversation_id: conversationId, at: now })
      .onConflict((conflict) => conflict.columns(['account_id', 'message_id']).doNothing())
      .execute()
  }
}

/** Whoever answers a mail of then begins a conversation of their own. */
export async function dropConversationsBefore(db: Db, at: number): Promise<void> {
  await db.deleteFrom('conversation_message').where('at', '<', at).execute()
}
