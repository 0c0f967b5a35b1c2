import { describe, expect, test, vi } from 'vitest'

import { start, token } from './harness.ts'

const unknown = '00000000-0000-7000-8000-000000000001'

describe('creating', () => {
  test('a draft is created with 201, Location and its version as ETag', async () => {
    const { call, addAccount } = await start()
    const { id } = await addAccount()
    const answer = await call('POST', `/accounts/${id}/drafts`, {
      json: {
        to: 'Ann <ann@example.org>, bob@example.org',
        cc: { address: 'c@example.org', name: 'C' },
        bcc: ['unfinished@', { address: 'd@example.org' }],
        subject: 'Grüße 🙂',
        text: 'Hello',
        html: '<p>Hello</p>',
        in_reply_to: '<parent@example.org>',
        references: ['<root@example.org>', '<parent@example.org>'],
        metadata: { ticket: { id: 7 } },
        tags: ['work'],
      },
    })
    expect(answer).toMatchObject({
      status: 201,
      body: {
        account_id: id,
        status: 'draft',
        version: 1,
        to: [
          { address: 'ann@example.org', name: 'Ann' },
          { address: 'bob@example.org', name: '' },
        ],
        cc: [{ address: 'c@example.org', name: 'C' }],
        bcc: [
          { address: 'unfinished@', name: '' },
          { address: 'd@example.org', name: '' },
        ],
        subject: 'Grüße 🙂',
        text: 'Hello',
        html: '<p>Hello</p>',
        in_reply_to: '<parent@example.org>',
        references: ['<root@example.org>', '<parent@example.org>'],
        metadata: { ticket: { id: 7 } },
        tags: ['work'],
        attachments: [],
        policy: 'sync',
        sync: { state: 'local-only', uid: null, uploaded_version: null, last_upload: null },
      },
    })
    expect(answer.headers.get('location')).toBe(`/accounts/${id}/drafts/${answer.body.id}`)
    expect(answer.headers.get('etag')).toBe('"1"')
    expect((await call('GET', `/accounts/${id}/drafts/${answer.body.id}`)).body).toEqual(answer.body)
  })

  test('without an account, the one whose address is in from is taken, and said', async () => {
    const { call, addAccount } = await start()
    const ann = await addAccount()
    const bob = await addAccount({ address: 'bob@example.org' })
    for (const account of [ann, bob]) {
      const answer = await call('POST', '/drafts', { json: { from: account.address } })
      expect(answer).toMatchObject({ status: 201, body: { account_id: account.id } })
      expect(answer.headers.get('location')).toBe(`/accounts/${account.id}/drafts/${answer.body.id}`)
    }
  })

  test('the same Idempotency-Key makes one draft, and another body under it is 422', async () => {
    const { call, addAccount } = await start()
    const { id } = await addAccount()
    const headers = { 'idempotency-key': 'k1' }
    const first = await call('POST', `/accounts/${id}/drafts`, { json: { subject: 'once' }, headers })
    const again = await call('POST', `/accounts/${id}/drafts`, { json: { subject: 'once' }, headers })
    expect(again).toMatchObject({ status: 201, body: { id: first.body.id } })
    const other = await call('POST', `/accounts/${id}/drafts`, { json: { subject: 'twice' }, headers })
    expect(other).toMatchObject({ status: 422, body: { code: 'IDEMPOTENCY_KEY_REUSED' } })
    expect((await call('GET', `/accounts/${id}/drafts`)).body.total).toBe(1)
  })

  test('a client that goes away leaves its Idempotency-Key free: 409 while the first request is at work, then its draft', async () => {
    const { call, addAccount, engine, url } = await start()
    const { id } = await addAccount()
    const entered = Promise.withResolvers<void>()
    const released = Promise.withResolvers<void>()
    const create = engine.drafts.create.bind(engine.drafts)
    const creating = vi.spyOn(engine.drafts, 'create').mockImplementation(async (...args) => {
      entered.resolve()
      await released.promise
      return await create(...args)
    })
    const path = `/accounts/${id}/drafts`
    const request = { json: { subject: 'once' }, headers: { 'idempotency-key': 'k3' } }
    const patience = new AbortController()
    const cut = fetch(`${url}${path}`, {
      method: 'POST',
      headers: { ...request.headers, authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(request.json),
      signal: patience.signal,
    })
    await entered.promise
    patience.abort()
    await expect(cut).rejects.toThrow(/abort/)
    expect(await call('POST', path, request)).toMatchObject({ status: 409, body: { code: 'IN_FLIGHT' } })
    released.resolve()
    await creating.mock.results[0]?.value
    const again = await call('POST', path, request)
    expect(again).toMatchObject({ status: 201, body: { subject: 'once' } })
    const { items } = (await call('GET', path)).body
    expect(items.map((draft: { id: string }) => draft.id)).toEqual([again.body.id])
    expect(creating).toHaveBeenCalledTimes(1)
  })

  test('what failed under an Idempotency-Key can be tried again', async () => {
    const { call, addAccount } = await start()
    const { id } = await addAccount()
    const request = { json: { subject: 'a\nb' }, headers: { 'idempotency-key': 'k2' } }
    expect((await call('POST', `/accounts/${id}/drafts`, request)).status).toBe(400)
    expect((await call('POST', `/accounts/${id}/drafts`, request)).status).toBe(400)
  })
})

describe('saving', () => {
  test('PUT changes the fields given, null empties one, and absent ones stay', async () => {
    const { call, addAccount, addDraft } = await start()
    const { id } = await addAccount()
    const draft = await addDraft(id, { subject: 'a', text: 'b', to: 'x@example.org' })
    const answer = await call('PUT', `/accounts/${id}/drafts/${draft.id}`, { json: { subject: 'c', to: null } })
    expect(answer).toMatchObject({ status: 200, body: { version: 2, subject: 'c', text: 'b', to: [] } })
    expect(answer.headers.get('etag')).toBe('"2"')
  })

  test('a save that changes nothing keeps the version', async () => {
    const { call, addAccount, addDraft } = await start()
    const { id } = await addAccount()
    const draft = await addDraft(id, { subject: 'a' })
    const answer = await call('PUT', `/accounts/${id}/drafts/${draft.id}`, { json: { subject: 'a' } })
    expect(answer).toMatchObject({ status: 200, body: { version: 1 } })
  })

  test('If-Match with another version is 412 and saves nothing', async () => {
    const { call, addAccount, addDraft } = await start()
    const { id } = await addAccount()
    const draft = await addDraft(id, { subject: 'a' })
    const path = `/accounts/${id}/drafts/${draft.id}`
    await call('PUT', path, { json: { subject: 'b' }, headers: { 'if-match': '"1"' } })
    for (const tag of ['"1"', 'W/"2"', '"abc"', '"1", "3"']) {
      const answer = await call('PUT', path, { json: { subject: 'lost' }, headers: { 'if-match': tag } })
      expect(answer).toMatchObject({ status: 412, body: { code: 'VERSION_MISMATCH' } })
      expect((await call('DELETE', path, { headers: { 'if-match': tag } })).status).toBe(412)
    }
    expect((await call('GET', path)).body).toMatchObject({ subject: 'b', version: 2, status: 'draft' })
    expect((await call('PUT', path, { json: { subject: 'c' }, headers: { 'if-match': '"1", "2"' } })).status).toBe(200)
    expect((await call('PUT', path, { json: { subject: 'd' }, headers: { 'if-match': '*' } })).status).toBe(200)
  })

  test('of two saves on the same version one wins and the other is 412', async () => {
    const { call, addAccount, addDraft } = await start()
    const { id } = await addAccount()
    const draft = await addDraft(id, { subject: 'a' })
    const save = (text: string): ReturnType<typeof call> =>
      call('PUT', `/accounts/${id}/drafts/${draft.id}`, { json: { text }, headers: { 'if-match': '"1"' } })
    const statuses = (await Promise.all([save('one'), save('two')])).map(({ status }) => status)
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 412])
  })

  test('the history says who saved what, newest first', async () => {
    const { call, addAccount, addDraft } = await start()
    const { id } = await addAccount()
    const draft = await addDraft(id, { subject: 'a' })
    const path = `/accounts/${id}/drafts/${draft.id}`
    await call('PUT', path, { json: { in_reply_to: '<p@x>' }, headers: { 'everdraft-author': 'user' } })
    const { body } = await call('GET', `${path}/history`)
    expect(body).toMatchObject({
      total: 2,
      items: [
        { version: 2, by: 'user' },
        { version: 1, by: 'program' },
      ],
    })
    expect(body.items[0].fields_changed).toEqual(['in_reply_to'])
    for (const { bytes } of body.items) expect(bytes).toBeGreaterThan(0)
    expect((await call('GET', `${path}/history?limit=1&offset=1`)).body.items).toEqual([body.items[1]])
  })
})

