import { randomBytes } from 'node:crypto'

import { expect, test } from 'vitest'

import { mailUser, start } from './harness.ts'

const wait = { headers: { prefer: 'wait=30' } }

test('with Prefer: wait the round is over when the answer comes, and the draft says where its copy is', async () => {
  const { call, addAccount, addDraft, mailServer } = await start()
  const { id } = await addAccount()
  const draft = await addDraft(id, { subject: 'up' })
  const round = await call('POST', `/accounts/${id}/sync`, wait)
  expect(round).toMatchObject({
    status: 200,
    body: { uploaded: 1, replaced: 0, imported: 0, purged: 0, pending: 0, errors: [] },
  })
  expect(round.headers.get('preference-applied')).toBe('wait=30')
  expect(round.body.bytes_sent).toBeGreaterThan(100)
  expect(round.body.bytes_received).toBeGreaterThan(100)
  const { body } = await call('GET', `/accounts/${id}/drafts/${draft.id}`)
  const [copy] = mailServer.mailbox(mailUser.name, 'Drafts')
  expect(body).toMatchObject({
    version: 1,
    updated_at: draft.updated_at,
    sync: {
      state: 'synchronized',
      folder: 'Drafts',
      uid: copy?.uid,
      uploaded_version: 1,
      pending: null,
      last_error: null,
    },
  })
  expect(body.sync.last_upload.bytes_sent).toBeGreaterThan(100)
})

test('H16 an edit of a draft with a large file costs a few KB on a server with CATENATE', async () => {
  const { call, addAccount, addDraft, mailServer } = await start()
  const { id } = await addAccount()
  const draft = await addDraft(id, { subject: 'a file' })
  const path = `/accounts/${id}/drafts/${draft.id}`
  const file = randomBytes(500_000)
  await call('POST', `${path}/attachments`, {
    body: file,
    headers: { 'content-disposition': 'attachment; filename="f.bin"' },
  })
  expect((await call('POST', `/accounts/${id}/sync`, wait)).body.bytes_sent).toBeGreaterThan(file.length)
  await call('PUT', path, { json: { text: 'edited' } })
  const round = await call('POST', `/accounts/${id}/sync`, wait)
  expect(round.body).toMatchObject({ uploaded: 0, replaced: 1, pending: 0 })
  expect(round.body.bytes_sent).toBeLessThan(20_000)
  expect(mailServer.mailbox(mailUser.name, 'Drafts')).toHaveLength(1)
})

test('without Prefer: wait the answer is 202 and the round goes on', async () => {
  const { call, addAccount, addDraft, engine } = await start()
  const { id } = await addAccount()
  const { promise: uploaded, resolve } = Promise.withResolvers<void>()
  engine.subscribe({}, ({ type }) => type === 'upload-finished' && resolve())
  await addDraft(id, { subject: 'later' })
  expect((await call('POST', `/accounts/${id}/sync`)).status).toBe(202)
  await uploaded
  expect((await call('POST', `/accounts/${id}/sync`, wait)).body.pending).toBe(0)
})

test('while the server is down the draft says why it is not there, and its task can be retried', async () => {
  const { call, addAccount, addDraft, mailServer, imapPort } = await start()
  const { id } = await addAccount()
  await mailServer.close()
  const draft = await addDraft(id, { subject: 'offline' })
  const round = await call('POST', `/accounts/${id}/sync`, { headers: { prefer: 'wait=10' } })
  expect(round.body).toMatchObject({ uploaded: 0, pending: 1, errors: [{ code: 'UNREACHABLE' }] })
  const path = `/accounts/${id}/drafts/${draft.id}`
  expect((await call('GET', path)).body.sync).toMatchObject({
    state: 'local-only',
    pending: { reason: 'offline' },
    last_error: { code: 'UNREACHABLE' },
  })
  const { body: tasks } = await call('GET', `/accounts/${id}/tasks`)
  const upload = tasks.items.find((task: { key: string }) => task.key === draft.id)
  expect(upload).toMatchObject({ kind: 'draft_upload', account_id: id, last_error: { code: 'UNREACHABLE' } })
  await mailServer.listen({ imapPort })
  expect(await call('POST', `/accounts/${id}/tasks/${upload.id}/retry`)).toMatchObject({
    status: 200,
    body: { id: upload.id },
  })
  await call('POST', `/accounts/${id}/sync`, wait)
  expect((await call('GET', path)).body.sync.state).toBe('synchronized')
})

test('an unknown task is 404', async () => {
  const { call, addAccount } = await start()
  const { id } = await addAccount()
  for (const task of ['00000000-0000-7000-8000-000000000001', 'no-task']) {
    expect(await call('POST', `/accounts/${id}/tasks/${task}/retry`)).toMatchObject({
      status: 404,
      body: { code: 'NOT_FOUND' },
    })
  }
})

test('a task tells its timeline while it waits and after it is done', async () => {
  const { call, addAccount, addDraft, mailServer, imapPort } = await start()
  const { id } = await addAccount()
  await mailServer.close()
  const draft = await addDraft(id, { subject: 'late' })
  await call('POST', `/accounts/${id}/sync`, { headers: { prefer: 'wait=10' } })
  const { body: tasks } = await call('GET', `/accounts/${id}/tasks`)
  const upload = tasks.items.find((task: { key: string }) => task.key === draft.id)
  const path = `/accounts/${id}/tasks/${upload.id}`
  const { timeline, ...waiting } = (await call('GET', path)).body
  expect(waiting).toEqual(upload)
  expect(timeline[0]).toMatchObject({ what: 'planned', error: null })
  expect(timeline).toContainEqual({ at: expect.any(String), what: 'offline', error: upload.last_error })

  await mailServer.listen({ imapPort })
  await call('POST', `/accounts/${id}/sync`, wait)
  const done = await call('GET', path)
  expect(done).toMatchObject({
    status: 200,
    body: { id: upload.id, account_id: id, kind: 'draft_upload', key: draft.id, state: 'done', next_run_at: null },
  })
  expect(done.body.timeline.slice(0, timeline.length)).toEqual(timeline)
  expect(done.body.timeline.at(-1)).toMatchObject({ what: 'done', error: null })
  expect(done.body.last_error).toMatchObject({ code: 'UNREACHABLE' })
})

test('the task of another account is 404', async () => {
  const { call, addAccount, addDraft } = await start()
  const ann = await addAccount()
  const bob = await addAccount({ address: 'bob@example.org' })
  await addDraft(ann.id, { subject: 'hers' })
  const { body } = await call('GET', `/accounts/${ann.id}/tasks`)
  const [task] = body.items
  expect((await call('GET', `/accounts/${ann.id}/tasks/${task.id}`)).status).toBe(200)
  for (const taskId of [task.id, 'no-task']) {
    expect(await call('GET', `/accounts/${bob.id}/tasks/${taskId}`)).toMatchObject({
      status: 404,
      body: { code: 'NOT_FOUND' },
    })
  }
})
