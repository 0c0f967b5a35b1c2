import type { EngineEvent } from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import { incompressible, settle } from '../live/harness.ts'
import { openSender } from './sender.ts'

describe('a draft that is sent', () => {
  test('is taken once, lies in Sent with its Bcc, and is gone from Drafts', async () => {
    await using sender = await openSender()
    const { device } = sender
    const draft = await device.engine.drafts.create({
      accountId: device.account.id,
      to: 'Bob Example <bob@example.com>',
      bcc: 'carla@example.com',
      subject: 'A letter',
      text: 'Dear Bob,\n\nfirst words\n',
    })
    await sender.upload()
    expect(sender.texts()).toHaveLength(1)
    const queued = await device.engine.drafts.send(draft.id)
    expect(queued).toMatchObject({ status: 'queued', version: 1, from: 'ann@example.org', attempts: 0 })
    const record = await sender.ends(queued.id)
    expect(record).toMatchObject({ status: 'sent', phase: 'cleaned', attempts: 1, error: null })
    expect(record.recipients.map(({ address, status }) => [address, status])).toEqual([
      ['bob@example.com', 'accepted'],
      ['carla@example.com', 'accepted'],
    ])
    expect(sender.taken('first words')).toBe(1)
    const [taken] = sender.mailServer.submissions
    const text = new TextDecoder().decode(taken?.bytes)
    expect(text).not.toMatch(/^bcc:/im)
    expect(text).not.toMatch(/everdraft/i)
    expect(text).toContain(`Message-ID: ${record.messageId}`)
    expect(sender.sent()).toHaveLength(1)
    expect(sender.sent()[0]).toMatch(/^Bcc: carla@example\.com/m)
    expect(sender.sent()[0]).toContain(`Message-ID: ${record.messageId}`)
    expect(sender.texts()).toEqual([])
    const sent = await device.get(draft.id)
    expect(sent).toMatchObject({ status: 'sent', sync: { state: 'local-only', pending: null } })
    expect(record.sentAt).not.toBeNull()
    expect(record.verifiedAt).toBeGreaterThanOrEqual(record.sentAt ?? 0)
    await settle(device)
    expect(sender.texts()).toEqual([])
  })

  test('says each phase, in the order of the journal', async () => {
    await using sender = await openSender()
    const { device } = sender
    const draft = await device.create()
    const phases: string[] = []
    device.engine.subscribe({}, (event: EngineEvent) => {
      if (event.type === 'send-status-changed') phases.push(event.phase)
    })
    const { id } = await device.engine.drafts.send(draft.id)
    const { events } = await sender.ends(id)
    const journal = ['checked', 'frozen', 'transmitting', 'dotting', 'accepted', 'filed', 'verified', 'cleaned']
    expect(phases).toEqual(journal)
    expect(events.map(({ type }) => type)).toEqual([
      'consented',
      'released',
      'froze',
      'opened',
      'dot-marked',
      'answered-ok',
      'filed',
      'copy-verified',
      'copies-cleaned',
    ])
    await device.restart()
    expect(await device.engine.sends.get(id)).toMatchObject({ phase: 'cleaned', events: { length: 9 } })
  })

  test('is edited by nobody until the send is undone, and then is what it was', async () => {
    await using sender = await openSender()
    const { device } = sender
    const draft = await device.create()
    await sender.upload()
    const { id } = await device.engine.drafts.send(draft.id, { undoMs: 60_000 })
    expect((await device.get(draft.id)).status).toBe('queued')
    await expect(device.engine.drafts.save(draft.id, { text: 'changed\n' })).rejects.toMatchObject({
      code: 'NOT_A_DRAFT',
    })
    await expect(device.engine.drafts.send(draft.id)).rejects.toMatchObject({ code: 'NOT_A_DRAFT' })
    expect(await device.engine.sends.cancel(id)).toMatchObject({ status: 'cancelled' })
    expect(await device.get(draft.id)).toMatchObject({ status: 'draft', sync: { state: 'synchronized' } })
    await device.engine.drafts.save(draft.id, { text: 'changed\n' })
    await settle(device)
    expect(sender.texts()).toHaveLength(1)
    expect(sender.texts()[0]).toContain('changed')
    expect(sender.mailServer.submissions).toEqual([])
  })

  test('at a chosen hour waits for it, through a restart, and may be uploaded meanwhile', async () => {
    await using sender = await openSender()
    const { device } = sender
    const draft = await device.create({ text: 'later\n' })
    const sendAt = Date.now() + 3_600_000
    const { id } = await device.engine.drafts.send(draft.id, { sendAt })
    expect(await device.engine.sends.get(id)).toMatchObject({ status: 'queued', nextAttemptAt: sendAt })
    expect((await device.get(draft.id)).scheduledSendAt).toBe(sendAt)
    await sender.upload()
    expect(sender.texts()).toHaveLength(1)
    await device.restart()
    expect(await device.engine.sends.get(id)).toMatchObject({ status: 'queued', nextAttemptAt: sendAt })
    await device.engine.sends.retry(id)
    expect(await sender.ends(id)).toMatchObject({ status: 'sent' })
    expect(sender.taken('later')).toBe(1)
  })

  test('is not sent where something stands against it, and the path is named', async () => {
    await using sender = await openSender()
    const { device } = sender
    const nobody = await device.engine.drafts.create({ accountId: device.account.id, text: 'x' })
    await expect(device.engine.drafts.send(nobody.id)).rejects.toMatchObject({
      code: 'UNSENDABLE',
      errors: [{ path: 'to' }],
    })
    const bad = await device.engine.drafts.create({ accountId: device.account.id, to: ['ann@', 'b@example.com'] })
    await expect(device.engine.drafts.send(bad.id)).rejects.toMatchObject({
      code: 'UNSENDABLE',
      errors: [{ path: 'to[0].address' }],
    })
    const forgotten = await device.create({ text: 'The plan is attached.\n' })
    await expect(device.engine.drafts.send(forgotten.id)).rejects.toMatchObject({
      code: 'UNSENDABLE',
      errors: [{ path: 'attachments' }],
    })
    await expect(device.engine.drafts.send(forgotten.id, { baseVersion: 7 as never })).rejects.toMatchObject({
      code: 'VERSION_MISMATCH',
    })
    expect((await device.get(forgotten.id)).status).toBe('draft')
    const { id } = await device.engine.drafts.send(forgotten.id, { confirm: true })
    expect(await sender.ends(id)).toMatchObject({ status: 'sent' })
  })

  test('carries its attachment to the others, and quotes it from Drafts for Sent', async () => {
    await using sender = await openSender()
    const { device } = sender
    const draft = await device.create({ text: 'with a file\n' })
    const bytes = incompressible(500_000)
    await device.attach(draft.id, bytes)
    await sender.upload()
    const mark = device.proxy.mark()
    const { id } = await device.engine.drafts.send(draft.id)
    expect(await sender.ends(id)).toMatchObject({ status: 'sent', phase: 'cleaned' })
    // Over IMAP: the look before, the copy in Sent, and the clearing up.
    expect(device.proxy.since(mark).toServer).toBeLessThan(5_000)
    const base64 = Buffer.from(bytes).toString('base64').slice(0, 76)
    expect(sender.taken(base64)).toBe(1)
    expect(sender.sent().filter((text) => text.includes(base64))).toHaveLength(1)
    expect(sender.texts()).toEqual([])
  })
})

