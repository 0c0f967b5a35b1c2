import { randomUUID } from 'node:crypto'

import { expect, test } from 'vitest'

import { type Answer, mailUser, type Running, start } from './harness.ts'

/** What would begin a field of its own, or end the header, for one reader or another. */
const breaks = { CR: '\r', LF: '\n', CRLF: '\r\n', NUL: '\0' }

const breaking = Object.values(breaks)

async function startWithSmtp(): Promise<Running & { readonly accountId: string }> {
  const running = await start()
  const { name: user, password } = mailUser
  const smtp = { host: '127.0.0.1', port: running.mailServer.smtpPort, security: 'none', user, password }
  return { ...running, accountId: (await running.addAccount({ smtp })).id }
}

const letter = { to: 'bob@example.com', subject: 'Hello', text: 'Dear Bob\n' }

/** Each field that comes to stand in a header, with a value that would write another, and how it is named. */
function fieldsWith(end: string): readonly (readonly [Readonly<Record<string, unknown>>, path: string])[] {
  const text = `a${end}Bcc: eve@example.com`
  const address = `ann@example.com${end}RCPT TO:<eve@example.com>`
  const id = `<a@example.com>${end}Bcc: eve@example.com`
  return [
    [{ subject: text }, 'subject'],
    [{ from: { address: 'ann@example.org', name: text } }, 'from.name'],
    [{ from: { address, name: 'Ann' } }, 'from.address'],
    [{ from: `Ann <${address}>` }, 'from'],
    ...(['to', 'cc', 'bcc'] as const).flatMap((field) => [
      [{ [field]: address }, field] as const,
      [{ [field]: ['bob@example.com', address] }, `${field}[1]`] as const,
      [{ [field]: [{ address, name: 'Bob' }] }, `${field}[0].address`] as const,
      [{ [field]: { address: 'bob@example.com', name: text } }, `${field}.name`] as const,
    ]),
    [{ in_reply_to: id }, 'in_reply_to'],
    [{ references: ['<a@example.com>', id] }, 'references[1]'],
  ]
}

function expectNamed(answer: Answer, path: string): void {
  expect(answer).toMatchObject({ status: 400, body: { code: 'VALIDATION_ERROR' } })
  expect(answer.body.errors.map((error: { path: string }) => error.path)).toContain(path)
  // It says what is wrong, and repeats nothing of it.
  expect(JSON.stringify(answer.body)).not.toContain('eve@')
}

test.each(Object.entries(breaks))(
  '%s in a field of a draft or a mail is 400, and names the field',
  async (_name, end) => {
    const { call, addDraft, accountId, mailServer } = await startWithSmtp()
    const draft = await addDraft(accountId, letter)
    const path = `/accounts/${accountId}/drafts/${draft.id}`
    for (const [fields, named] of fieldsWith(end)) {
      expectNamed(await call('POST', `/accounts/${accountId}/drafts`, { json: fields }), named)
      expectNamed(await call('PUT', path, { json: fields }), named)
      expectNamed(await call('POST', '/send', { json: { account_id: accountId, ...letter, ...fields } }), named)
    }
    const fromEmail = `${mailUser.name}${end}Bcc: eve@example.com`
    expectNamed(await call('POST', '/send', { json: { ...letter, from_email: fromEmail } }), 'from_email')
    expect((await call('GET', `/accounts/${accountId}/drafts`)).body).toMatchObject({
      total: 1,
      items: [{ version: 1 }],
    })
    expect(mailServer.submissions).toEqual([])
  },
)

test('a file whose name or Content-ID would break a header is not attached', async () => {
  const { call, addDraft, accountId } = await startWithSmtp()
  const draft = await addDraft(accountId, letter)
  const path = `/accounts/${accountId}/drafts/${draft.id}`
  for (const end of breaking) {
    const filename = encodeURIComponent(`a${end}Bcc: eve@example.com`)
    for (const disposition of [
      `attachment; filename*=UTF-8''${filename}`,
      `inline; filename*=iso-8859-1''${filename}`,
    ]) {
      const headers = { 'content-disposition': disposition, 'content-type': 'text/plain' }
      expectNamed(await call('POST', `${path}/attachments`, { body: 'abc', headers }), 'content-disposition')
    }
  }
  expect((await call('GET', path)).body).toMatchObject({ version: 1, attachments: [] })
})

test('the draft manager names the field as its client spells it', async () => {
  const { call, accountId } = await startWithSmtp()
  for (const end of breaking) {
    const text = `a${end}Bcc: eve@example.com`
    const attachment = { id: randomUUID(), filename: 'a.txt' }
    for (const [fields, named] of [
      [{ subject: text }, 'draft.subject'],
      [{ cc: [{ address: 'bob@example.com', name: text }] }, 'draft.cc[0].name'],
      [{ bcc: [{ address: text }] }, 'draft.bcc[0].address'],
      [{ references: [`<a${text}>`] }, 'draft.references[0]'],
      [{ attachments: [{ ...attachment, filename: text }] }, 'draft.attachments[0].filename'],
      [
        { attachments: [{ ...attachment, mimeType: `text/plain${end}Bcc: eve@example.com` }] },
        'draft.attachments[0].mimeType',
      ],
      [{ attachments: [{ ...attachment, contentId: text }] }, 'draft.attachments[0].contentId'],
    ] as const) {
      const json = { action: 'auto-save', draft: { body: 'a', ...fields } }
      const { status, body } = await call('POST', `/accounts/${accountId}/draft-manager`, { json })
      expect([status, body.errorCode]).toEqual([400, 'VALIDATION_ERROR'])
      expect(body.errors).toMatchObject([{ path: named }])
    }
  }
  expect((await call('GET', `/accounts/${accountId}/drafts`)).body.total).toBe(0)
})

