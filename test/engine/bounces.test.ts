import type { SendRecord, SubmissionPort } from '@everdraft/core'
import { smtp } from '@everdraft/mail'
import { createSmtpSink } from '@everdraft/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'

import { incompressible, settle } from '../live/harness.ts'
import { openSender, type Sender } from './sender.ts'

interface Report {
  /** Absent: it names whom the mail went to. */
  readonly recipient?: string
  readonly action: 'failed' | 'delayed' | 'delivered' | 'relayed'
  readonly envid?: string
  readonly messageId?: string
  readonly status?: string
}

/** As a mail system writes it (RFC 3464). */
function report({ recipient = 'bob@example.com', action, envid, messageId, status = '5.1.1' }: Report): string {
  const original = messageId === undefined ? 'Subject: A letter' : `Message-ID: ${messageId}\nSubject: A letter`
  return `Return-Path: <>
From: Mail Delivery System <MAILER-DAEMON@mx.example.com>
To: ann@example.org
Subject: Delivery report
Date: ${new Date().toUTCString().replace('GMT', '+0000')}
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="cut"

--cut
Content-Type: text/plain

This is the mail system at host mx.example.com.

--cut
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com
${envid === undefined ? '' : `Original-Envelope-Id: ${envid}\n`}
Final-Recipient: rfc822; ${recipient}
Action: ${action}
Status: ${status}
Diagnostic-Code: smtp; 550 ${status} No such user here

--cut
Content-Type: text/rfc822-headers

From: ann@example.org
${original}

--cut--
`.replaceAll('\n', '\r\n')
}

function long(size: number): string {
  return `${Buffer.from(incompressible(size)).toString('base64')}\r\n`
}

async function arrives(sender: Sender, ...messages: readonly string[]): Promise<void> {
  await sender.device.foreign(async (raw) => {
    for (const message of messages) await raw.append('INBOX', message)
  })
}

const smallLetter = 'From: Bob <bob@example.com>\r\nSubject: News\r\n\r\nNothing of ours.\r\n'

/** Into INBOX, with the time at which the server says that it came. */
function comes({ mailServer }: Sender, { minutesAgo }: { minutesAgo: number }, ...messages: readonly string[]): void {
  const inbox = mailServer.store.find('ann', 'INBOX')!
  const internalDateMs = Date.now() - minutesAgo * 60_000
  for (const message of messages) {
    mailServer.store.append(inbox, { bytes: new TextEncoder().encode(message), flags: [], internalDateMs })
  }
}

/** Mail goes to another server there, which knows nobody. */
function redirected(to: number): SubmissionPort {
  const port = smtp()
  return { connect: (settings, options) => port.connect({ ...settings, port: to, user: '' }, options) }
}

/** Sent, filed, and at rest. */
async function sent(sender: Sender, to: readonly string[] = ['bob@example.com']): Promise<SendRecord> {
  const { engine, account } = sender.device
  const draft = await engine.drafts.create({ accountId: account.id, to, subject: 'A letter', text: 'Dear all,\n' })
  const { id } = await engine.drafts.send(draft.id)
  return await sender.reaches(id, 'cleaned')
}

/** The server took it, and its answer was lost. */
async function unknown(sender: Sender): Promise<SendRecord> {
  const { device, mailServer } = sender
  const draft = await device.create({ text: 'taken or not\n' })
  mailServer.faults.add({ on: { verb: '.' }, do: { kind: 'drop-reply', andThen: 'cut', by: 'rst' } })
  const { id } = await device.engine.drafts.send(draft.id)
  return await sender.reaches(id, 'unknown')
}

const statuses = ({ recipients }: SendRecord): readonly string[] => recipients.map(({ status }) => status)

async function now(sender: Sender, { id }: SendRecord): Promise<SendRecord> {
  await settle(sender.device)
  return await sender.device.engine.sends.get(id)
}

test('a mail asks for reports, by the id of the send, where the server can give them', async () => {
  const sink = await createSmtpSink()
  onTestFinished(() => sink.close())
  await using sender = await openSender({}, {}, { submission: redirected(sink.port) })
  const send = await sent(sender)
  expect(sink.received.map(({ parameters }) => parameters)).toMatchObject([{ RET: 'HDRS', ENVID: send.id }])
})

