import type { Owner, Scope } from '../../access.ts'
import type { ApiTokenId } from '../../ids.ts'
import type { Page, PageRequest } from './pages.ts'

export interface ApiTokenInput {
  readonly owner: Owner
  readonly scopes: readonly Scope[]
  /** What it is for, for people. */
  readonly name?: string
  /** In epoch milliseconds; null or left out: it does not expire. */
  readonly expiresAt?: number | null
}

/** Without what is shown at the door: of that only a digest is stored. */
export interface ApiToken {
  readonly id: ApiTokenId
  readonly owner: Owner
  readonly name: string
  readonly scopes: readonly Scope[]
  readonly expiresAt: number | null
  /** Within some minutes, as not each use is written down; null: not used yet. */
  readonly lastUsedAt: number | null
  readonly createdAt: number
}

export interface ApiTokens {
  /** `text` is what the bearer shows; it is told this once. @throws {EverdraftError} VALIDATION_ERROR */
  create(input: ApiTokenInput): Promise<{ readonly token: ApiToken; readonly text: string }>
  /** @throws {EverdraftError} NOT_FOUND */
  get(id: ApiTokenId): Promise<ApiToken>
  /** The newest first. Without `owner`: everybody's. */
  list(filter?: PageRequest & { readonly owner?: Owner }): Promise<Page<ApiToken>>
  /** It opens nothing from now on. @throws {EverdraftError} NOT_FOUND */
  revoke(id: ApiTokenId): Promise<void>
  /** Null: unknown, revoked or expired. */
  authenticate(text: string): Promise<ApiToken | null>
}
