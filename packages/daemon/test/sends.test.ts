import { describe, expect, test } from 'vitest'

import { mailUser, type Running, start } from './harness.ts'

async function startWithSmtp(): Promise<Running & { readonly accountId: string }> {
  const running = await start()
  const account = await running.addAccount({
    smtp: {
      host: '127.0.0.1',
      port: running.mailServer.smtpPort,
      security: 'none',
      user: mailUser.name,
      password: mailUser.password,
    },
  })
  return { ...running, accountId: account.id }
}

const letter = { to: 'Bob Example <bob@example.com>', subject: 'Hello', text: 'Dear Bob\n' }

describe('POST …/send', () => {
  test('202 with the record, and with Prefer: wait 200 once it is sent', async () => {
    const { call, addDraft, accountId, mailServer } = await startWithSmtp()
    const draft = await addDraft(accountId, letter)
    const path = `/accounts/${accountId}/drafts/${draft.id}/send`
    const sent = await call('POST', path, { json: {}, headers: { prefer: 'wait=20', 'if-match': '"1"' } })
    expect(sent.status).toBe(200)
    expect(sent.headers.get('preference-applied')).toBe('wait=20')
    expect(sent.body).toMatchObject({
      draft_id: draft.id,
      status: 'sent',
      from_addr: mailUser.name,
      to_addr: 'bob@example.com',
      recipients: [{ address: 'bob@example.com', status: 'accepted' }],
      subject: 'Hello',
      error: null,
      attempts: 1,
    })
    expect(mailServer.submissions).toHaveLength(1)
    const tracked = await call('GET', `/track/${sent.body.id}`)
    expect(tracked.body).toMatchObject({ id: sent.body.id, status: 'sent', message_id: sent.body.message_id })
    const listed = await call('GET', `/sends?account_id=${accountId}&status=sent`)
    expect(listed.body).toMatchObject({ total: 1, items: [{ id: sent.body.id }] })
    const again = await call('POST', path)
    expect([again.status, again.body.code]).toEqual([409, 'NOT_A_DRAFT'])
    const late = await call('DELETE', `/sends/${sent.body.id}`)
    expect([late.status, late.body.code]).toEqual([409, 'TOO_LATE'])
  })

  test('undo_seconds and send_at: the draft is queued, DELETE makes it a draft again', async () => {
    const { call, addDraft, accountId, mailServer } = await startWithSmtp()
    const draft = await addDraft(accountId, letter)
    const path = `/accounts/${accountId}/drafts/${draft.id}`
    const sendAt = new Date(Date.now() + 3_600_000).toISOString()
    const queued = await call('POST', `${path}/send`, { json: { send_at: sendAt, undo_seconds: 10 } })
    expect(queued.status).toBe(202)
    expect(queued.headers.get('location')).toBe(`/track/${queued.body.id}`)
    expect(queued.body).toMatchObject({ status: 'queued', next_attempt_at: sendAt })
    const held = await call('GET', path)
    expect(held.body).toMatchObject({ status: 'queued', scheduled_send_at: sendAt })
    const put = await call('PUT', path, { json: { text: 'other\n' } })
    expect([put.status, put.body.code]).toEqual([409, 'NOT_A_DRAFT'])
    const undone = await call('DELETE', `/sends/${queued.body.id}`)
    expect([undone.status, undone.body.status]).toEqual([200, 'cancelled'])
    expect((await call('GET', path)).body).toMatchObject({ status: 'draft', scheduled_send_at: null })
    expect(mailServer.submissions).toEqual([])
  })

  test('send_at in any zone is one instant', async () => {
    const { call, addDraft, accountId } = await startWithSmtp()
    const draft = await addDraft(accountId, letter)
    const path = `/accounts/${accountId}/drafts/${draft.id}`
    const at = Date.now() + 200 * 24 * 3_600_000
    const there = new Date(at + 5.5 * 3_600_000).toISOString().replace('Z', '+05:30')
    const queued = await call('POST', `${path}/send`, { json: { send_at: there } })
    expect([queued.status, queued.body.next_attempt_at]).toEqual([202, new Date(at).toISOString()])
    expect((await call('GET', path)).body.scheduled_send_at).toBe(new Date(at).toISOString())
  })

  test('a warning is 422 with its path and leaves the draft as it is; confirmed, it is sent', async () => {
    const { call, addDraft, accountId, mailServer } = await startWithSmtp()
    const draft = await addDraft(accountId, { ...letter, text: 'Dear Bob\n\nthe file is attached.\n' })
    const path = `/accounts/${accountId}/drafts/${draft.id}`
    const warned = await call('POST', `${path}/send`)
    expect([warned.status, warned.body.code]).toEqual([422, 'UNSENDABLE'])
    expect(warned.body.errors).toMatchObject([{ path: 'attachments' }])
    expect((await call('GET', path)).body).toMatchObject({ status: 'draft', version: 1 })
    expect(mailServer.submissions).toEqual([])
    const sent = await call('POST', `${path}/send`, { json: { confirm: true }, headers: { prefer: 'wait=20' } })
    expect([sent.status, sent.body.status]).toEqual([200, 'sent'])
  })

  test('what the server refuses is failed with its words, and a draft again; retry is the same send', async () => {
    const { call, addDraft, accountId, mailServer } = await startWithSmtp()
    const draft = await addDraft(accountId, letter)
    const path = `/accounts/${accountId}/drafts/${draft.id}`
    mailServer.faults.add({ on: { verb: '.' }, do: { kind: 'smtp-reply', reply: '554 5.7.1 No thanks' } })
    const failed = await call('POST', `${path}/send`, { headers: { prefer: 'wait=20' } })
    expect(failed).toMatchObject({ status: 200, body: { status: 'failed', error: { code: 'SMTP_554' } } })
    expect(failed.body.error.message).toContain('No thanks')
    expect((await call('GET', path)).body.status).toBe('draft')
    const { id } = failed.body
    expect((await call('GET', `/sends?status=failed`)).body).toMatchObject({ total: 1, items: [{ id }] })
    expect((await call('POST', `/sends/${id}/retry`)).status).toBe(200)
    await expect.poll(async () => (await call('GET', `/track/${id}`)).body.status).toBe('sent')
    expect((await call('GET', '/sends')).body.total).toBe(1)
    expect(mailServer.submissions).toHaveLength(1)
  })

  test('a part of a millisecond is waited for as a whole one', async () => {
    const { call, addDraft, accountId } = await startWithSmtp()
    const draft = await addDraft(accountId, letter)
    const path = `/accounts/${accountId}/drafts/${draft.id}/send`
    const before = Date.now()
    const queued = await call('POST', path, { json: { undo_seconds: 52_394.305_404_324_63 } })
    expect(queued.status).toBe(202)
    expect(Date.parse(queued.body.next_attempt_at)).toBeGreaterThanOrEqual(before + 52_394_306)
  })

  test('If-Match of another version is 412, and what stands against sending 422 with its path', async () => {
    const { call, addDraft, accountId } = await startWithSmtp()
    const draft = await addDraft(accountId, { to: ['bob@'], subject: 'Hello', text: 'x' })
    const path = `/accounts/${accountId}/drafts/${draft.id}/send`
    const other = await call('POST', path, { headers: { 'if-match': '"2"' } })
    expect([other.status, other.body.code]).toEqual([412, 'VERSION_MISMATCH'])
    const bad = await call('POST', path)
    expect([bad.status, bad.body.code]).toEqual([422, 'UNSENDABLE'])
    expect(bad.body.errors[0].path).toBe('to[0].address')
    const wrong = await call('POST', path, { json: { send_at: 'tomorrow' } })
    expect([wrong.status, wrong.body.code]).toEqual([400, 'VALIDATION_ERROR'])
  })

  test('without SMTP settings it is 422 that says so', async () => {
    const { call, addAccount, addDraft } = await start()
    const { id } = await addAccount()
    const draft = await addDraft(id, letter)
    const answer = await call('POST', `/accounts/${id}/drafts/${draft.id}/send`)
    expect([answer.status, answer.body.code]).toEqual([422, 'NO_SUBMISSION'])
    expect(answer.body.detail).toContain('smtp')
  })

  test('Idempotency-Key: twice the same request is one mail', async () => {
    const { call, addDraft, accountId, mailServer } = await startWithSmtp()
    const draft = await addDraft(accountId, letter)
    const path = `/accounts/${accountId}/drafts/${draft.id}/send`
    const options = { json: {}, headers: { prefer: 'wait=20', 'idempotency-key': 'once' } }
    const first = await call('POST', path, options)
    const second = await call('POST', path, options)
    expect([first.status, second.status]).toEqual([200, 200])
    expect(second.body.id).toBe(first.body.id)
    expect(mailServer.submissions).toHaveLength(1)
  })
})

