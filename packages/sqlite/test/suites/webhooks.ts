import {
  defaultOwner,
  type EventCursor,
  type TenantId,
  type UserId,
  type WebhookDelivery,
  type WebhookPolicy,
} from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import { codeOf, imapOfBen, nobody, type SuiteStorage } from '../harness.ts'

const ann = { tenantId: 'acme' as TenantId, userId: 'ann' as UserId }
const policy: WebhookPolicy = { backOff: { firstMs: 1_000, longestMs: 60_000 }, disableAfterMs: 3_600_000 }
const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** Where events are delivered to, and how far that is. */
export function exerciseWebhooks({ openFakeDevice }: SuiteStorage): void {
  describe('webhooks', () => {
    test('are listed for their owner, changed, and gone with their log', async () => {
      await using device = await openFakeDevice()
      const { webhooks } = device.engine
      const { webhook, secret } = await webhooks.add({
        owner: ann,
        url: 'https://hooks.example.com/Ä',
        events: ['draft-saved', 'draft-created'],
      })
      expect(webhook).toMatchObject({
        url: 'https://hooks.example.com/%C3%84',
        events: ['draft-created', 'draft-saved'],
      })
      await webhooks.add({ owner: defaultOwner, url: 'http://127.0.0.1/', allowPrivate: true })
      expect(await webhooks.get(webhook.id)).toEqual(webhook)
      expect(await webhooks.secrets(webhook.id)).toEqual([secret])
      expect((await webhooks.list({ owner: ann })).items).toEqual([webhook])
      expect((await webhooks.list({ limit: 1 })).total).toBe(2)
      const changed = await webhooks.change(webhook.id, { events: null, url: 'https://hooks.example.net/' })
      expect(changed).toEqual({ ...webhook, url: 'https://hooks.example.net/', events: null })
      expect(await webhooks.get(webhook.id)).toEqual(changed)
      await webhooks.record(webhook.id, taken(device.time.environment.now(), null), policy)
      expect((await webhooks.deliveries(webhook.id)).total).toBe(1)
      await webhooks.remove(webhook.id)
      expect(await codeOf(webhooks.deliveries(webhook.id))).toBe('NOT_FOUND')
      expect(await codeOf(webhooks.remove(webhook.id))).toBe('NOT_FOUND')
      expect(await codeOf(webhooks.get(nobody as typeof webhook.id))).toBe('NOT_FOUND')
    })

    test('are as far as their attempts say, over a restart, and are given up after a time, which is an event of their owner', async () => {
      await using device = await openFakeDevice()
      const { now } = device.time.environment
      const own = await device.engine.accounts.add({ address: 'ann@example.com', imap: imapOfBen, owner: ann })
      const { webhook } = await device.engine.webhooks.add({ owner: ann, url: 'https://hooks.example.com/' })
      await device.engine.drafts.create({ accountId: own.id })
      await device.engine.drafts.create({ accountId: device.account.id })
      const scope = { owner: ann, accountId: null }
      const page = await device.engine.events.page(scope, { after: webhook.progress.cursor })
      const [event] = page.items
      expect(page.items.map(({ type, accountId }) => [type, accountId])).toEqual([['draft-created', own.id]])
      const cursor = event!.cursor
      const { progress } = await device.engine.webhooks.record(webhook.id, failed(now(), cursor), policy)
      expect(progress).toMatchObject({ cursor: webhook.progress.cursor, failures: 1, disabledAt: null })
      await device.restart()
      const { webhooks } = device.engine
      expect((await webhooks.get(webhook.id)).progress).toEqual(progress)
      await webhooks.record(webhook.id, taken(now(), cursor), policy)
      expect((await webhooks.get(webhook.id)).progress).toMatchObject({ cursor, failures: 0, nextAttemptAt: null })
      await webhooks.record(webhook.id, failed(now(), cursor), policy)
      await device.time.advance(hourMs)
      const disabled = await webhooks.record(webhook.id, failed(now(), cursor), policy)
      expect(disabled.progress).toMatchObject({ failures: 2, disabledAt: expect.any(Number) })
      const after = await device.engine.events.page(scope, { after: cursor })
      const told = after.items.filter(({ type }) => type === 'webhook-disabled')
      expect(told).toMatchObject([{ webhookId: webhook.id, owner: ann, accountId: null }])
      expect(
        (await device.engine.events.page({ owner: defaultOwner, accountId: null }, { after: cursor })).items,
      ).not.toEqual(expect.arrayContaining([expect.objectContaining({ type: 'webhook-disabled' })]))
      const { items } = await webhooks.deliveries(webhook.id)
      expect(items.map(({ attempt, error }) => [attempt, error])).toEqual([
        [2, 'REFUSED'],
        [1, 'REFUSED'],
        [2, null],
        [1, 'REFUSED'],
      ])
      const enabled = await webhooks.change(webhook.id, { isEnabled: true })
      expect(enabled.progress).toEqual({
        cursor,
        failures: 0,
        failingSince: null,
        nextAttemptAt: null,
        disabledAt: null,
      })
      await webhooks.skip(webhook.id, page.next)
      expect((await webhooks.get(webhook.id)).progress.cursor).toBe(page.next)
    })

    test('have the secret of before beside the new one until its time is over', async () => {
      await using device = await openFakeDevice()
      const { webhooks } = device.engine
      const { webhook, secret: first } = await webhooks.add({ owner: ann, url: 'https://hooks.example.com/' })
      const { secret: second, webhook: changed } = await webhooks.changeSecret(webhook.id, { previousValidMs: hourMs })
      expect(changed.previousSecretUntil).not.toBeNull()
      expect(await webhooks.secrets(webhook.id)).toEqual([second, first])
      await device.time.advance(hourMs)
      expect(await webhooks.secrets(webhook.id)).toEqual([second])
      await device.engine.housekeep()
      expect((await webhooks.get(webhook.id)).previousSecretUntil).toBeNull()
      const { secret: third } = await webhooks.changeSecret(webhook.id, { previousValidMs: 0 })
      expect(await webhooks.secrets(webhook.id)).toEqual([third])
      expect(await codeOf(webhooks.changeSecret(webhook.id, { previousValidMs: 8 * dayMs }))).toBe('VALIDATION_ERROR')
    })
  })
}

type Attempt = Omit<WebhookDelivery, 'attempt'>

function taken(at: number, cursor: EventCursor | null): Attempt {
  return { event: cursor === null ? 'ping' : 'draft-created', cursor, at, durationMs: 5, status: 204, error: null }
}

function failed(at: number, cursor: EventCursor): Attempt {
  return { event: 'draft-created', cursor, at, durationMs: 5, status: 500, error: 'REFUSED' }
}
