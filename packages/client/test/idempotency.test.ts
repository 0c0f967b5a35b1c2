import { expect, test } from 'vitest'

import { ConnectionError, createClient, createIdempotencyKey, idempotently } from '../src/index.ts'
import { start, token } from './harness.ts'

test('a key is a UUID, and never the same', () => {
  const keys = Array.from({ length: 1000 }, createIdempotencyKey)
  for (const key of keys) expect(key).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(new Set(keys).size).toBe(1000)
})

test('an answer that is lost on its way is asked for again, and there is one draft', async () => {
  const { url, accountId, client } = await start()
  let lost = 0
  const overBadLine = createClient({
    url,
    token,
    fetch: async (request) => {
      const response = await fetch(request)
      if (lost === 2) return response
      lost += 1
      await response.arrayBuffer()
      throw new TypeError('the line went dead')
    },
  })
  const create = (key: string) =>
    overBadLine.POST('/accounts/{id}/drafts', {
      params: { path: { id: accountId }, header: { 'idempotency-key': key } },
      body: { subject: 'Once' },
    })
  const { data: draft } = await idempotently(create, { delayMs: 1 })
  expect(lost).toBe(2)
  const { data: page } = await client.GET('/accounts/{id}/drafts', { params: { path: { id: accountId } } })
  expect(page.items.map(({ id }) => id)).toEqual([draft.id])
})

test('it gives up after so many attempts, when called off, and at once where the answer is an answer', async () => {
  const { client, accountId, close } = await start()
  let asked = 0
  const bad = (): Promise<unknown> => {
    asked += 1
    return client.GET('/accounts/{id}/drafts', { params: { path: { id: accountId }, query: { limit: '0' } } })
  }
  await expect(idempotently(bad, { delayMs: 1 })).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
  expect(asked).toBe(1)
  await close()
  asked = 0
  await expect(idempotently(bad, { delayMs: 1, attempts: 3 })).rejects.toBeInstanceOf(ConnectionError)
  expect(asked).toBe(3)
  const controller = new AbortController()
  asked = 0
  const called = idempotently(bad, { delayMs: 3_600_000, signal: controller.signal })
  controller.abort()
  await expect(called).rejects.toBeInstanceOf(ConnectionError)
  expect(asked).toBe(1)
})
