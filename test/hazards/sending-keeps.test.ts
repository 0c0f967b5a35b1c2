import { DatabaseSync } from 'node:sqlite'

import { defaultCapabilities, type MailServerOptions } from '@everdraft/mailserver'
import { describe, expect, test } from 'vitest'

import { openSender, type Sender } from '../engine/sender.ts'
import { incompressible, settle } from '../live/harness.ts'

function foreign(subject: string, text: string): string {
  const header = [
    'From: ann@example.org',
    'To: bob@example.com',
    `Subject: ${subject}`,
    `Message-ID: <${text}@example.org>`,
  ]
  return `${header.join('\r\n')}\r\n\r\n${text}\r\n`
}

const likeGmail: Omit<MailServerOptions, 'users'> = {
  capabilities: [...defaultCapabilities.filter((name) => name !== 'REPLACE' && name !== 'CATENATE'), 'X-GM-EXT-1'],
  quirks: { archivesExpunged: true, filesSentCopies: { afterMs: 0, messageId: 'kept' } },
  mailboxes: [
    { name: '[Gmail]/All Mail', specialUse: '\\All' },
    { name: '[Gmail]/Drafts', specialUse: '\\Drafts' },
    { name: '[Gmail]/Sent Mail', specialUse: '\\Sent' },
    { name: '[Gmail]/Trash', specialUse: '\\Trash' },
  ],
}

describe('H08 the clean-up after sending removes the draft’s copies, and nothing else', () => {
  test('what lies in Sent stays there, though it looks like the draft, or is marked', async () => {
    await using sender = await openSender({ without: ['REPLACE'] })
    const { device } = sender
    await device.foreign(async (raw) => {
      await raw.append('Sent', foreign('A letter', 'the-first'), ['\\Seen'])
      await raw.append('Sent', foreign('A letter', 'marked-by-them'), ['\\Deleted'])
      await raw.append('Sent', foreign('A letter', 'a-draft-of-theirs'), ['\\Draft'])
    })
    const draft = await device.create({ text: 'sent beside them\n' })
    await sender.upload()
    await device.engine.drafts.save(draft.id, { text: 'sent beside them, edited\n' })
    await sender.upload()
    const { id } = await device.engine.drafts.send(draft.id)
    await sender.reaches(id, 'cleaned')
    await settle(device)
    expect(sender.texts()).toEqual([])
    const sent = sender.mailServer.mailbox('ann', 'Sent')
    expect(sent.map(({ uid, flags }) => [uid as number, [...flags].filter((flag) => flag !== '\\Recent')])).toEqual([
      [1, ['\\Seen']],
      [2, ['\\Deleted']],
      [3, ['\\Draft']],
      [4, ['\\Seen']],
    ])
    expect(sender.sent()[3]).toContain('sent beside them, edited')
  })

  test('where a message is one thing with labels, the sent one keeps its own, and the draft’s goes for good', async () => {
    await using sender = await openSender(likeGmail, { sentCopyWaitMs: 3_000 })
    const { device, mailServer } = sender
    const draft = await device.create({ text: 'with labels\n' })
    await sender.upload()
    const { id } = await device.engine.drafts.send(draft.id)
    await sender.reaches(id, 'cleaned')
    await settle(device)
    const texts = ['Drafts', 'Sent Mail', 'All Mail', 'Trash'].map((name) =>
      mailServer.mailbox('ann', `[Gmail]/${name}`).map(({ bytes }) => new TextDecoder().decode(bytes)),
    )
    expect(texts.map(({ length }) => length)).toEqual([0, 1, 1, 0])
    expect(texts[2]).toEqual(texts[1])
    expect(texts[1]?.[0]).not.toMatch(/x-everdraft/i)
  })
})

interface Piece {
  readonly body_id: number
  readonly start: number
  readonly bytes: Uint8Array
}

/** Takes the last piece of what the store holds in several away. The function that puts it back. */
async function losePiece({ device }: Sender, choice: 'oldest' | 'newest'): Promise<() => Promise<void>> {
  await device.engine.close()
  const order = choice === 'oldest' ? 'asc' : 'desc'
  const file = `${device.file}-attachments`
  const find = `select * from piece where start > 0 order by body_id ${order}, start desc limit 1`
  const raw = new DatabaseSync(file)
  const lost = raw.prepare(find).get() as unknown as Piece
  expect(lost.bytes.length).toBeGreaterThan(0)
  raw.prepare('delete from piece where body_id = ? and start = ?').run(lost.body_id, lost.start)
  raw.close()
  await device.restart()
  return async () => {
    await device.engine.close()
    const again = new DatabaseSync(file)
    again
      .prepare('insert into piece (body_id, start, bytes) values (?, ?, ?)')
      .run(lost.body_id, lost.start, lost.bytes)
    again.close()
    await device.restart()
  }
}

