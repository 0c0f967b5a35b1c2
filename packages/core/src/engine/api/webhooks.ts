import type { Owner } from '../../access.ts'
import type { EventType } from '../../events.ts'
import type { AccountId, EventCursor, WebhookId } from '../../ids.ts'
import type { Webhook, WebhookDelivery } from '../../storage/webhooks.ts'
import type { WebhookPolicy } from '../webhook-progress.ts'
import type { Page, PageRequest } from './pages.ts'

export interface WebhookInput {
  readonly owner: Owner
  /** `https:`, with `allowPrivate` also `http:`; without a user or a password. */
  readonly url: string
  /** Left out: all. */
  readonly events?: readonly EventType[]
  /** Left out: of all accounts, and of none. */
  readonly accountId?: AccountId
  /** Also to addresses within one's own network. Default false. */
  readonly allowPrivate?: boolean
}

/** What is left out stays. */
export interface WebhookChanges {
  readonly url?: string
  /** Null: all. */
  readonly events?: readonly EventType[] | null
  /** False: nothing is delivered until it is true again; then it goes on from where it was. */
  readonly isEnabled?: boolean
}

export interface Webhooks {
  /** For events from now on. `secret` signs the deliveries; it is told this once. @throws {EverdraftError} VALIDATION_ERROR */
  add(input: WebhookInput): Promise<{ readonly webhook: Webhook; readonly secret: string }>
  /** @throws {EverdraftError} NOT_FOUND */
  get(id: WebhookId): Promise<Webhook>
  /** The newest first. Without `owner`: everybody's. */
  list(filter?: PageRequest & { readonly owner?: Owner }): Promise<Page<Webhook>>
  /** With its log. @throws {EverdraftError} NOT_FOUND */
  remove(id: WebhookId): Promise<void>
  /** The newest first; of 30 days. @throws {EverdraftError} NOT_FOUND */
  deliveries(id: WebhookId, page?: PageRequest): Promise<Page<WebhookDelivery>>
  /** For events that were not delivered yet. @throws {EverdraftError} NOT_FOUND, VALIDATION_ERROR */
  change(id: WebhookId, changes: WebhookChanges): Promise<Webhook>
  /**
   * A new secret, told this once. The one before signs beside it for so long: default a day, at most seven, 0: not at all. One
   * before that signs no more. @throws {EverdraftError} NOT_FOUND, VALIDATION_ERROR
   */
  changeSecret(
    id: WebhookId,
    options?: { readonly previousValidMs?: number },
  ): Promise<{ readonly webhook: Webhook; readonly secret: string }>
  /** For who delivers: what signs now, the newest first. @throws {EverdraftError} NOT_FOUND, SECRETS_LOCKED */
  secrets(id: WebhookId): Promise<readonly string[]>
  /**
   * Writes an attempt down, and what follows from it: past the event, or when to try again, or that it is given up, which is an event.
   * Durable when it resolves. @throws {EverdraftError} NOT_FOUND
   */
  record(id: WebhookId, delivery: Omit<WebhookDelivery, 'attempt'>, policy: WebhookPolicy): Promise<Webhook>
  /** Up to the cursor nothing was wanted. @throws {EverdraftError} NOT_FOUND */
  skip(id: WebhookId, cursor: EventCursor): Promise<void>
}
