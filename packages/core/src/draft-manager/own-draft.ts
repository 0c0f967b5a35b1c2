import { EverdraftError } from '../errors.ts'
import type { AccountId } from '../ids.ts'
import type { StoredDraft } from '../storage/drafts.ts'

/** A draft of another account is as unknown as one that never was. @throws {EverdraftError} NOT_FOUND */
export function ownDraft(draft: StoredDraft | null, accountId: AccountId): StoredDraft {
  if (draft !== null && draft.accountId === accountId && draft.emptiedAt === null) return draft
  throw new EverdraftError('NOT_FOUND', 'there is no such draft in this account')
}

/**
 * Also none may have it: a client makes the ids of its drafts. But none is used twice.
 * @throws {EverdraftError} NOT_FOUND where it is another account's, NOT_A_DRAFT where it was one here
 */
export function checkFree(draft: StoredDraft | null, accountId: AccountId): void {
  if (draft === null) return
  if (draft.accountId !== accountId) throw new EverdraftError('NOT_FOUND', 'there is no such draft in this account')
  if (draft.emptiedAt !== null) throw new EverdraftError('NOT_A_DRAFT', 'the draft is gone from the trash for good')
}
