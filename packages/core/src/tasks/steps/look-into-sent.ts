import type { AccountId } from '../../ids.ts'
import { unclearDrafts, type UnclearSince } from '../../storage/outcome-traces.ts'
import type { ExecuteContext, FollowUp } from '../task.ts'

const dayMs = 24 * 3_600_000
/** A draft that is older is not looked for any more. */
const lookedForMs = 90 * dayMs
/** What names a draft comes soon after what only resembles it. */
const weighedAnewMs = 3 * dayMs

/** For what Sent may hold by then of drafts that programs wrote. */
export function lookIntoSent(accountId: AccountId, delayMs: number): FollowUp {
  return { task: 'outcome_correlate', accountId, key: accountId, delayMs, join: 'sooner' }
}

export function unclearSince({ environment }: Pick<ExecuteContext, 'environment'>): UnclearSince {
  const now = environment.now()
  return { madeAt: now - lookedForMs, sentAt: now - weighedAnewMs }
}

/** Nothing, where no program has written a draft of which it is unclear what became of it. */
export async function lookForOutcomes(context: ExecuteContext): Promise<readonly FollowUp[]> {
  const { accountId, store } = context
  const unclear = await store.read((db) => unclearDrafts(db, accountId, unclearSince(context), 1))
  return unclear.length === 0 ? [] : [lookIntoSent(accountId, 0)]
}