describe('H14 a mail whose attachment is not here in whole is not sent', () => {
  test('a piece of it is lost after the consent: it waits and says why, and goes whole when it is there again', async () => {
    await using sender = await openSender()
    const { device, mailServer } = sender
    const draft = await device.create({ text: 'with a file\n' })
    const file = incompressible(700_000)
    await device.attach(draft.id, file)
    const { id } = await device.engine.drafts.send(draft.id, { undoMs: 60_000 })
    const putBack = await losePiece(sender, 'oldest')
    await device.engine.sends.retry(id)
    await expect.poll(async () => (await device.engine.sends.get(id)).error?.code).toBe('STORAGE_ERROR')
    expect(await device.engine.sends.get(id)).toMatchObject({ status: 'queued', attempts: 0 })
    expect(mailServer.submissions).toEqual([])
    await putBack()
    await device.engine.sends.retry(id)
    await device.sync()
    expect(await sender.ends(id)).toMatchObject({ status: 'sent', error: null })
    const [mail, ...others] = mailServer.submissions
    expect(others).toEqual([])
    expect(
      Buffer.from(mail?.bytes ?? [])
        .toString('latin1')
        .replaceAll('\r\n', ''),
    ).toContain(Buffer.from(file).toString('base64'))
  })

  test('a piece of the frozen bytes is lost: the dot is never said, whatever went before', async () => {
    await using sender = await openSender()
    const { device, mailServer } = sender
    const draft = await device.create({ text: 'to be sent again\n' })
    await device.attach(draft.id, incompressible(700_000))
    mailServer.faults.add({ on: { verb: '.' }, do: { kind: 'cut', by: 'rst' } })
    const { id } = await device.engine.drafts.send(draft.id)
    expect(await sender.ends(id)).toMatchObject({ status: 'unknown' })
    const putBack = await losePiece(sender, 'newest')
    await device.engine.sends.resolve(id, 'send_again')
    await expect.poll(async () => (await device.engine.sends.get(id)).error?.code).toBe('STORAGE_ERROR')
    await device.sync()
    expect((await device.engine.sends.get(id)).events.filter(({ type }) => type === 'dot-marked')).toHaveLength(1)
    expect(mailServer.submissions).toEqual([])
    await putBack()
    await device.sync()
    expect(await sender.ends(id)).toMatchObject({ status: 'sent' })
    expect(sender.taken('to be sent again')).toBe(1)
  })
})

describe('H27 one copy in Sent, as a server files it late', () => {
  test.for([
    { afterMs: 5_000, name: '5 s' },
    { afterMs: 60_000, name: '60 s' },
  ])('$name after it was taken', async ({ afterMs }) => {
    let aheadMs = 0
    const clock = (): number => Date.now() + aheadMs
    const timing = { sentCopyWaitMs: 10_000, sentCopyLookAgainMs: 120_000 }
    await using sender = await openSender({ without: ['CATENATE'] }, timing, { environment: { now: clock } })
    const { device } = sender
    const draft = await device.create({ text: 'filed late\n' })
    const { id } = await device.engine.drafts.send(draft.id)
    await sender.reaches(id, 'accepted')
    let isFiled = false
    for (let secondMs = 0; secondMs <= 180_000; secondMs += 5_000) {
      if (secondMs >= afterMs && !isFiled) {
        isFiled = true
        const [mail] = sender.mailServer.submissions
        await device.foreign((raw) => raw.append('Sent', Buffer.from(mail!.bytes).toString('latin1'), ['\\Seen']))
      }
      await device.sync()
      aheadMs += 5_000
    }
    await settle(device)
    expect(await device.engine.sends.get(id)).toMatchObject({ status: 'sent', phase: 'cleaned' })
    expect(sender.sent()).toHaveLength(1)
    expect(sender.taken('filed late')).toBe(1)
  })
})

describe('H32 "send again" is the same send', () => {
  test('after a refusal, and again: one record, one id, and one mail in the end', async () => {
    await using sender = await openSender()
    const { device, mailServer } = sender
    const draft = await device.create({ text: 'again and again\n' })
    const fault = mailServer.faults.add({
      on: { verb: 'RCPT', times: 'always' },
      do: { kind: 'smtp-reply', reply: '550 5.1.1 Nobody' },
    })
    const { id, messageId } = await device.engine.drafts.send(draft.id)
    for (let tries = 1; tries <= 3; tries += 1) {
      expect(await sender.ends(id)).toMatchObject({ id, status: 'failed', attempts: tries, messageId })
      expect((await device.get(draft.id)).status).toBe('draft')
      if (tries === 3) fault.remove()
      // Pressed twice, as people do.
      await Promise.allSettled([device.engine.sends.retry(id), device.engine.sends.retry(id)])
      await sender.reaches(id, 'failed', 'cleaned')
      await device.sync()
    }
    expect(await sender.reaches(id, 'cleaned')).toMatchObject({ id, status: 'sent', messageId })
    expect((await device.engine.sends.list({})).total).toBe(1)
    expect(sender.taken('again and again')).toBe(1)
    expect(sender.sent()).toHaveLength(1)
    await expect(device.engine.sends.retry(id)).rejects.toMatchObject({ code: 'TOO_LATE' })
  })
})
