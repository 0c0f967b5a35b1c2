import { expect, test } from 'vitest'

import { settle } from '../live/harness.ts'
import { openSender, type Sender } from './sender.ts'

interface Addresses {
  readonly from?: string
  readonly to?: readonly string[]
  readonly cc?: readonly string[]
  readonly bcc?: readonly string[]
}

/** Sends, and gives what the server was told, and the header of the mail and of its copy in Sent. */
async function send(sender: Sender, addresses: Addresses) {
  const { device, mailServer } = sender
  const fields = { accountId: device.account.id, subject: 'A letter', text: 'Dear all,\n' }
  const draft = await device.engine.drafts.create({ ...fields, ...addresses })
  await device.sync()
  const { id } = await device.engine.drafts.send(draft.id)
  const record = await sender.reaches(id, 'cleaned', 'failed')
  await settle(device)
  const [submission] = mailServer.submissions
  return { record, envelope: submission?.envelope, mail: headerOf(submission?.bytes), copy: sender.sent()[0] ?? '' }
}

function headerOf(bytes: Uint8Array = new Uint8Array()): string {
  const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  return text.slice(0, text.indexOf('\r\n\r\n') + 2)
}

test('an address that is not ASCII before the @ stands in the mail as it is, by SMTPUTF8, and in the copy in Sent', async () => {
  await using sender = await openSender()
  const { record, envelope, mail, copy } = await send(sender, {
    from: 'Änn <änn@example.org>',
    to: ['Jörg <jörg@example.com>', 'bob@example.com'],
    bcc: ['用户@例子.example'],
  })
  expect(record).toMatchObject({ status: 'sent', phase: 'cleaned' })
  expect(envelope?.smtpUtf8).toBe(true)
  expect(envelope?.to).toEqual(['jörg@example.com', 'bob@example.com', '用户@例子.example'])
  expect(mail).toMatch(/^From: =\?utf-8\?.*\?= <änn@example\.org>\r$/im)
  expect(mail).toMatch(/^To: =\?utf-8\?.*\?= <jörg@example\.com>,\r\n bob@example\.com\r$/im)
  expect(mail).not.toMatch(/^Bcc:/im)
  expect(copy).toMatch(/^Bcc: 用户@例子\.example\r$/im)
  expect(sender.texts()).toEqual([])
})

test('where only a domain is international it goes in ASCII, and needs nothing of the servers on the way', async () => {
  await using sender = await openSender()
  const { envelope, mail } = await send(sender, { to: ['ann@bücher.example'] })
  expect(envelope?.smtpUtf8).toBe(false)
  expect(envelope?.to).toEqual(['ann@xn--bcher-kva.example'])
  expect(mail).toContain('\r\nTo: ann@xn--bcher-kva.example\r\n')
})

test('who is left is sent to by SMTPUTF8, too, where another in the header needs it', async () => {
  await using sender = await openSender()
  const { device, mailServer } = sender
  const fields = { accountId: device.account.id, to: ['jörg@example.com', 'bob@example.com'], text: 'for two\n' }
  const draft = await device.engine.drafts.create(fields)
  mailServer.faults.add({ on: { verb: 'RCPT', nth: 2 }, do: { kind: 'smtp-reply', reply: '451 4.7.1 Later' } })
  const { id } = await device.engine.drafts.send(draft.id)
  await sender.reaches(id, 'cleaned')
  await device.engine.sends.retry(id)
  await expect.poll(() => mailServer.submissions.length).toBe(2)
  expect(mailServer.submissions.map(({ envelope }) => envelope)).toMatchObject([
    { to: ['jörg@example.com'], smtpUtf8: true },
    { to: ['bob@example.com'], smtpUtf8: true },
  ])
})

test('what is legal and rare stands in the mail as an address, and not as a name', async () => {
  await using sender = await openSender()
  const to = ['"a b"@example.org', 'ann@[127.0.0.1]', 'ann@[IPv6:2001:db8::1]', "o'neil@localhost"]
  const { record, envelope, mail } = await send(sender, { to })
  expect(record.status).toBe('sent')
  expect(envelope?.to).toEqual(to)
  expect(mail).toContain(`\r\nTo: ${to.join(',\r\n ')}\r\n`)
})

test('the Message-IDs of an account with an international domain are ASCII, in Drafts and in the mail', async () => {
  await using sender = await openSender()
  const { device, mailServer } = sender
  const { imap, smtp } = await device.engine.accounts.get(device.account.id)
  const login = { user: device.user.user, password: device.user.password }
  const account = await device.engine.accounts.add({
    address: 'ann@bücher.example',
    imap: { ...imap, ...login },
    smtp: { ...smtp!, ...login },
  })
  const draft = await device.engine.drafts.create({ accountId: account.id, to: 'bob@example.com', text: 'Dear Bob\n' })
  await device.engine.sync(account.id, { waitMs: 20_000 })
  const [copy] = mailServer.mailbox('ann', 'Drafts')
  expect(headerOf(copy?.bytes)).toMatch(/^Message-ID: <[!-~]+@xn--bcher-kva\.example>\r$/m)
  const { id } = await device.engine.drafts.send(draft.id)
  await expect.poll(() => mailServer.submissions.length, { timeout: 20_000 }).toBe(1)
  expect((await device.engine.sends.get(id)).messageId).toMatch(/^<[!-~]+@xn--bcher-kva\.example>$/)
  const header = headerOf(mailServer.submissions[0]?.bytes)
  expect(header).toContain('\r\nFrom: ann@xn--bcher-kva.example\r\n'.slice(2))
  expect(header).toMatch(/^[\t\r\n\x20-\x7e]*$/)
})

test('H28 a copy in Sent with another Message-ID is recognised, though its domains are written another way', async () => {
  const quirks = { filesSentCopies: { afterMs: 0, messageId: 'rewritten' } } as const
  await using sender = await openSender({ quirks }, { sentCopyWaitMs: 3_000 })
  const { record } = await send(sender, { to: ['ann@bücher.example', '"a b"@example.org', 'jörg@bücher.example'] })
  expect(record.events.map(({ type }) => type)).not.toContain('filed')
  expect(sender.sent()).toHaveLength(1)
})
