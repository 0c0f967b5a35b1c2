import { describe, expect, test } from 'vitest'

import { openSender } from './sender.ts'

const hourMs = 3_600_000

describe('a mail that the server holds until its hour', () => {
  test('is sent now and dated then, and undo is too late', async () => {
    await using sender = await openSender({ smtp: { longestHoldSeconds: 86_400 } })
    const { device, mailServer } = sender
    const draft = await device.create({ text: 'for tomorrow\n' })
    const sendAt = Date.now() + 2 * hourMs
    const { id } = await device.engine.drafts.send(draft.id, { sendAt, holdAtServer: true })
    const record = await sender.ends(id)
    const until = Math.ceil(sendAt / 1_000) * 1_000
    expect(record).toMatchObject({ status: 'sent', phase: 'cleaned', attempts: 1, heldUntil: until })
    expect(record.sentAt).toBeLessThan(sendAt)
    expect(mailServer.submissions.map(({ envelope }) => envelope.holdUntilMs)).toEqual([until])
    const text = new TextDecoder().decode(mailServer.submissions[0]?.bytes)
    expect(Date.parse(/^Date: (.*)\r$/m.exec(text)?.[1] ?? '')).toBe(until)
    await expect(device.engine.sends.cancel(id)).rejects.toMatchObject({ code: 'TOO_LATE' })
  })

  test('is held here where nobody asked the server to', async () => {
    await using sender = await openSender({ smtp: { longestHoldSeconds: 86_400 } })
    const draft = await sender.device.create()
    const sendAt = Date.now() + 2 * hourMs
    const record = await sender.device.engine.drafts.send(draft.id, { sendAt })
    expect(record).toMatchObject({ status: 'queued', nextAttemptAt: sendAt, heldUntil: null })
    await sender.device.sync()
    expect(sender.mailServer.submissions).toEqual([])
  })

  test.each([
    { name: 'knows nothing of that', smtp: {}, waitsMs: 2 * hourMs },
    { name: 'holds it for an hour only', smtp: { longestHoldSeconds: 3_600 }, waitsMs: hourMs + 60_000 },
  ])('is held here while the server $name, and can be undone', async ({ smtp, waitsMs }) => {
    await using sender = await openSender({ smtp })
    const { device, mailServer } = sender
    const draft = await device.create()
    const consentedAt = Date.now()
    const sendAt = consentedAt + 2 * hourMs
    const { id } = await device.engine.drafts.send(draft.id, { sendAt, holdAtServer: true })
    await expect.poll(async () => (await device.engine.sends.get(id)).events.at(-1)?.type).toBe('postponed')
    const record = await device.engine.sends.get(id)
    expect(record).toMatchObject({ status: 'queued', phase: 'queued', error: null, attempts: 0, heldUntil: null })
    expect(record.nextAttemptAt).toBe(consentedAt + waitsMs)
    expect(mailServer.submissions).toEqual([])
    await device.engine.sends.cancel(id)
    expect((await device.get(draft.id)).status).toBe('draft')
  })

  test('is held here where the server says that it would, and refuses', async () => {
    await using sender = await openSender({ smtp: { longestHoldSeconds: 86_400 } })
    const { device, mailServer } = sender
    mailServer.faults.add({
      on: { verb: 'MAIL', protocol: 'smtp' },
      do: { kind: 'smtp-reply', reply: '501 5.7.1 Not for you' },
    })
    const draft = await device.create()
    const sendAt = Date.now() + 2 * hourMs
    const { id } = await device.engine.drafts.send(draft.id, { sendAt, holdAtServer: true })
    await expect.poll(async () => (await device.engine.sends.get(id)).events.at(-1)?.type).toBe('postponed')
    expect(await device.engine.sends.get(id)).toMatchObject({ status: 'queued', nextAttemptAt: sendAt })
    // The user's word is for now, and not for that hour.
    await device.engine.sends.retry(id)
    expect(await sender.ends(id)).toMatchObject({ phase: 'cleaned', heldUntil: null })
    expect(mailServer.submissions.map(({ envelope }) => envelope.holdUntilMs)).toEqual([undefined])
  })
})