test('a bundle with a field that would break a header is refused, and names its entry', async () => {
  const { call, accountId } = await startWithSmtp()
  const attachment = { id: randomUUID(), filename: 'a.txt' }
  for (const end of breaking) {
    const text = `a${end}Bcc: eve@example.com`
    for (const [fields, named] of [
      [{ subject: text }, 'subject'],
      [{ to: [{ address: 'bob@example.com', name: text }] }, 'to[0].name'],
      [{ inReplyTo: `<a${text}>` }, 'inReplyTo'],
      [{ attachments: [{ ...attachment, filename: text }] }, 'attachments[0].filename'],
      [{ attachments: [{ ...attachment, contentId: text }] }, 'attachments[0].contentId'],
    ] as const) {
      const body = JSON.stringify({ drafts: [{ body: 'fine' }, { body: 'a', ...fields }] })
      expectNamed(await call('POST', `/accounts/${accountId}/import`, { body }), `drafts[1].${named}`)
    }
  }
  expect((await call('GET', `/accounts/${accountId}/drafts`)).body.total).toBe(0)
})

test('an account’s name and address, and what a template is called, too', async () => {
  const { call, addAccount, accountId } = await startWithSmtp()
  const imap = { host: '127.0.0.1', port: 1, security: 'none', user: 'a', password: 'b' }
  for (const end of breaking) {
    const text = `a${end}Bcc: eve@example.com`
    const address = `ann@example.org${end}Bcc: eve@example.com`
    expectNamed(await call('POST', '/accounts', { json: { address: 'ann@example.net', name: text, imap } }), 'name')
    expectNamed(await call('POST', '/accounts', { json: { address, imap } }), 'address')
    expectNamed(await call('PATCH', `/accounts/${accountId}`, { json: { name: text } }), 'name')
    const template = { name: 'Greeting', subject: text }
    expectNamed(await call('POST', `/accounts/${accountId}/templates`, { json: template }), 'subject')
  }
  expect((await addAccount({ address: 'other@example.org' })).name).not.toContain('\n')
  expect((await call('GET', '/accounts')).body.total).toBe(2)
})

test('a message of another program that has CR or NUL in its header is taken in, goes up and is sent without them', async () => {
  const { call, accountId, mailServer } = await startWithSmtp()
  const lines = [
    'From: ann@example.org',
    'To: "Bob\rBcc: eve@example.com" <bob@example.com>',
    'Subject: =?utf-8?Q?a=0D=0ABcc:_eve@example.com=00?=',
    'X-Custom: a\rBcc: eve@example.com\0',
    'Reply-To: office@example.com\rBcc: eve@example.com\0',
    'In-Reply-To: <a\rb@example.com>',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=b; x="a\rb\0"',
    '',
    '--b',
    'Content-Type: text/plain',
    '',
    'Hello',
    '--b',
    'Content-Type: application/pdf; x="a\rb\0"',
    "Content-Disposition: attachment; filename*=utf-8''a%0D%0ABcc%3A%20eve%00.pdf",
    'Content-Description: a\rBcc: eve@example.com\0',
    '',
    'abc',
    '--b--',
    '',
  ]
  const imported = await call('POST', `/accounts/${accountId}/import`, { body: lines.join('\r\n') })
  expect([imported.status, imported.body.counts]).toMatchObject([200, { created: 1 }])
  const path = `/accounts/${accountId}/drafts/${imported.body.items[0].draft_id}`
  expect((await call('PUT', path, { json: { text: 'Hello again\n' } })).status).toBe(200)
  await call('POST', `/accounts/${accountId}/sync`, { headers: { prefer: 'wait=20' } })
  expect((await call('GET', path)).body.sync).toMatchObject({ state: 'synchronized', last_error: null })
  const uploaded = mailServer.mailbox(mailUser.name, 'Drafts')
  expect(uploaded).toHaveLength(1)
  const sent = await call('POST', `${path}/send`, { json: { confirm: true }, headers: { prefer: 'wait=20' } })
  expect(sent.body).toMatchObject({ status: 'sent', recipients: [{ address: 'bob@example.com' }] })
  expect(mailServer.submissions).toHaveLength(1)
  for (const { bytes } of [...uploaded, ...mailServer.submissions]) {
    const text = Buffer.from(bytes).toString('latin1')
    expect(text).not.toMatch(/\r(?!\n)|(?<!\r)\n|\0/)
    expect(text).not.toMatch(/^Bcc:/im)
  }
})
