import type { AccountId, ConversationId, InboxMarkId } from '../../ids.ts'
import type { FollowUp } from '../task.ts'

/** So many mails of an account are asked about at once; those of one conversation one after the other. */
const parts = 3

/** Asks the responder about a mail. One that is parked or backs off is left to its reason. */
export function answerMail(
  accountId: AccountId,
  { id, conversationId }: { readonly id: InboxMarkId; readonly conversationId: ConversationId },
): FollowUp {
  const codes = Array.from(conversationId, (letter) => letter.charCodeAt(0))
  const part = codes.reduce((sum, code) => sum + code, 0) % parts
  return { task: 'responder_answer', accountId, key: id, delayMs: 0, join: 'keep', part }
}

/** For what INBOX may hold by then. */
export function lookIntoInbox(accountId: AccountId, delayMs: number): FollowUp {
  return { task: 'inbox_watch', accountId, key: accountId, delayMs, join: 'sooner' }
}