describe('undo', () => {
  test('wins while the server has not accepted recipients: it gets no DATA, and the next mail goes over the same line', async () => {
    await using sender = await openSender()
    const { device, mailServer } = sender
    const draft = await device.create({ text: 'thought better of it\n' })
    const rcpt = mailServer.faults.add({ on: { verb: 'RCPT' }, do: { kind: 'delay-reply', delayMs: 400 } })
    const data = mailServer.faults.add({ on: { verb: 'DATA' }, do: { kind: 'delay-reply', delayMs: 1 } })
    const { id } = await device.engine.drafts.send(draft.id)
    await expect.poll(() => rcpt.fired, { interval: 10 }).toBe(true)
    expect(await device.engine.sends.cancel(id)).toMatchObject({ status: 'cancelled' })
    expect((await device.get(draft.id)).status).toBe('draft')
    await settle(device)
    expect(data.fired).toBe(false)
    const next = await device.engine.drafts.send((await device.create({ text: 'the next one\n' })).id)
    expect(await sender.ends(next.id)).toMatchObject({ status: 'sent' })
    expect(mailServer.submissions).toHaveLength(1)
  })

  test('is too late once they are: the mail goes, and the draft is sent', async () => {
    await using sender = await openSender()
    const { device, mailServer } = sender
    const draft = await device.create({ text: 'gone\n' })
    mailServer.faults.add({ on: { verb: 'DATA' }, do: { kind: 'delay-reply', delayMs: 300 } })
    const { id } = await device.engine.drafts.send(draft.id)
    await sender.reaches(id, 'transmitting')
    await expect(device.engine.sends.cancel(id)).rejects.toMatchObject({ code: 'TOO_LATE' })
    expect(await sender.ends(id)).toMatchObject({ status: 'sent' })
    expect(sender.taken('gone')).toBe(1)
  })

  test('of who is left after an acceptance wins, too: they get nothing, and who has it keeps it', async () => {
    await using sender = await openSender()
    const { device, mailServer } = sender
    const draft = await device.engine.drafts.create({
      accountId: device.account.id,
      to: ['bob@example.com', 'carla@example.com'],
      subject: 'Two',
      text: 'not for all of you\n',
    })
    // The first is answered as it should be, and the second is put off.
    mailServer.faults.add({
      on: { verb: 'RCPT', nth: 2 },
      do: { kind: 'smtp-reply', reply: '451 4.7.1 Come back later' },
    })
    const { id } = await device.engine.drafts.send(draft.id)
    await sender.reaches(id, 'cleaned')
    const again = mailServer.faults.add({ on: { verb: 'RCPT' }, do: { kind: 'delay-reply', delayMs: 400 } })
    await device.engine.sends.retry(id)
    await expect.poll(() => again.fired, { interval: 10 }).toBe(true)
    await device.engine.sends.cancel(id)
    await settle(device)
    expect(await device.engine.sends.get(id)).toMatchObject({
      status: 'sent',
      recipients: [{ status: 'accepted' }, { status: 'cancelled' }],
    })
    expect(sender.taken('not for all of you')).toBe(1)
  })
})

