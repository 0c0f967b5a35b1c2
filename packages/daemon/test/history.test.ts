import { describe, expect, test } from 'vitest'

import { start } from './harness.ts'

const unknown = '00000000-0000-7000-8000-000000000001'
const wait = { headers: { prefer: 'wait=30' } }

describe('restoring', () => {
  test('an earlier version comes back as a new one, and the history stays', async () => {
    const { call, addAccount, addDraft } = await start()
    const { id } = await addAccount()
    const draft = await addDraft(id, { subject: 'first', text: 'one' })
    const path = `/accounts/${id}/drafts/${draft.id}`
    await call('PUT', path, { json: { subject: 'second', text: 'two' } })
    const answer = await call('POST', `${path}/restore`, {
      json: { version: 1 },
      headers: { 'if-match': '"2"', 'everdraft-author': 'user' },
    })
    expect(answer).toMatchObject({ status: 200, body: { version: 3, subject: 'first', text: 'one' } })
    expect(answer.headers.get('etag')).toBe('"3"')
    const { body } = await call('GET', `${path}/history`)
    expect(body.items).toMatchObject([
      { version: 3, by: 'user', fields_changed: ['subject', 'text'] },
      { version: 2 },
      { version: 1 },
    ])
  })

  test('a version that is not kept is 404, a stale If-Match 412, and what is no version 400', async () => {
    const { call, addAccount, addDraft } = await start()
    const { id } = await addAccount()
    const draft = await addDraft(id, { subject: 'a' })
    const path = `/accounts/${id}/drafts/${draft.id}`
    await call('PUT', path, { json: { subject: 'b' } })
    const restore = async (json: unknown, headers = {}): ReturnType<typeof call> =>
      call('POST', `${path}/restore`, { json, headers })
    expect(await restore({ version: 9 })).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
    expect(await restore({ version: 1 }, { 'if-match': '"1"' })).toMatchObject({
      status: 412,
      body: { code: 'VERSION_MISMATCH' },
    })
    for (const json of [{}, { version: 0 }, { version: '1' }, { version: 'changes' }, { version: 1.5 }]) {
      expect(await restore(json)).toMatchObject({
        status: 400,
        body: { code: 'VALIDATION_ERROR', errors: [{ path: 'version' }] },
      })
    }
    expect((await call('GET', path)).body).toMatchObject({ version: 2, subject: 'b' })
  })
})

describe('discarding changes', () => {
  test('the draft says again what was synchronized last, and stays a draft', async () => {
    const { call, addAccount, addDraft } = await start()
    const { id } = await addAccount()
    const draft = await addDraft(id, { subject: 'kept' })
    const path = `/accounts/${id}/drafts/${draft.id}`
    await call('POST', `/accounts/${id}/sync`, wait)
    await call('PUT', path, { json: { subject: 'regretted' } })
    const answer = await call('POST', `${path}/discard-changes`)
    expect(answer).toMatchObject({ status: 200, body: { status: 'draft', version: 3, subject: 'kept' } })
    expect((await call('GET', `${path}/history`)).body.total).toBe(3)
  })

  test('for the device that has it open, back to what it was when it was opened', async () => {
    const { call, addAccount, addDraft } = await start()
    const { id } = await addAccount()
    const draft = await addDraft(id, { subject: 'uploaded' })
    const path = `/accounts/${id}/drafts/${draft.id}`
    await call('POST', `/accounts/${id}/sync`, wait)
    await call('PUT', path, { json: { subject: 'as opened' } })
    await call('POST', `${path}/open`, { json: { device_id: 'desk' } })
    await call('PUT', path, { json: { subject: 'regretted' } })
    // Renewing does not move the point to go back to.
    await call('POST', `${path}/open`, { json: { device_id: 'desk' } })
    const discard = async (json: unknown): Promise<unknown> =>
      (await call('POST', `${path}/discard-changes`, { json })).body.subject
    expect(await discard({ device_id: 'desk' })).toBe('as opened')
    expect(await discard({ device_id: 'another' })).toBe('uploaded')
    expect(await call('POST', `${path}/discard-changes`, { json: { device: 'desk' } })).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'device', message: 'unknown field' }] },
    })
  })
})

describe('undiscarding', () => {
  test('a discarded draft is a draft again, with its history', async () => {
    const { call, addAccount, addDraft, mailServer } = await start()
    const { id } = await addAccount()
    const draft = await addDraft(id, { subject: 'back' })
    const path = `/accounts/${id}/drafts/${draft.id}`
    await call('DELETE', path)
    expect(await call('POST', `${path}/undiscard`)).toMatchObject({
      status: 200,
      body: { id: draft.id, status: 'draft', subject: 'back' },
    })
    await call('POST', `/accounts/${id}/sync`, wait)
    expect(mailServer.mailbox('ann@example.org', 'Drafts')).toHaveLength(1)
  })

  test('what is not discarded is 409, and what is unknown 404', async () => {
    const { call, addAccount, addDraft } = await start()
    const { id } = await addAccount()
    const draft = await addDraft(id)
    expect(await call('POST', `/accounts/${id}/drafts/${draft.id}/undiscard`)).toMatchObject({
      status: 409,
      body: { code: 'NOT_DISCARDED' },
    })
    for (const act of ['undiscard', 'discard-changes']) {
      expect(await call('POST', `/accounts/${id}/drafts/${unknown}/${act}`)).toMatchObject({
        status: 404,
        body: { code: 'NOT_FOUND' },
      })
    }
  })
})
