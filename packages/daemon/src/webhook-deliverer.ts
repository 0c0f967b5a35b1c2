import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'

import {
  type Engine,
  EverdraftError,
  type EventCursor,
  type ToldEvent,
  type Webhook,
  type WebhookDelivery,
  type WebhookId,
} from '@everdraft/core'
import type { FastifyBaseLogger } from 'fastify'

import type { EventLog } from './event-log.ts'
import { eventToJson } from './event-resource.ts'
import { postWebhook, type WebhookAnswer } from './webhook-request.ts'
import type { WebhookDeliverer, WebhookOptions } from './webhooks.ts'
import { signedHeaders } from './webhook-signature.ts'

interface Running {
  readonly stopping: AbortController
  readonly done: Promise<void>
}

/** How far past events that are not wanted it may be, before that is written down. */
const longestUnwritten = 1_000
/** Where the store does not answer. */
const storeRetryMs = 5_000
/** Nothing depends on it: what is new is heard of. */
const longestSleepMs = 600_000
const webhooksPerPage = 500

interface Parts {
  readonly engine: Engine
  readonly eventLog: EventLog
  readonly log: FastifyBaseLogger
  readonly version: string
  readonly options: WebhookOptions
}

export function createWebhookDeliverer({ engine, eventLog, log, version, options }: Parts): WebhookDeliverer {
  const running = new Map<WebhookId, Running>()
  const closing = new AbortController()

  /** What came of it is in the log of deliveries, and decides what comes next. */
  async function attempt(
    webhook: Webhook,
    { body, event, cursor }: { readonly body: string; readonly event: string; readonly cursor: EventCursor | null },
    signal: AbortSignal,
  ): Promise<{ readonly webhook: Webhook; readonly delivery: Omit<WebhookDelivery, 'attempt'> }> {
    const at = Date.now()
    const began = performance.now()
    let answer: WebhookAnswer
    try {
      const secrets = await engine.webhooks.secrets(webhook.id)
      answer = await postWebhook({
        url: webhook.url,
        body,
        headers: signedHeaders(body, {
          version,
          event,
          delivery: `${webhook.id}:${cursor ?? randomUUID()}`,
          secrets,
          at,
        }),
        allowPrivate: webhook.allowPrivate,
        resolve: options.resolve,
        timeoutMs: options.timeoutMs,
        signal,
      })
    } catch (error) {
      if (!(error instanceof EverdraftError) || error.code !== 'SECRETS_LOCKED') throw error
      answer = { status: null, error: 'SECRETS_LOCKED' }
    }
    const durationMs = Math.round(performance.now() - began)
    const delivery = { event: event as WebhookDelivery['event'], cursor, at, durationMs, ...answer }
    if (answer.error !== null) log.warn({ webhook: webhook.id, event, ...answer }, 'webhook: not taken')
    return { webhook: await engine.webhooks.record(webhook.id, delivery, options.policy), delivery }
  }

  async function run(given: Webhook, signal: AbortSignal): Promise<void> {
    const { owner, accountId, events } = given
    const wants = ({ type }: ToldEvent): boolean => events === null || events.includes(type)
    let webhook = given
    let { cursor } = given.progress
    while (webhook.progress.disabledAt === null) {
      const waitMs = (webhook.progress.nextAttemptAt ?? 0) - Date.now()
      if (waitMs > 0) await wait(waitMs, undefined, { signal })
      const page = await eventLog.page({ owner, accountId }, cursor)
      let isTaken = true
      for (const event of page.items.filter(wants)) {
        signal.throwIfAborted()
        const json = eventToJson(event)
        const told = { body: JSON.stringify(json), event: json.type, cursor: event.cursor }
        const { webhook: after, delivery } = await attempt(webhook, told, signal)
        webhook = after
        isTaken = delivery.error === null
        if (!isTaken) break
        cursor = event.cursor
      }
      signal.throwIfAborted()
      if (!isTaken) continue
      cursor = page.next
      if (cursor - webhook.progress.cursor > longestUnwritten) {
        await engine.webhooks.skip(webhook.id, cursor)
        webhook = { ...webhook, progress: { ...webhook.progress, cursor } }
      }
      if (page.isLast) await eventLog.changed(owner, cursor, { signal, longestMs: longestSleepMs })
      signal.throwIfAborted()
    }
  }

  /** Until it is stopped, removed or disabled. */
  async function keepRunning(id: WebhookId, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await run(await engine.webhooks.get(id), signal)
        return
      } catch (error) {
        if (signal.aborted || (error instanceof EverdraftError && error.code === 'NOT_FOUND')) return
        const { name, code } = error as { readonly name?: string; readonly code?: string }
        log.error({ webhook: id, name, code }, 'webhook: the store does not answer')
        await wait(storeRetryMs, undefined, { signal }).catch(() => {})
      }
    }
  }

  function deliverTo({ id, progress }: Webhook): void {
    if (running.has(id) || progress.disabledAt !== null || closing.signal.aborted) return
    const stopping = new AbortController()
    const done = keepRunning(id, AbortSignal.any([stopping.signal, closing.signal])).finally(() => {
      if (running.get(id)?.stopping === stopping) running.delete(id)
    })
    running.set(id, { stopping, done })
  }

  async function stop(id: WebhookId): Promise<void> {
    const stopped = running.get(id)
    stopped?.stopping.abort()
    running.delete(id)
    await stopped?.done
  }

  return {
    async start() {
      for (let offset = 0; ; offset += webhooksPerPage) {
        const { items } = await engine.webhooks.list({ limit: webhooksPerPage, offset })
        for (const webhook of items) deliverTo(webhook)
        if (items.length < webhooksPerPage) return
      }
    },
    deliverTo,
    stop,
    async ping(webhook) {
      const body = JSON.stringify({ type: 'ping', webhook_id: webhook.id, at: new Date().toISOString() })
      const told = { body, event: 'ping', cursor: null }
      const { webhook: after, delivery } = await attempt(webhook, told, closing.signal).catch((error: unknown) => {
        throw closing.signal.aborted ? new EverdraftError('CLOSED', 'the daemon is closing') : error
      })
      // It need not wait any longer.
      if (delivery.error === null && webhook.progress.failures > 0) await stop(webhook.id)
      deliverTo(after)
      return { ...delivery, attempt: 1 }
    },
    async close() {
      closing.abort()
      await Promise.all([...running.values()].map(({ done }) => done))
    },
  }
}