describe('POST /send', () => {
  test('writes and sends in one request, by the address of an account', async () => {
    const { call, mailServer, accountId } = await startWithSmtp()
    const answer = await call('POST', '/send', {
      json: { from_email: mailUser.name, ...letter },
      headers: { prefer: 'wait=20' },
    })
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({ account_id: accountId, status: 'sent', to_addr: 'bob@example.com' })
    expect(mailServer.submissions).toHaveLength(1)
  })

  test('an unknown from_email, nobody to send to, and CR or LF in a field: nothing is sent, no draft is left', async () => {
    const { call, mailServer, accountId } = await startWithSmtp()
    const unknown = await call('POST', '/send', { json: { from_email: 'nobody@example.com', ...letter } })
    expect([unknown.status, unknown.body.errors[0].path]).toEqual([422, 'from_email'])
    const toNobody = await call('POST', '/send', { json: { from_email: mailUser.name, subject: 'x', text: 'x' } })
    expect([toNobody.status, toNobody.body.code, toNobody.body.errors[0].path]).toEqual([422, 'UNSENDABLE', 'to'])
    for (const field of [
      { subject: 'x\r\nBcc: eve@example.com' },
      { to: 'bob@example.com\r\nRCPT TO:<eve@example.com>' },
    ]) {
      const injected = await call('POST', '/send', { json: { from_email: mailUser.name, ...letter, ...field } })
      expect(injected.status).toBe(400)
    }
    expect(mailServer.submissions).toEqual([])
    const drafts = await call('GET', `/accounts/${accountId}/drafts?status=draft`)
    expect(drafts.body.total).toBe(0)
  })
})

