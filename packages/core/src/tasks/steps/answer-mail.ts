import type { AccountId, InboxMarkId } from '../../ids.ts'
import type { FollowUp } from '../task.ts'

/** Asks the responder about a mail. One that is parked or backs off is left to its reason. */
export function answerMail(accountId: AccountId, id: InboxMarkId): FollowUp {
  return { task: 'responder_answer', accountId, key: id, delayMs: 0, join: 'keep' }
}

/** For what INBOX may hold by then. */
export function lookIntoInbox(accountId: AccountId, delayMs: number): FollowUp {
  return { task: 'inbox_watch', accountId, key: accountId, delayMs, join: 'sooner' }
}
