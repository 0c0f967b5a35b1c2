import type { AccountId } from '../../ids.ts'
import { unclearOutcomes } from '../../storage/outcome-traces.ts'
import type { ExecuteContext, FollowUp } from '../task.ts'

/** A draft that is older is not looked for any more. */
const lookedForMs = 90 * 24 * 3_600_000

/** For what Sent may hold by then of drafts that programs wrote. */
export function lookIntoSent(accountId: AccountId, delayMs: number): FollowUp {
  return { task: 'outcome_correlate', accountId, key: accountId, delayMs, join: 'sooner' }
}

export function lookedForSince({ environment }: Pick<ExecuteContext, 'environment'>): number {
  return environment.now() - lookedForMs
}

/** Nothing, where no program has written a draft of which it is unclear what became of it. */
export async function lookForOutcomes(context: ExecuteContext): Promise<readonly FollowUp[]> {
  const { accountId, store } = context
  const unclear = await store.read((db) => unclearOutcomes(db, accountId, lookedForSince(context)))
  return unclear.length === 0 ? [] : [lookIntoSent(accountId, 0)]
}
