import { createHash, randomBytes } from 'node:crypto'

import { expect, test } from 'vitest'

import { mailUser, start, type Running } from './harness.ts'

const picture = randomBytes(2_000)
const file = randomBytes(70_000)

const base64 = (bytes: Buffer): string => bytes.toString('base64').replaceAll(/.{76}/g, '$&\r\n')

/** As it came from somebody else, with a Bcc that some programs leave in. */
function message(id: string): string {
  return [
    'From: Bob Example <bob@example.org>',
    `To: ${mailUser.name}, Cy <cy@example.org>`,
    'Bcc: eve@example.org',
    'Subject: Figures',
    `Message-ID: ${id}`,
    'References: <first@example.org>',
    'Date: Sat, 21 Nov 2026 10:00:00 +0000',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=m',
    '',
    '--m',
    'Content-Type: multipart/related; boundary=r',
    '',
    '--r',
    'Content-Type: text/html; charset=utf-8',
    '',
    '<p>Look: <img src="cid:pic@example.org"></p>',
    '--r',
    'Content-Type: image/png',
    'Content-ID: <pic@example.org>',
    'Content-Disposition: inline',
    'Content-Transfer-Encoding: base64',
    '',
    base64(picture),
    '--r--',
    '--m',
    'Content-Type: application/pdf',
    'Content-Disposition: attachment; filename="figures.pdf"',
    'Content-Transfer-Encoding: base64',
    '',
    base64(file),
    '--m--',
    '',
  ].join('\r\n')
}

function deliver({ mailServer }: Running, folder: string, text: string): void {
  const mailbox = mailServer.store.find(mailUser.name, folder)
  if (mailbox === undefined) throw new Error(`there is no folder ${folder}`)
  mailServer.store.append(mailbox, { bytes: Buffer.from(text), flags: [], internalDateMs: 0 })
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

test('a reply has the thread, the quote and the picture that it shows; reply_all also the others', async () => {
  const running = await start()
  const { call, addAccount } = running
  const { id } = await addAccount()
  deliver(running, 'INBOX', message('<figures@example.org>'))
  const answer = await call('POST', `/accounts/${id}/messages/reply`, {
    json: { message_id: 'figures@example.org', mode: 'reply' },
  })
  expect(answer).toMatchObject({
    status: 201,
    body: {
      account_id: id,
      status: 'draft',
      version: 1,
      from: { address: mailUser.name },
      to: [{ address: 'bob@example.org', name: 'Bob Example' }],
      cc: [],
      bcc: [],
      subject: 'Re: Figures',
      in_reply_to: '<figures@example.org>',
      references: ['<first@example.org>', '<figures@example.org>'],
      attachments: [{ content_id: 'pic@example.org', disposition: 'inline', sha256: sha256(picture), size: 2_000 }],
    },
  })
  expect(answer.body.html).toContain('cid:pic@example.org')
  expect(answer.body.text).toContain('> Look:')
  expect(answer.headers.get('location')).toBe(`/accounts/${id}/drafts/${answer.body.id}`)
  expect(answer.headers.get('etag')).toBe('"1"')
  const all = await call('POST', `/accounts/${id}/messages/reply`, {
    json: { message_id: '<figures@example.org>', mode: 'reply_all' },
  })
  expect(all.body.to).toEqual([
    { address: 'bob@example.org', name: 'Bob Example' },
    { address: 'cy@example.org', name: 'Cy' },
  ])
  expect(JSON.stringify([answer.body, all.body])).not.toContain('eve@')
})

test('a forward has all attachments, to be read as they were', async () => {
  const running = await start()
  const { call, addAccount } = running
  const { id } = await addAccount()
  deliver(running, 'Sent', message('<sent@example.org>'))
  const { status, body } = await call('POST', `/accounts/${id}/messages/reply`, {
    json: { message_id: '<sent@example.org>', mode: 'forward' },
  })
  expect(status).toBe(201)
  expect(body).toMatchObject({ to: [], subject: 'Fwd: Figures', in_reply_to: null })
  expect(body.attachments.map((one: { filename: string }) => one.filename)).toEqual(['attachment', 'figures.pdf'])
  for (const [index, bytes] of [picture, file].entries()) {
    const path = `/accounts/${id}/drafts/${body.id}/attachments/${body.attachments[index].id}`
    expect(Buffer.compare((await call('GET', path)).bytes, bytes)).toBe(0)
  }
  expect(JSON.stringify(body)).not.toContain('eve@')
})

test('the same key makes one draft, also when the message is gone by then', async () => {
  const running = await start()
  const { call, addAccount } = running
  const { id } = await addAccount()
  deliver(running, 'INBOX', message('<once@example.org>'))
  const headers = { 'idempotency-key': 'answer-1' }
  const json = { message_id: '<once@example.org>', mode: 'reply', policy: 'local-only' }
  const first = await call('POST', `/accounts/${id}/messages/reply`, { json, headers })
  const mailbox = running.mailServer.store.find(mailUser.name, 'INBOX')!
  running.mailServer.store.expunge(
    mailbox,
    mailbox.messages().map(({ uid }) => uid),
  )
  const second = await call('POST', `/accounts/${id}/messages/reply`, { json, headers })
  expect(second.body.id).toBe(first.body.id)
  expect((await call('GET', `/accounts/${id}/drafts`)).body.total).toBe(1)
})

test('an unknown message is 404, a server that is away 503, wrong fields 400; and no draft is made', async () => {
  const running = await start()
  const { call, addAccount } = running
  const { id } = await addAccount()
  const path = `/accounts/${id}/messages/reply`
  expect(await call('POST', path, { json: { message_id: '<none@example.org>', mode: 'reply' } })).toMatchObject({
    status: 404,
    body: { code: 'NOT_FOUND' },
  })
  for (const [json, field] of [
    [{ mode: 'reply' }, 'message_id'],
    [{ message_id: 'a b', mode: 'reply' }, 'message_id'],
    [{ message_id: '<a@example.org', mode: 'reply' }, 'message_id'],
    [{ message_id: 'a\u001db@example.org', mode: 'reply' }, 'message_id'],
    [{ message_id: '<a@example.org>', mode: 'answer' }, 'mode'],
    [{ message_id: '<a@example.org>', mode: 'reply', to: 'x' }, 'to'],
  ] as const) {
    expect(await call('POST', path, { json })).toMatchObject({ status: 400, body: { errors: [{ path: field }] } })
  }
  await running.mailServer.close()
  expect(await call('POST', path, { json: { message_id: '<a@example.org>', mode: 'reply' } })).toMatchObject({
    status: 503,
    body: { code: 'UNREACHABLE' },
  })
  expect((await call('GET', `/accounts/${id}/drafts`)).body.total).toBe(0)
})