describe('an unknown one', () => {
  test('is resolved by the user', async () => {
    const { call, addDraft, accountId, mailServer } = await startWithSmtp()
    const draft = await addDraft(accountId, letter)
    mailServer.faults.add({ on: { verb: '.' }, do: { kind: 'drop-reply', andThen: 'cut', by: 'rst' } })
    const path = `/accounts/${accountId}/drafts/${draft.id}/send`
    const unknown = await call('POST', path, { headers: { prefer: 'wait=20' } })
    expect([unknown.status, unknown.body.status]).toEqual([200, 'unknown'])
    const retried = await call('POST', `/sends/${unknown.body.id}/retry`)
    expect([retried.status, retried.body.code]).toEqual([409, 'TOO_LATE'])
    const wrong = await call('POST', `/sends/${unknown.body.id}/resolve`, { json: { as: 'maybe' } })
    expect(wrong.status).toBe(400)
    const resolved = await call('POST', `/sends/${unknown.body.id}/resolve`, { json: { as: 'sent' } })
    expect([resolved.status, resolved.body.status]).toEqual([200, 'sent'])
    expect(mailServer.submissions).toHaveLength(1)
    const nobody = await call('GET', '/track/01a1fdb4-9470-7ad3-95bb-c043012b9db6')
    expect([nobody.status, nobody.body.code]).toEqual([404, 'NOT_FOUND'])
  })

  test('goes once more when the user says so, and is the same mail', async () => {
    const { call, addDraft, accountId, mailServer } = await startWithSmtp()
    const draft = await addDraft(accountId, letter)
    mailServer.faults.add({ on: { verb: '.' }, do: { kind: 'drop-reply', andThen: 'cut', by: 'rst' } })
    const path = `/accounts/${accountId}/drafts/${draft.id}`
    const unknown = await call('POST', `${path}/send`, { headers: { prefer: 'wait=20' } })
    expect(unknown.body.status).toBe('unknown')
    expect((await call('GET', path)).body.status).toBe('sending')
    const again = await call('POST', `/sends/${unknown.body.id}/resolve`, { json: { as: 'send_again' } })
    expect(again.status).toBe(200)
    await expect.poll(() => mailServer.submissions.length).toBe(2)
    const [first, second] = mailServer.submissions.map(({ bytes }) => Buffer.from(bytes))
    expect(second?.equals(first!)).toBe(true)
    await expect.poll(async () => (await call('GET', `/track/${unknown.body.id}`)).body.status).toBe('sent')
    expect((await call('GET', path)).body.status).toBe('sent')
  })
})

describe('GET /track/{id}', () => {
  test('says that a mail came back, to whom and in whose words', async () => {
    const { call, addDraft, accountId, mailServer } = await startWithSmtp()
    const draft = await addDraft(accountId, { ...letter, to: ['bob@example.com', 'carla@example.com'] })
    const path = `/accounts/${accountId}/drafts/${draft.id}/send`
    const sent = await call('POST', path, { headers: { prefer: 'wait=20' } })
    expect(sent.body).toMatchObject({ status: 'sent' })
    const report = `From: MAILER-DAEMON@mx.example.com
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary="cut"

--cut
Content-Type: message/delivery-status

Original-Envelope-Id: ${sent.body.id}

Final-Recipient: rfc822; carla@example.com
Action: failed
Status: 5.2.2
Diagnostic-Code: smtp; 552 5.2.2 The mailbox is full

--cut--
`
    const inbox = mailServer.store.find(mailUser.name, 'INBOX')!
    const bytes = new TextEncoder().encode(report.replaceAll('\n', '\r\n'))
    mailServer.store.append(inbox, { bytes, flags: [], internalDateMs: Date.now() })
    await call('POST', `/accounts/${accountId}/sync`, { headers: { prefer: 'wait=20' } })
    const { body } = await call('GET', `/track/${sent.body.id}`)
    expect(body).toMatchObject({ status: 'sent', error: null })
    expect(body.recipients).toEqual([
      { address: 'bob@example.com', status: 'accepted', reply: null },
      {
        address: 'carla@example.com',
        status: 'bounced',
        reply: { code: 'BOUNCED', message: '552 5.2.2 The mailbox is full' },
      },
    ])
    expect(body.events).toContainEqual(
      expect.objectContaining({
        type: 'bounced',
        reason: { code: 'BOUNCED', message: '552 5.2.2 The mailbox is full' },
      }),
    )
  })
})
