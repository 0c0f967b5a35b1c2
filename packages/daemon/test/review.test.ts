import { describe, expect, test } from 'vitest'

import { type Answer, mailUser, rewriteOnServer, type Running, start } from './harness.ts'

const letter = {
  to: 'bob@example.com',
  subject: 'Hello',
  text: 'Dear Bob,\n\nthe figures of the third quarter are in the table that you have seen last week.\n',
  review: { required: true },
}

interface Reviewing extends Running {
  readonly accountId: string
  readonly path: string
  /** The tokens of a program that writes, of one that may also send, and of the person who looks. */
  readonly tokens: { readonly writer: string; readonly sender: string; readonly reviewer: string }
}

async function startReviewing(): Promise<Reviewing> {
  const running = await start()
  const { call, mailServer } = running
  const server = { host: '127.0.0.1', security: 'none', user: mailUser.name, password: mailUser.password }
  const { id } = await running.addAccount({ smtp: { ...server, port: mailServer.smtpPort } })
  const tokenWith = async (...scopes: readonly string[]): Promise<string> =>
    (await call('POST', '/tokens', { json: { scopes } })).body.token
  const tokens = {
    writer: await tokenWith('read', 'write'),
    sender: await tokenWith('read', 'write', 'send'),
    reviewer: await tokenWith('read', 'approve'),
  }
  const draft = await call('POST', `/accounts/${id}/drafts`, { token: tokens.writer, json: letter })
  return { ...running, accountId: id, path: `/accounts/${id}/drafts/${draft.body.id}`, tokens }
}

function send({ call, path, tokens }: Reviewing): Promise<Answer> {
  return call('POST', `${path}/send`, { token: tokens.sender, headers: { prefer: 'wait=20' } })
}

function approve({ call, path, tokens }: Reviewing, version: number): Promise<Answer> {
  return call('POST', `${path}/approve`, { token: tokens.reviewer, json: { version } })
}

const notApproved = { status: 403, body: { code: 'APPROVAL_REQUIRED' } }

/** Approved, and on the server. */
async function uploaded(): Promise<Reviewing> {
  const running = await startReviewing()
  const { call, accountId } = running
  const sync = await call('POST', `/accounts/${accountId}/sync`, { headers: { prefer: 'wait=20' } })
  expect(sync.body.uploaded).toBe(1)
  expect((await approve(running, 1)).status).toBe(200)
  return running
}

