import { describe, expect, test, vi } from 'vitest'

import { draftListItemToJson } from '../src/draft-resource.ts'
import { start, token, type Running } from './harness.ts'

/** As the daemon and the engine see it at the same moment: what runs in the background may fall in between. */
async function listed({ call, engine }: Running, accountId: string): Promise<{ served: unknown; stored: unknown }> {
  for (;;) {
    const mark = engine.changeMark()
    const { body } = await call('GET', `/accounts/${accountId}/drafts`)
    const page = await engine.drafts.list({ accountId: accountId as never })
    if (mark !== engine.changeMark()) continue
    return { served: body, stored: { ...page, items: page.items.map(draftListItemToJson) } }
  }
}

describe('answers that are given again', () => {
  test('a list is made once as long as nothing is written, and anew after each write', async () => {
    const { call, engine, url, addAccount, addDraft } = await start()
    const { id } = await addAccount()
    const draft = await addDraft(id, { subject: 'One' })
    await call('POST', `/accounts/${id}/sync`, { headers: { prefer: 'wait=30' } })
    const list = vi.spyOn(engine.drafts, 'list')
    const path = `/accounts/${id}/drafts?limit=5`
    const first = await call('GET', path)
    const second = await call('GET', path)
    expect(list).toHaveBeenCalledTimes(1)
    expect(second.body).toEqual(first.body)
    expect(second.headers.get('etag')).toBe(first.headers.get('etag'))
    expect(second.headers.get('content-type')).toBe('application/json; charset=utf-8')
    const head = await fetch(`${url}${path}`, { method: 'HEAD', headers: { authorization: `Bearer ${token}` } })
    expect(head.headers.get('content-length')).toBe(`${first.bytes.length}`)

    await call('PUT', `/accounts/${id}/drafts/${draft.id}`, { json: { subject: 'Two' } })
    const third = await call('GET', path)
    expect(third.body.items[0].subject).toBe('Two')
    expect(third.headers.get('etag')).not.toBe(first.headers.get('etag'))
  })

  test('whatever changes a draft, the list says it: saves, uploads, other accounts’ names, sends, discards', async () => {
    const running = await start()
    const { call, addAccount, addDraft } = running
    const { id } = await addAccount()
    const one = await addDraft(id, { subject: 'One', to: 'bob@example.org' })
    const check = async (): Promise<void> => {
      const { served, stored } = await listed(running, id)
      expect(served).toEqual(stored)
    }
    await check()
    await call('POST', `/accounts/${id}/sync`, { headers: { prefer: 'wait=30' } })
    await check()
    await call('PUT', `/accounts/${id}/drafts/${one.id}`, { json: { text: 'More' } })
    await check()
    await call('POST', `/accounts/${id}/drafts/${one.id}/approve`, { json: { version: 2 } })
    await check()
    await call('PATCH', `/accounts/${id}`, { json: { name: 'Ann Example' } })
    await check()
    const two = await addDraft(id, { subject: 'Two' })
    await check()
    await call('DELETE', `/accounts/${id}/drafts/${two.id}`)
    await check()
    await call('POST', `/accounts/${id}/sync`, { headers: { prefer: 'wait=30' } })
    await check()
  })

  test('304 to who has it already, and the whole again once it is another', async () => {
    const { call, addAccount, addDraft } = await start()
    const { id } = await addAccount()
    await addDraft(id)
    await call('POST', `/accounts/${id}/sync`, { headers: { prefer: 'wait=30' } })
    const path = `/accounts/${id}/drafts`
    const tag = (await call('GET', path)).headers.get('etag') ?? ''
    expect(tag).toMatch(/^"[\w-]{22}"$/)
    for (const given of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
      const answer = await call('GET', path, { headers: { 'if-none-match': given } })
      expect(answer).toMatchObject({ status: 304, bytes: new Uint8Array() })
      expect(answer.headers.get('etag')).toBe(tag)
    }
    // Something was written, and nothing of it is in this answer: it is made anew, and is the same.
    await call('POST', '/tokens', { json: { scopes: ['read'] } })
    expect((await call('GET', path, { headers: { 'if-none-match': tag } })).status).toBe(304)
    await addDraft(id)
    expect(await call('GET', path, { headers: { 'if-none-match': tag } })).toMatchObject({
      status: 200,
      body: { total: 2 },
    })
  })

  test('nobody is given what was made for somebody else, nor for a token that is no more', async () => {
    const { call, addAccount, addDraft } = await start()
    const { id } = await addAccount()
    await addDraft(id)
    const own = (await call('POST', '/tokens', { json: { scopes: ['read'] } })).body
    const other = (await call('POST', '/tokens', { json: { scopes: ['read'], user_id: 'bob' } })).body
    const unable = (await call('POST', '/tokens', { json: { scopes: ['write'] } })).body
    const path = `/accounts/${id}/drafts`
    expect((await call('GET', path, { token: own.token })).status).toBe(200)
    expect((await call('GET', path, { token: own.token })).status).toBe(200)
    expect((await call('GET', path, { token: other.token })).status).toBe(403)
    expect((await call('GET', path, { token: unable.token })).status).toBe(403)
    expect((await call('GET', '/accounts', { token: own.token })).body.total).toBe(1)
    expect((await call('GET', '/accounts', { token: other.token })).body.total).toBe(0)
    await call('DELETE', `/tokens/${own.id}`)
    expect((await call('GET', path, { token: own.token })).status).toBe(401)
    await call('DELETE', `/accounts/${id}?unsent=discard`)
    expect((await call('GET', path)).status).toBe(403)
  })

  test('a request that is refused is answered as if nothing were remembered', async () => {
    const { call, addAccount } = await start()
    const { id } = await addAccount()
    for (const query of ['?limit=0', '?nonsense=1']) {
      for (const _ of [1, 2]) expect((await call('GET', `/accounts/${id}/drafts${query}`)).status).toBe(400)
    }
  })
})