describe('a mail that came back', () => {
  for (const { what, by } of [
    { what: 'ENVID', by: ({ id }: SendRecord) => ({ envid: id }) },
    { what: 'Message-ID', by: ({ messageId }: SendRecord) => ({ messageId }) },
  ]) {
    test(`is known by its ${what}: its recipient is bounced, with the words of the server`, async () => {
      await using sender = await openSender()
      const { device } = sender
      const send = await sent(sender, ['bob@example.com', 'carla@example.com'])
      await arrives(sender, report({ action: 'failed', ...by(send) }))
      const told = await now(sender, send)
      expect(told).toMatchObject({ status: 'sent', phase: 'cleaned' })
      expect(told.recipients).toMatchObject([
        { status: 'bounced', reason: { code: 'BOUNCED', message: '550 5.1.1 No such user here' } },
        { status: 'accepted', reason: null },
      ])
      expect(told.events.at(-1)).toMatchObject({ type: 'bounced', reason: { code: 'BOUNCED' } })
      expect(device.events.filter(({ type }) => type === 'send-bounced')).toMatchObject([{ sendId: send.id }])
      await device.restart()
      expect(await device.engine.sends.get(send.id)).toEqual(told)
    })
  }

  test('is delayed: it fails nobody, and the words are shown', async () => {
    await using sender = await openSender()
    const send = await sent(sender)
    await arrives(sender, report({ action: 'delayed', envid: send.id, status: '4.4.1' }))
    const told = await now(sender, send)
    expect(told.recipients).toMatchObject([{ status: 'accepted', reason: { code: 'DELAYED' } }])
    await arrives(sender, report({ action: 'failed', envid: send.id }))
    expect(statuses(await now(sender, send))).toEqual(['bounced'])
  })

  test('was passed on: with one recipient it is that one who has it no more', async () => {
    await using sender = await openSender()
    const send = await sent(sender)
    await arrives(sender, report({ action: 'failed', envid: send.id, recipient: 'robert@inside.example.net' }))
    expect(statuses(await now(sender, send))).toEqual(['bounced'])
  })

  test('in the words of a mail system that writes no reports', async () => {
    await using sender = await openSender()
    const send = await sent(sender)
    const words = `Return-Path: <>
From: MAILER-DAEMON@mx.example.com
Subject: failure notice

Hi. This is the qmail-send program at mx.example.com.
I'm afraid I wasn't able to deliver your message to the following addresses.

<bob@example.com>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

Message-ID: ${send.messageId}
Subject: A letter
`
    await arrives(sender, words.replaceAll('\n', '\r\n'))
    const told = await now(sender, send)
    expect(told.recipients).toMatchObject([
      { status: 'bounced', reason: { message: 'Sorry, no mailbox here by that name. (#5.1.1)' } },
    ])
  })

  test('while the answer of the server is still on its way: it is told when that is here', async () => {
    await using sender = await openSender()
    const { device, mailServer } = sender
    const draft = await device.create()
    mailServer.faults.add({ on: { verb: '.' }, do: { kind: 'delay-reply', delayMs: 700 } })
    const { id } = await device.engine.drafts.send(draft.id)
    const dotting = await sender.reaches(id, 'dotting')
    await arrives(sender, report({ action: 'failed', envid: id }))
    await device.sync()
    expect(await sender.reaches(id, 'cleaned')).toMatchObject({ attempts: 1 })
    expect(statuses(await now(sender, dotting))).toEqual(['bounced'])
    expect(mailServer.submissions).toHaveLength(1)
  })

  test('is told once, also when INBOX has other UIDs, and what came meanwhile is told then', async () => {
    await using sender = await openSender()
    const { mailServer } = sender
    const send = await sent(sender, ['bob@example.com', 'carla@example.com'])
    await arrives(sender, report({ action: 'delayed', envid: send.id }))
    const before = await now(sender, send)
    mailServer.resetUidValidity('ann', 'INBOX')
    await arrives(sender, report({ action: 'failed', envid: send.id, recipient: 'carla@example.com' }))
    const after = await now(sender, send)
    expect(after.events.map(({ type }) => type)).toEqual([...before.events.map(({ type }) => type), 'bounced'])
    expect(statuses(after)).toEqual(['accepted', 'bounced'])
  })
})