describe('a draft that is to be reviewed', () => {
  test('is sent only once it is approved, and then by any token with send', async () => {
    const running = await startReviewing()
    const { call, path, mailServer, tokens } = running
    expect((await call('GET', path)).body.review).toEqual({
      required: true,
      approved: false,
      approved_version: null,
      approved_at: null,
      approved_by: null,
    })
    expect(await send(running)).toMatchObject(notApproved)
    const approved = await approve(running, 1)
    expect(approved).toMatchObject({
      status: 200,
      body: { version: 1, review: { required: true, approved: true, approved_version: 1, approved_by: 'default' } },
    })
    expect(approved.body.review.approved_at).toMatch(/^20..-.*Z$/)
    const byWriter = await call('POST', `${path}/send`, { token: tokens.writer })
    expect(byWriter).toMatchObject({ status: 403, body: { code: 'UNAUTHORIZED' } })
    expect(await send(running)).toMatchObject({ status: 200, body: { status: 'sent', version: 1 } })
    expect(mailServer.submissions).toHaveLength(1)
  })

  test('is approved by none but a token with approve, at the version that is there', async () => {
    const running = await startReviewing()
    const { call, path, tokens } = running
    for (const token of [tokens.writer, tokens.sender]) {
      expect(await call('POST', `${path}/approve`, { token, json: { version: 1 } })).toMatchObject({
        status: 403,
        body: { code: 'UNAUTHORIZED' },
      })
    }
    expect(await approve(running, 2)).toMatchObject({ status: 412, body: { code: 'VERSION_MISMATCH' } })
    expect(await approve(running, 0)).toMatchObject({ status: 400, body: { errors: [{ path: 'version' }] } })
    await call('DELETE', path)
    expect(await approve(running, 1)).toMatchObject({ status: 409, body: { code: 'NOT_A_DRAFT' } })
  })

  test('needs a new approval after any edit, also one that takes the old words back', async () => {
    const running = await startReviewing()
    const { call, path, tokens } = running
    await approve(running, 1)
    const edited = await call('PUT', path, { token: tokens.writer, json: { text: 'Dear Bob, pay me\n' } })
    expect(edited.body.review).toMatchObject({ required: true, approved: false, approved_version: 1 })
    expect(await send(running)).toMatchObject(notApproved)
    await call('POST', `${path}/restore`, { token: tokens.writer, json: { version: 1 } })
    expect(await send(running)).toMatchObject(notApproved)
    const attached = await call('POST', `${path}/attachments`, {
      body: 'text',
      headers: { 'content-type': 'text/plain', 'content-disposition': 'attachment; filename="a.txt"' },
    })
    expect(attached.status).toBe(201)
    await approve(running, 4)
    const { body: attachments } = await call('GET', `${path}/attachments`)
    await call('DELETE', `${path}/attachments/${attachments.items[0].id}`)
    expect(await send(running)).toMatchObject(notApproved)
  })

  test('shows what changed since the approval', async () => {
    const running = await startReviewing()
    const { call, path, tokens } = running
    const none = await call('GET', `${path}/review`, { token: tokens.reviewer })
    expect(none.body).toMatchObject({ version: 1, since: null, changes: [] })
    await approve(running, 1)
    await call('PUT', path, { json: { subject: 'Hello again', to: ['bob@example.com', 'eve@example.com'] } })
    const { body } = await call('GET', `${path}/review`, { token: tokens.reviewer })
    expect(body).toMatchObject({ version: 2, since: 1, review: { approved: false } })
    const byField = new Map<string, unknown>(body.changes.map((change: { field: string }) => [change.field, change]))
    expect(new Set(byField.keys())).toEqual(new Set(['subject', 'to']))
    expect(byField.get('subject')).toEqual({ field: 'subject', before: 'Hello', after: 'Hello again' })
    expect(byField.get('to')).toMatchObject({ before: [{ address: 'bob@example.com' }] })
    await approve(running, 2)
    expect((await call('GET', `${path}/review`)).body).toMatchObject({ since: 2, changes: [] })
    expect((await call('GET', `${path}/review?since=1`)).body.changes).toHaveLength(2)
    expect((await call('GET', `${path}/review?since=9`)).status).toBe(404)
  })

  test('stays so for whoever may only write, and a refused save changes nothing', async () => {
    const running = await startReviewing()
    const { call, path, tokens } = running
    for (const review of [null, { required: false }]) {
      const answer = await call('PUT', path, { token: tokens.sender, json: { review, text: 'Other' } })
      expect(answer).toMatchObject({ status: 403, body: { code: 'UNAUTHORIZED' } })
    }
    expect((await call('GET', path)).body).toMatchObject({ version: 1, review: { required: true } })
    const same = await call('PUT', path, { token: tokens.sender, json: { review: { required: true } } })
    expect(same.body).toMatchObject({ version: 1, review: { required: true } })
    expect((await call('PUT', path, { json: { review: null } })).body.review).toBeNull()
    expect(await send(running)).toMatchObject({ status: 200, body: { status: 'sent' } })
  })

  test('can be asked for later, and of an answer', async () => {
    const { call, accountId, addDraft, tokens } = await startReviewing()
    const { id } = await addDraft(accountId, { to: 'bob@example.com' })
    const path = `/accounts/${accountId}/drafts/${id}`
    expect((await call('GET', path)).body.review).toBeNull()
    const stale = await call('PUT', path, { json: { review: { required: true } }, headers: { 'if-match': '"7"' } })
    expect(stale.status).toBe(412)
    expect((await call('GET', path)).body.review).toBeNull()
    const asked = await call('PUT', path, { token: tokens.writer, json: { review: { required: true } } })
    expect(asked.body).toMatchObject({ version: 1, review: { required: true, approved: false } })
  })
})

describe('an edit by another mail program', () => {
  test('makes the approval void', async () => {
    const running = await uploaded()
    const { call, accountId, path, mailServer } = running
    rewriteOnServer(mailServer, 'Drafts', (message) => message.replace('Dear Bob', 'Dear Bob, pay me'))
    await call('POST', `/accounts/${accountId}/sync`, { headers: { prefer: 'wait=20' } })
    const { body } = await call('GET', path)
    expect(body).toMatchObject({ version: 2, review: { required: true, approved: false, approved_version: 1 } })
    expect(body.text).toContain('pay me')
    expect(await send(running)).toMatchObject(notApproved)
    expect((await call('GET', `${path}/review`)).body.changes).toMatchObject([{ field: 'text' }])
  })

  test('is no way around the review where it leaves no trace of the draft that it comes from', async () => {
    const running = await uploaded()
    const { call, accountId, path, mailServer, tokens } = running
    rewriteOnServer(mailServer, 'Drafts', (message) =>
      message
        .replace(/^X-Everdraft-.*\r\n/gim, '')
        .replace(/^Message-ID: .*\r\n/im, 'Message-ID: <other@example.org>\r\n')
        .replace('Dear Bob', 'Dear Bob, pay me'),
    )
    await call('POST', `/accounts/${accountId}/sync`, { headers: { prefer: 'wait=20' } })
    const { body } = await call('GET', `/accounts/${accountId}/drafts?status=draft`)
    const newcomer = body.items.find(({ succeeds }: { succeeds: string | null }) => succeeds !== null)
    expect(path).toContain(newcomer.succeeds)
    expect(newcomer.review).toMatchObject({ required: true, approved: false })
    const answer = await call('POST', `/accounts/${accountId}/drafts/${newcomer.id}/send`, { token: tokens.sender })
    expect(answer).toMatchObject(notApproved)
  })
})
