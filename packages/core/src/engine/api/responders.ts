import type { AccountId } from '../../ids.ts'
import type { MailFilters } from '../../responder/mail-filters.ts'
import type { ResponderSettings } from '../../responder/responder.ts'

export interface ResponderInput {
  /** A URL that is asked by a signed POST, or `module`. */
  readonly url?: string
  /** A function of `EngineOptions.responders`, by its name. */
  readonly module?: string
  /** Default: all mail that a program may answer at all (RFC 3834). */
  readonly filters?: MailFilters
  /** Of its drafts, where an answer names none. */
  readonly scenario?: string | null
  /** 1 s to 10 min; default 30 s. */
  readonly timeoutMs?: number
  /** Up to 30 days; default 0. Where drafts are sent at once it is five minutes at least. */
  readonly cooldownMs?: number
  /** 1 to 10,000; default 100. */
  readonly hourlyLimit?: number
  /** The URL may be `http:`, and within one's own network. Default false. */
  readonly allowPrivate?: boolean
}

export interface AccountResponders {
  /**
   * In place of what was there. Mail that comes from the first time on is answered, and what was parked is tried again.
   * @returns with the secret that signs what its URL is asked, which nobody is told again; null where there was one before
   * @throws {EverdraftError} VALIDATION_ERROR, NOT_FOUND (account)
   */
  set(
    accountId: AccountId,
    input: ResponderInput,
  ): Promise<{ readonly settings: ResponderSettings; readonly secret: string | null }>
  /** Null: nothing answers the account's mail. @throws {EverdraftError} NOT_FOUND (account) */
  get(accountId: AccountId): Promise<ResponderSettings | null>
  /** What it has not answered yet is not answered any more. @throws {EverdraftError} NOT_FOUND */
  remove(accountId: AccountId): Promise<void>
}
