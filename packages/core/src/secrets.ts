import type { AccountId, WebhookId } from './ids.ts'

/** To what a secret is bound. */
export type SecretHolder = AccountId | WebhookId

/**
 * Seals passwords, refresh tokens and what signs webhooks before they go into the store, and opens them again. What is sealed
 * is bound to its account or webhook: moved to another one's row it does not open.
 */
export interface Secrets {
  /** @throws {EverdraftError} SECRETS_LOCKED: the message names where the key should be */
  seal(holder: SecretHolder, text: string): Promise<string>
  /** @throws {EverdraftError} SECRETS_LOCKED: the key is missing, or it is another one */
  open(holder: SecretHolder, sealed: string): Promise<string>
  /** Sealed by the key that `seal` uses now: what is not is sealed anew when the store opens. */
  isCurrent(sealed: string): boolean
  /** A new key in front: `seal` uses it from now on, the others still open. Absent: the keys are given from elsewhere. */
  addKey?(): void
  /** Forgets all keys but the first. Only when everything was sealed anew. */
  keepNewestKey?(): void
}
