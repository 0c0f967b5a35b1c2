import type { ConversationId, MessageId } from '../ids.ts'

export interface Threaded {
  readonly messageId: MessageId | null
  readonly inReplyTo: MessageId | null
  readonly references: readonly MessageId[]
}

/** More of a thread than its beginning and its end says nothing more. */
const mostIds = 100

/** The Message-IDs of the conversation that a mail names (RFC 5322 §3.6.4), the oldest first, its own last. */
export function conversationIds({ messageId, inReplyTo, references }: Threaded): readonly MessageId[] {
  const named = [...references, inReplyTo, messageId].filter((id) => id !== null)
  const ids = [...new Set(named.filter((id) => id.length <= 998))]
  return ids.length <= mostIds ? ids : [...ids.slice(0, 1), ...ids.slice(1 - mostIds)]
}

/** Of a conversation that is not known yet. `fallback`: for a mail that names nothing. */
export function newConversationId(
  ids: readonly MessageId[],
  threadId: string | null,
  fallback: string,
): ConversationId {
  return (threadId === null ? (ids[0] ?? fallback) : `thread:${threadId}`) as ConversationId
}
