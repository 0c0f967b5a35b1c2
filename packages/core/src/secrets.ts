import type { AccountId } from './ids.ts'

/**
 * Seals passwords and refresh tokens before they go into the store, and opens them again. What is sealed is bound to its
 * account: moved to another one's row it does not open.
 */
export interface Secrets {
  /** @throws {EverdraftError} SECRETS_LOCKED: the message names where the key should be */
  seal(accountId: AccountId, text: string): Promise<string>
  /** @throws {EverdraftError} SECRETS_LOCKED: the key is missing, or it is another one */
  open(accountId: AccountId, sealed: string): Promise<string>
  /** Sealed by the key that `seal` uses now: what is not is sealed anew when the store opens. */
  isCurrent(sealed: string): boolean
}
