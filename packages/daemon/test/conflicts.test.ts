import { describe, expect, test } from 'vitest'

import { start, type Running } from './harness.ts'

const unknown = '00000000-0000-7000-8000-000000000001'

/** A draft whose text was written twice from version 1, and where the second did not fit. */
async function startWithConflict(): Promise<Running & { readonly path: string; readonly conflictId: string }> {
  const running = await start()
  const { call, addAccount, addDraft } = running
  const { id } = await addAccount()
  const draft = await addDraft(id, { subject: 'Plan', text: 'at noon' })
  const path = `/accounts/${id}/drafts/${draft.id}`
  await call('PUT', path, { json: { text: 'at three' } })
  const { body } = await call('PUT', `${path}?on_conflict=merge&base_version=1`, { json: { text: 'at nine' } })
  return { ...running, path, conflictId: body.conflict_id }
}

describe('saving on a draft that has moved on', () => {
  test('with on_conflict both changes are kept where they do not meet', async () => {
    const { call, addAccount, addDraft } = await start()
    const { id } = await addAccount()
    const draft = await addDraft(id, { subject: 'a', text: 'b' })
    const path = `/accounts/${id}/drafts/${draft.id}`
    await call('PUT', path, { json: { subject: 'A' } })
    const answer = await call('PUT', `${path}?on_conflict=merge&base_version=1`, { json: { text: 'B' } })
    expect(answer).toMatchObject({ status: 200, body: { version: 3, subject: 'A', text: 'B' } })
  })

  test('what cannot be merged is 409 with the id of a conflict that holds both sides and the base', async () => {
    const { call, path, conflictId } = await startWithConflict()
    const refused = await call('PUT', `${path}?on_conflict=merge&base_version=1`, { json: { text: 'at ten' } })
    expect(refused).toMatchObject({ status: 409, body: { code: 'CONFLICT', status: 409, title: 'Conflict' } })
    expect(refused.headers.get('content-type')).toBe('application/problem+json')
    expect((await call('GET', path)).body).toMatchObject({ version: 2, text: 'at three' })
    const { body } = await call('GET', `${path}/conflicts`)
    expect(body).toMatchObject({
      total: 2,
      limit: 50,
      offset: 0,
      items: [
        { id: refused.body.conflict_id, local: { text: 'at ten' } },
        {
          id: conflictId,
          base_version: 1,
          remote_version: 2,
          base: { subject: 'Plan', text: 'at noon', html: null, to: [], attachments: [] },
          local: { subject: 'Plan', text: 'at nine' },
          remote: { subject: 'Plan', text: 'at three' },
          fields: ['text'],
          by: 'program',
          resolved_at: null,
          resolution: null,
        },
      ],
    })
    expect((await call('GET', `${path}/conflicts?limit=1&offset=1`)).body.items).toEqual([body.items[1]])
  })

  test('local-wins and remote-wins decide at once', async () => {
    const { call, addAccount, addDraft } = await start()
    const { id } = await addAccount()
    for (const [strategy, text] of [
      ['local-wins', 'mine'],
      ['remote-wins', 'theirs'],
    ]) {
      const draft = await addDraft(id, { text: 'base' })
      const path = `/accounts/${id}/drafts/${draft.id}`
      await call('PUT', path, { json: { text: 'theirs' } })
      const answer = await call('PUT', `${path}?on_conflict=${strategy}&base_version=1`, { json: { text: 'mine' } })
      expect(answer).toMatchObject({ status: 200, body: { text } })
    }
  })

  test('without on_conflict If-Match refuses, and half of a merge is a validation error', async () => {
    const { call, path } = await startWithConflict()
    const save = async (query: string, headers = {}): ReturnType<typeof call> =>
      call('PUT', `${path}${query}`, { json: { text: 'lost' }, headers })
    expect((await save('', { 'if-match': '"1"' })).status).toBe(412)
    for (const [query, named, headers] of [
      ['?on_conflict=merge', 'base_version', {}],
      ['?base_version=1', 'on_conflict', {}],
      ['?base_version=1&on_conflict=mine', 'on_conflict', {}],
      ['?base_version=99&on_conflict=merge', 'base_version', {}],
      ['?base_version=1&on_conflict=merge', 'base_version', { 'if-match': '"1"' }],
    ] as const) {
      expect(await save(query, headers)).toMatchObject({
        status: 400,
        body: { code: 'VALIDATION_ERROR', errors: [{ path: named }] },
      })
    }
    expect((await call('GET', path)).body.text).toBe('at three')
  })
})

describe('resolving', () => {
  test('a strategy ends the conflict with a new version; it stays in the record, resolved', async () => {
    const { call, path, conflictId } = await startWithConflict()
    const answer = await call('POST', `${path}/conflicts/${conflictId}/resolve`, {
      json: { strategy: 'local-wins' },
      headers: { 'if-match': '"2"' },
    })
    expect(answer).toMatchObject({ status: 200, body: { version: 3, text: 'at nine' } })
    expect(answer.headers.get('etag')).toBe('"3"')
    const [conflict] = (await call('GET', `${path}/conflicts`)).body.items
    expect(conflict).toMatchObject({ id: conflictId, resolution: 'local-wins', resolved_at: expect.any(String) })
  })

  test('the fields as somebody merged them end it too', async () => {
    const { call, path, conflictId } = await startWithConflict()
    const answer = await call('POST', `${path}/conflicts/${conflictId}/resolve`, { json: { text: 'at six' } })
    expect(answer).toMatchObject({ status: 200, body: { version: 3, subject: 'Plan', text: 'at six' } })
    expect((await call('GET', `${path}/conflicts`)).body.items[0].resolution).toBe('fields')
  })

  test('merge that still cannot be done is 409 with the same id, and the conflict goes on waiting', async () => {
    const { call, path, conflictId } = await startWithConflict()
    const answer = await call('POST', `${path}/conflicts/${conflictId}/resolve`, { json: { strategy: 'merge' } })
    expect(answer).toMatchObject({ status: 409, body: { code: 'CONFLICT', conflict_id: conflictId } })
    expect((await call('GET', `${path}/conflicts`)).body.items[0].resolved_at).toBeNull()
  })

  test('an unknown or resolved conflict is 404, a stale If-Match 412', async () => {
    const { call, path, conflictId } = await startWithConflict()
    const resolve = async (id: string, headers = {}): ReturnType<typeof call> =>
      call('POST', `${path}/conflicts/${id}/resolve`, { json: { strategy: 'remote-wins' }, headers })
    expect(await resolve(unknown)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
    expect((await resolve(conflictId, { 'if-match': '"1"' })).status).toBe(412)
    expect((await resolve(conflictId)).status).toBe(200)
    expect((await resolve(conflictId)).status).toBe(404)
  })

  test('neither, both and unknown ways are named', async () => {
    const { call, path, conflictId } = await startWithConflict()
    for (const [json, named] of [
      [{}, 'strategy'],
      [{ strategy: 'merge', text: 'x' }, 'strategy'],
      [{ strategy: 'mine' }, 'strategy'],
      [{ text: 'x', txet: 'x' }, 'txet'],
    ] as const) {
      const answer = await call('POST', `${path}/conflicts/${conflictId}/resolve`, { json })
      expect(answer).toMatchObject({ status: 400, body: { code: 'VALIDATION_ERROR', errors: [{ path: named }] } })
    }
  })
})
