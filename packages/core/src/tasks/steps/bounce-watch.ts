import type { AccountId } from '../../ids.ts'
import { oldestSendSince } from '../../storage/bounces.ts'
import type { ExecuteContext, FollowUp } from '../task.ts'

/** For what INBOX may hold by then. */
export function lookForBounces(accountId: AccountId, delayMs: number): FollowUp {
  return { task: 'outbox_bounces', accountId, key: accountId, delayMs, join: 'sooner' }
}

/** Null: no mail went lately. */
export async function oldestSend({ accountId, environment, store, bounces }: ExecuteContext): Promise<number | null> {
  if (bounces.reader === null || bounces.forMs === 0) return null
  return await store.read((db) => oldestSendSince(db, accountId, environment.now() - bounces.forMs))
}