describe('the server says no', () => {
  test('for good: the draft is a draft again, with the server’s words, and retry keeps the id', async () => {
    await using sender = await openSender()
    const { device, mailServer } = sender
    const draft = await device.create({ text: 'refused at first\n' })
    mailServer.faults.add({ on: { verb: '.' }, do: { kind: 'smtp-reply', reply: '554 5.7.1 No thanks' } })
    const { id } = await device.engine.drafts.send(draft.id)
    const failed = await sender.ends(id)
    expect(failed).toMatchObject({ status: 'failed', attempts: 1, error: { code: 'SMTP_554' } })
    expect(failed.error?.message).toContain('No thanks')
    expect((await device.get(draft.id)).status).toBe('draft')
    expect(sender.sent()).toEqual([])
    await device.engine.sends.retry(id)
    expect(await sender.ends(id)).toMatchObject({ id, status: 'sent', attempts: 2 })
    expect(sender.taken('refused at first')).toBe(1)
  })

  test('for now: it waits, and nobody is asked twice at once', async () => {
    await using sender = await openSender()
    const { device, mailServer } = sender
    const draft = await device.create({ text: 'greylisted\n' })
    mailServer.faults.add({ on: { verb: 'RCPT' }, do: { kind: 'smtp-reply', reply: '451 4.7.1 Come back later' } })
    const before = Date.now()
    const { id } = await device.engine.drafts.send(draft.id)
    const waiting = await sender.reaches(id, 'queued')
    const later = waiting.events.length > 1 ? waiting : await sender.reaches(id, 'queued')
    expect(later.status).toBe('queued')
    await expect.poll(async () => (await device.engine.sends.get(id)).attempts).toBe(1)
    const held = await device.engine.sends.get(id)
    expect(held.nextAttemptAt).toBeGreaterThanOrEqual(before + 60_000)
    expect(held.error).toMatchObject({ code: 'SMTP_451' })
    await device.engine.sends.retry(id)
    expect(await sender.ends(id)).toMatchObject({ status: 'sent' })
    expect(sender.taken('greylisted')).toBe(1)
  })

  test('to one of two: the other has it, and is not sent to again', async () => {
    await using sender = await openSender()
    const { device, mailServer } = sender
    const draft = await device.engine.drafts.create({
      accountId: device.account.id,
      to: ['bob@example.com', 'nobody@example.com'],
      subject: 'Two',
      text: 'for two\n',
    })
    mailServer.faults.add({ on: { verb: 'RCPT', nth: 2 }, do: { kind: 'smtp-reply', reply: '550 5.1.1 No such user' } })
    const { id } = await device.engine.drafts.send(draft.id)
    const record = await sender.ends(id)
    expect(record.status).toBe('sent')
    expect(record.recipients).toMatchObject([
      { address: 'bob@example.com', status: 'accepted' },
      { address: 'nobody@example.com', status: 'refused', reason: { code: 'SMTP_550' } },
    ])
    expect(mailServer.submissions.map(({ envelope }) => envelope.to)).toEqual([['bob@example.com']])
    expect((await device.get(draft.id)).status).toBe('sent')
  })
})
