import type { Webhook, WebhookDelivery, WebhookId, WebhookPolicy } from '@everdraft/core'

import { type ResolveHost, resolveHost } from './webhook-request.ts'

export interface WebhookOptions {
  /** How long a receiver has to answer. Default 10 s. */
  readonly timeoutMs: number
  /** Default: from 5 s to an hour between attempts, and given up after three days. */
  readonly policy: WebhookPolicy
  /** Default: the system's resolver. */
  readonly resolve: ResolveHost
}

export const webhookOptions: WebhookOptions = {
  timeoutMs: 10_000,
  policy: { backOff: { firstMs: 5_000, longestMs: 3_600_000 }, disableAfterMs: 3 * 24 * 3_600_000 },
  resolve: resolveHost,
}

/** Brings events to the webhooks: a queue for each, which is a place in the log of events. */
export interface WebhookDeliverer {
  /** For those that are there already. */
  start(): Promise<void>
  /** From where it is on; one that is under way already, or is disabled, is left as it is. */
  deliverTo(webhook: Webhook): void
  /** Nothing goes there any more, and nothing is written down of it, once it resolves. */
  stop(id: WebhookId): Promise<void>
  /** A delivery without an event, beside the queue. One that is taken enables a disabled webhook. */
  ping(webhook: Webhook): Promise<WebhookDelivery>
  close(): Promise<void>
}
