import { EverdraftError, type Account, type AccountId, type Draft, type Engine, type Umid } from '@everdraft/core'

import { ProblemError } from './problems.ts'

/** Somebody else's account and nobody's get the same answer: who asks learns nothing about accounts of others. */
export async function ownAccount(engine: Engine, id: AccountId): Promise<Account> {
  try {
    return await engine.accounts.get(id)
  } catch (error) {
    if (!(error instanceof EverdraftError) || error.code !== 'NOT_FOUND') throw error
    throw new ProblemError(403, 'UNAUTHORIZED', 'this account is not yours')
  }
}

/** The draft, if it is one of this account; a draft of another account is as unknown as one that never was. */
export async function ownDraft(engine: Engine, accountId: AccountId, id: Umid): Promise<Draft> {
  await ownAccount(engine, accountId)
  const draft = await engine.drafts.get(id)
  if (draft.accountId !== accountId) throw new ProblemError(404, 'NOT_FOUND', 'there is no such draft in this account')
  return draft
}
