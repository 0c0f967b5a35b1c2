import { expect, test } from 'vitest'

import { deleteOnServer, mailUser, start, type Running } from './harness.ts'

const wait = { headers: { prefer: 'wait=30' } }

/** A synchronized draft. */
async function startWithDraft(
  options: Parameters<typeof start>[0] = {},
): Promise<Running & { readonly account: string; readonly path: string; readonly status: () => Promise<string> }> {
  const running = await start(options)
  const { id } = await running.addAccount()
  const draft = await running.addDraft(id, { text: 'one' })
  await running.call('POST', `/accounts/${id}/sync`, wait)
  const path = `/accounts/${id}/drafts/${draft.id}`
  return { ...running, account: id, path, status: async () => (await running.call('GET', path)).body.status }
}

/** Two rounds: the second confirms what the first missed. */
async function syncTwice({ call }: Running, account: string): Promise<number> {
  const first = await call('POST', `/accounts/${account}/sync`, wait)
  const second = await call('POST', `/accounts/${account}/sync`, wait)
  return first.body.purged + second.body.purged
}

test('an open draft is not purged by a sync, whichever of its devices closed meanwhile', async () => {
  const running = await startWithDraft()
  const { call, account, path, status, mailServer } = running
  for (const device of ['desk', 'phone']) {
    const opened = await call('POST', `${path}/open`, { json: { device_id: device } })
    expect(opened).toMatchObject({ status: 200, body: { device_id: device, draft_id: path.split('/').at(-1) } })
    const remaining = Date.parse(opened.body.expires_at) - Date.now()
    expect(remaining).toBeGreaterThan(110_000)
    expect(remaining).toBeLessThan(130_000)
  }
  expect((await call('DELETE', `${path}/open`, { json: { device_id: 'phone' } })).status).toBe(204)
  deleteOnServer(mailServer, 'Drafts')
  expect(await syncTwice(running, account)).toBe(0)
  expect(await status()).toBe('draft')
  await call('DELETE', `${path}/open?device_id=desk`)
  expect(await syncTwice(running, account)).toBe(1)
  expect(await status()).toBe('discarded')
})

test('closing uploads at once what was written', async () => {
  const { call, path, engine, mailServer } = await startWithDraft()
  await call('POST', `${path}/open`, { json: { device_id: 'desk' } })
  await call('PUT', path, { json: { text: 'two' } })
  const { promise: uploaded, resolve } = Promise.withResolvers<void>()
  engine.subscribe({}, ({ type }) => type === 'upload-finished' && resolve())
  const began = performance.now()
  await call('DELETE', `${path}/open`, { json: { device_id: 'desk' } })
  await uploaded
  // The debounce alone would be a second and a half.
  expect(performance.now() - began).toBeLessThan(1400)
  expect(mailServer.mailbox(mailUser.name, 'Drafts')).toHaveLength(1)
})

test('a lease that is not renewed ends by itself: it uploads, and nothing keeps the draft from a purge', async () => {
  const running = await startWithDraft({ composerLeaseMs: 100 })
  const { call, account, path, status, engine, mailServer } = running
  const { promise: uploaded, resolve } = Promise.withResolvers<void>()
  engine.subscribe({}, ({ type }) => type === 'upload-finished' && resolve())
  await call('POST', `${path}/open`, { json: { device_id: 'desk' } })
  await call('PUT', path, { json: { text: 'two' } })
  await uploaded
  expect((await call('POST', `${path}/discard-changes`, { json: { device_id: 'desk' } })).body.text).toBe('two')
  await call('POST', `/accounts/${account}/sync`, wait)
  deleteOnServer(mailServer, 'Drafts')
  expect(await syncTwice(running, account)).toBe(1)
  expect(await status()).toBe('discarded')
})

test('closing what this device has not open is harmless', async () => {
  const { call, path, status } = await startWithDraft()
  for (const device of ['desk', 'desk', 'phone']) {
    expect((await call('DELETE', `${path}/open?device_id=${device}`)).status).toBe(204)
  }
  expect(await status()).toBe('draft')
})

test('a device must say who it is, once and plainly, and the draft must be there', async () => {
  const { call, account, path } = await startWithDraft()
  for (const json of [{}, { device_id: '' }, { device_id: 'a\nb' }, { device_id: 7 }, { device_id: 'x'.repeat(201) }]) {
    expect(await call('POST', `${path}/open`, { json })).toMatchObject({
      status: 400,
      body: { code: 'VALIDATION_ERROR', errors: [{ path: 'device_id' }] },
    })
  }
  for (const [query, options] of [
    ['', {}],
    ['?device_id=desk', { json: { device_id: 'phone' } }],
  ] as const) {
    expect(await call('DELETE', `${path}/open${query}`, options)).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'device_id' }] },
    })
  }
  const missing = `/accounts/${account}/drafts/00000000-0000-7000-8000-000000000001/open`
  expect((await call('POST', missing, { json: { device_id: 'desk' } })).status).toBe(404)
  expect((await call('DELETE', `${missing}?device_id=desk`)).status).toBe(404)
})
