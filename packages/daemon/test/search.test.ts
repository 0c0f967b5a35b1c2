import { expect, test } from 'vitest'

import { start } from './harness.ts'

interface Found {
  readonly id: string
  readonly snippet: string
}

test('words are found by their beginnings in all that a draft says, whatever their case and accents', async () => {
  const { call, addAccount, addDraft, engine } = await start()
  const { id } = await addAccount()
  const draft = await addDraft(id, {
    to: 'Zoë <z@example.org>',
    subject: 'Grüße aus Köln',
    text: 'the harbour was frozen',
  })
  await addDraft(id, { subject: 'nothing of the kind' })
  // The index follows the saves; this waits for it.
  await engine.housekeep()
  const found = async (q: string): Promise<readonly Found[]> =>
    (await call('GET', `/accounts/${id}/drafts?q=${encodeURIComponent(q)}`)).body.items
  for (const q of ['koln', 'GRUß', 'zoe', 'harb fro', 'frozen harbour']) {
    expect((await found(q)).map((item) => item.id)).toEqual([draft.id])
  }
  const [item] = await found('harbour')
  expect(item?.snippet).toContain('\u2068harbour\u2069')
  expect(item).toMatchObject({ subject: 'Grüße aus Köln', status: 'draft', version: 1 })
  expect(item).not.toHaveProperty('text')
  for (const q of ['harbour desert', 'arbour', '"', '!?']) expect(await found(q)).toEqual([])
  const all = await call('GET', `/accounts/${id}/drafts`)
  for (const listed of all.body.items) expect(listed).not.toHaveProperty('snippet')
})

test('a search is paged, keeps to its account and to the other filters', async () => {
  const { call, addAccount, addDraft, engine } = await start()
  const { id } = await addAccount()
  const bob = await addAccount({ address: 'bob@example.org' })
  const first = await addDraft(id, { subject: 'apple', tags: ['fruit'] })
  const second = await addDraft(id, { subject: 'apple pie with many other words' })
  const gone = await addDraft(id, { subject: 'apple tree', tags: ['fruit'] })
  await addDraft(bob.id, { subject: 'apple' })
  await call('DELETE', `/accounts/${id}/drafts/${gone.id}`)
  await engine.housekeep()
  const search = async (query: string): ReturnType<typeof call> => call('GET', `/accounts/${id}/drafts?q=apple${query}`)
  const ids = async (query: string): Promise<readonly string[]> =>
    (await search(query)).body.items.map((item: Found) => item.id)
  expect((await search('')).body).toMatchObject({ total: 3, limit: 50, offset: 0 })
  expect((await search('&limit=1&offset=1')).body).toMatchObject({ total: 3, limit: 1, offset: 1, items: [{}] })
  expect(await ids('&tag=fruit&status=draft')).toEqual([first.id])
  expect(await ids('&status=discarded')).toEqual([gone.id])
  expect((await ids('&sync_state=local-only&status=draft')).toSorted()).toEqual([first.id, second.id].toSorted())
  expect((await search('&status=draft&limit=1&offset=1')).body).toMatchObject({ total: 2, items: [{}] })
  expect(await search('&q=')).toMatchObject({ status: 400, body: { errors: [{ path: 'q' }] } })
  expect((await call('GET', `/accounts/${id}/drafts?q=`)).status).toBe(400)
})