describe('what is in INBOX', () => {
  test('is looked through from the beginning where the server gives UIDs out again', async () => {
    await using sender = await openSender()
    const send = await sent(sender)
    const delayed = report({ action: 'delayed', envid: send.id })
    await arrives(sender, delayed, delayed, delayed)
    await now(sender, send)
    await sender.comeBackEmpty()
    await arrives(sender, report({ action: 'failed', envid: send.id }))
    expect(statuses(await now(sender, send))).toEqual(['bounced'])
  })

  test.for([
    { many: 'past', letters: 4, without: [] },
    { many: 'up to', letters: 2, without: ['CONDSTORE'] },
  ] as const)(
    'H10 is looked through again where UIDs $many the last that was looked at are given out again',
    async (given) => {
      const { letters, without } = given
      await using sender = await openSender({ without })
      const send = await sent(sender)
      comes(sender, { minutesAgo: 5 }, smallLetter, smallLetter, smallLetter)
      expect(statuses(await now(sender, send))).toEqual(['accepted'])
      await sender.comeBackEmpty()
      comes(
        sender,
        { minutesAgo: 1 },
        report({ action: 'failed', envid: send.id }),
        ...Array(letters).fill(smallLetter),
      )
      expect(statuses(await now(sender, send))).toEqual(['bounced'])
    },
  )

  test('H10 is looked through where old mail was put back after what is new, and of old mail nothing is read', async () => {
    await using sender = await openSender()
    const { device, mailServer } = sender
    const send = await sent(sender)
    comes(sender, { minutesAgo: 5 }, smallLetter)
    await now(sender, send)
    mailServer.resetUidValidity('ann', 'INBOX')
    comes(sender, { minutesAgo: 1 }, report({ action: 'failed', envid: send.id }))
    comes(sender, { minutesAgo: 20 * 24 * 60 }, ...Array(1_000).fill(smallLetter))
    const mark = device.proxy.mark()
    expect(statuses(await now(sender, send))).toEqual(['bounced'])
    expect(device.proxy.since(mark).toClient).toBeLessThan(20_000)
  })

  test('is not looked through again for mail that was read, moved away, or came with a date to come', async () => {
    await using sender = await openSender()
    const { device, mailServer } = sender
    const send = await sent(sender)
    comes(sender, { minutesAgo: 5 }, smallLetter, smallLetter, smallLetter)
    comes(sender, { minutesAgo: -20 * 24 * 60 }, smallLetter)
    await now(sender, send)
    await device.foreign(async (raw) => {
      await raw.markDeleted('INBOX', [2, 3])
      await raw.expunge('INBOX')
    })
    comes(sender, { minutesAgo: 1 }, smallLetter)
    const search = mailServer.faults.add({ on: { verb: 'UID SEARCH' }, do: { kind: 'delay-reply', delayMs: 1 } })
    await now(sender, send)
    expect(search.fired).toBe(false)
  })

  test('is looked through from the mails of the last days on, not from the beginning', async () => {
    await using sender = await openSender()
    const { device, mailServer } = sender
    const send = await sent(sender)
    const inbox = mailServer.store.find('ann', 'INBOX')!
    const bytes = new TextEncoder().encode(report({ action: 'failed', envid: send.id }))
    mailServer.store.append(inbox, { bytes, flags: [], internalDateMs: Date.now() - 3 * 24 * 3_600_000 })
    // Older than the send: whatever it says, it is none of it.
    expect(statuses(await now(sender, send))).toEqual(['accepted'])
    // Where it begins was remembered, although nothing was read yet.
    const search = mailServer.faults.add({ on: { verb: 'UID SEARCH' }, do: { kind: 'delay-reply', delayMs: 1 } })
    await settle(device)
    expect(search.fired).toBe(false)
    await arrives(sender, report({ action: 'failed', envid: send.id }))
    expect(statuses(await now(sender, send))).toEqual(['bounced'])
  })

  test('stays as it is, and of what is no report no body is read', async () => {
    await using sender = await openSender()
    const { device, mailServer } = sender
    const send = await sent(sender)
    const letter = `From: Bob <bob@example.com>\r\nSubject: News\r\n\r\n${long(100_000)}`
    await arrives(sender, letter, report({ action: 'failed', envid: send.id }) + long(10_000))
    const mark = device.proxy.mark()
    expect(statuses(await now(sender, send))).toEqual(['bounced'])
    expect(device.proxy.since(mark).toClient).toBeLessThan(30_000)
    const inbox = mailServer.mailbox('ann', 'INBOX')
    expect(inbox).toHaveLength(2)
    expect(inbox.flatMap(({ flags }) => [...flags])).toEqual([])
    // Looked at once: the next rounds ask for nothing of it again.
    await settle(device)
    const later = device.proxy.mark()
    await settle(device)
    expect(device.proxy.since(later).toClient).toBeLessThan(2_000)
  })

  test('is not looked into while no mail of the last days went', async () => {
    await using sender = await openSender()
    const { device, mailServer } = sender
    await device.create()
    const fault = mailServer.faults.add({ on: { verb: 'EXAMINE' }, do: { kind: 'cut', by: 'rst' } })
    await settle(device)
    expect(fault.fired).toBe(false)
    await sent(sender)
    await device.sync()
    expect(fault.fired).toBe(true)
  })

  test('is not looked into any more when that is long ago', async () => {
    let passedMs = 0
    await using sender = await openSender({}, {}, { environment: { now: () => Date.now() + passedMs } })
    const { device, mailServer } = sender
    await sent(sender)
    await settle(device)
    passedMs = 8 * 24 * 3_600_000
    const fault = mailServer.faults.add({ on: { verb: 'EXAMINE' }, do: { kind: 'cut', by: 'rst' } })
    await settle(device)
    expect(fault.fired).toBe(false)
  })

  test('is looked through on after a cut in the middle', async () => {
    await using sender = await openSender()
    const { device, mailServer } = sender
    const send = await sent(sender, ['bob@example.com', 'carla@example.com'])
    await arrives(
      sender,
      report({ action: 'failed', envid: send.id }),
      report({ action: 'failed', envid: send.id, recipient: 'carla@example.com' }),
    )
    const fault = mailServer.faults.add({ on: { verb: 'UID FETCH', nth: 3 }, do: { kind: 'cut', by: 'rst' } })
    await device.sync()
    expect(fault.fired).toBe(true)
    await device.restart()
    const told = await now(sender, send)
    expect(statuses(told)).toEqual(['bounced', 'bounced'])
    expect(told.events.filter(({ type }) => type === 'bounced')).toHaveLength(2)
  })

  test('about somebody else’s mail, or made up without what ours is known by, changes nothing', async () => {
    await using sender = await openSender()
    const { device } = sender
    const send = await sent(sender)
    await arrives(
      sender,
      report({ action: 'failed' }),
      report({ action: 'failed', envid: '0190aaaa-0000-7000-8000-000000000000', messageId: '<other@example.org>' }),
      report({ action: 'failed', envid: send.id.slice(0, -1), messageId: `<x${send.messageId.slice(1)}` }),
      `From: MAILER-DAEMON@example.net\r\nSubject: failure notice\r\n\r\nYour mail to bob@example.com failed.\r\n`,
    )
    expect(await now(sender, send)).toEqual(send)
    expect(device.events.some(({ type }) => type === 'send-bounced')).toBe(false)
  })
})

