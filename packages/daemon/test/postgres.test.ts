import { describe, expect, test, vi } from 'vitest'

import { pglite } from '../../postgres/src/index.ts'
import { start } from './harness.ts'

describe('on PGlite, which cannot say whether something was written', () => {
  test('lists are made anew each time, with an ETag, and 304 to who has them; and tokens are looked up each time', async () => {
    const { call, engine, addAccount, addDraft } = await start({}, {}, { storage: pglite() })
    expect(engine.changeMark()).toBeNull()
    const { id } = await addAccount()
    const draft = await addDraft(id, { subject: 'One' })
    await call('POST', `/accounts/${id}/sync`, { headers: { prefer: 'wait=30' } })
    const list = vi.spyOn(engine.drafts, 'list')
    const path = `/accounts/${id}/drafts`
    const first = await call('GET', path)
    const second = await call('GET', path)
    expect(list).toHaveBeenCalledTimes(2)
    expect(second.body).toEqual(first.body)
    const tag = first.headers.get('etag') ?? ''
    expect(tag).toMatch(/^"[\w-]{22}"$/)
    expect((await call('GET', path, { headers: { 'if-none-match': tag } })).status).toBe(304)
    await call('PUT', `${path}/${draft.id}`, { json: { subject: 'Two' } })
    const changed = await call('GET', path, { headers: { 'if-none-match': tag } })
    expect(changed).toMatchObject({ status: 200, body: { items: [{ subject: 'Two' }] } })

    const reader = (await call('POST', '/tokens', { json: { scopes: ['read'] } })).body
    expect((await call('GET', path, { token: reader.token })).status).toBe(200)
    await call('DELETE', `/tokens/${reader.id}`)
    expect((await call('GET', path, { token: reader.token })).status).toBe(401)
  })
})