describe('listing and reading', () => {
  test('a list has neither text nor html, newest change first, and keeps to its filters', async () => {
    const { call, addAccount, addDraft } = await start()
    const { id } = await addAccount()
    const old = await addDraft(id, { subject: 'old', text: 'long', tags: ['a'] })
    const young = await addDraft(id, { subject: 'young', html: '<p>long</p>' })
    await call('PUT', `/accounts/${id}/drafts/${old.id}`, { json: { subject: 'old, changed' } })
    const { body } = await call('GET', `/accounts/${id}/drafts`)
    expect(body.items.map((item: { id: string }) => item.id)).toEqual([old.id, young.id])
    for (const item of body.items) {
      expect(item).not.toHaveProperty('text')
      expect(item).not.toHaveProperty('html')
    }
    const ids = async (query: string): Promise<string[]> =>
      (await call('GET', `/accounts/${id}/drafts?${query}`)).body.items.map((item: { id: string }) => item.id)
    expect(await ids('tag=a')).toEqual([old.id])
    expect(await ids('sync_state=synchronized')).toEqual([])
    expect(await ids('status=draft&limit=1&offset=1')).toEqual([young.id])
    expect((await call('GET', `/accounts/${id}/drafts?status=lost`)).status).toBe(400)
  })

  test('a draft of another account is as unknown as one that never was', async () => {
    const { call, addAccount, addDraft } = await start()
    const ann = await addAccount()
    const bob = await addAccount({ address: 'bob@example.org' })
    const draft = await addDraft(ann.id, { subject: 'hers' })
    for (const draftId of [draft.id, unknown]) {
      const path = `/accounts/${bob.id}/drafts/${draftId}`
      for (const [method, json] of [['GET'], ['PUT', { subject: 'mine' }], ['DELETE']] as const) {
        const answer = await call(method, path, json === undefined ? {} : { json })
        expect(answer).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
      }
    }
    expect((await call('GET', `/accounts/${ann.id}/drafts/${draft.id}`)).body).toMatchObject({
      subject: 'hers',
      status: 'draft',
    })
  })
})

test('DELETE discards, answers with the draft, and what is discarded is no draft any more', async () => {
  const { call, addAccount, addDraft } = await start()
  const { id } = await addAccount()
  const draft = await addDraft(id, { subject: 'a' })
  const path = `/accounts/${id}/drafts/${draft.id}`
  expect(await call('DELETE', path)).toMatchObject({ status: 200, body: { id: draft.id, status: 'discarded' } })
  expect(await call('PUT', path, { json: { subject: 'b' } })).toMatchObject({
    status: 409,
    body: { code: 'NOT_A_DRAFT' },
  })
  expect(await call('DELETE', path)).toMatchObject({ status: 409, body: { code: 'NOT_A_DRAFT' } })
})