describe('H21 a report is evidence of what became of an unknown one', () => {
  for (const { action, status } of [
    { action: 'failed', status: 'bounced' },
    { action: 'delivered', status: 'accepted' },
    { action: 'relayed', status: 'accepted' },
    { action: 'delayed', status: 'accepted' },
  ] as const) {
    test(`${action}: it was taken, and nothing goes twice`, async () => {
      await using sender = await openSender()
      const send = await unknown(sender)
      await arrives(sender, report({ action, envid: send.id }))
      await settle(sender.device)
      const told = await sender.reaches(send.id, 'cleaned')
      expect(told).toMatchObject({ status: 'sent', error: null })
      expect(statuses(told)).toEqual([status])
      expect(sender.taken('taken or not')).toBe(1)
      expect(sender.sent()).toHaveLength(1)
    })
  }

  test('a report that names nobody whom it went to: it was taken all the same', async () => {
    await using sender = await openSender()
    const { device, mailServer } = sender
    const draft = await device.engine.drafts.create({
      accountId: device.account.id,
      to: ['bob@example.com', 'carla@example.com'],
      text: 'for two\n',
    })
    mailServer.faults.add({ on: { verb: '.' }, do: { kind: 'drop-reply', andThen: 'cut', by: 'rst' } })
    const { id } = await device.engine.drafts.send(draft.id)
    await sender.reaches(id, 'unknown')
    await arrives(sender, report({ action: 'failed', envid: id, recipient: 'list@inside.example.net' }))
    await settle(device)
    expect(statuses(await sender.reaches(id, 'cleaned'))).toEqual(['accepted', 'accepted'])
  })

  test('the copy in Sent of those who have it is no evidence for one in doubt; a report is', async () => {
    await using sender = await openSender()
    const { device, mailServer } = sender
    const draft = await device.engine.drafts.create({
      accountId: device.account.id,
      to: ['bob@example.com', 'carla@example.com'],
      text: 'for two\n',
    })
    mailServer.faults.add({ on: { verb: 'RCPT', nth: 2 }, do: { kind: 'smtp-reply', reply: '451 4.7.1 Later' } })
    const { id } = await device.engine.drafts.send(draft.id)
    await sender.reaches(id, 'cleaned')
    mailServer.faults.add({ on: { verb: '.' }, do: { kind: 'drop-reply', andThen: 'cut', by: 'rst' } })
    await device.engine.sends.retry(id)
    await expect.poll(async () => statuses(await device.engine.sends.get(id))).toEqual(['accepted', 'unknown'])
    await settle(device)
    const doubted = await device.engine.sends.get(id)
    expect(statuses(doubted)).toEqual(['accepted', 'unknown'])
    expect(sender.sent()).toHaveLength(1)
    await arrives(sender, report({ action: 'delivered', envid: id, recipient: 'carla@example.com' }))
    expect(statuses(await now(sender, doubted))).toEqual(['accepted', 'accepted'])
  })
})
