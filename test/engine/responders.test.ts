import { randomBytes } from 'node:crypto'

import { describe, expect, test } from 'vitest'

import { settle } from '../live/harness.ts'
import { mail, openAnswering, second, thanks } from './answering-device.ts'
import { openSender } from './sender.ts'

const image = (id: string, bytes: Buffer): readonly string[] => [
  '--related',
  'Content-Type: image/png',
  `Content-ID: <${id}>`,
  'Content-Transfer-Encoding: base64',
  '',
  bytes.toString('base64').replaceAll(/.{76}/g, '$&\r\n'),
]

describe('a mail that comes into INBOX', () => {
  test('is answered by a draft on the server, in its thread and with a quote, and INBOX is as it was', async () => {
    await using answering = await openAnswering({
      input: { scenario: 'thanks' },
      answer: () => ({ text: 'It costs 3 €.\n', metadata: { model: 'x' } }),
    })
    const date = 'Thu, 01 Jan 2026 12:00:00 +0000'
    await answering.arrives(mail({ messageId: '<question@example.com>', references: '<root@example.com>', date }))
    await answering.settle()
    const [draft] = await answering.drafts()
    const { text } = await answering.device.get(draft!.id)
    expect(text).toBe('It costs 3 €.\n\nOn 2026-01-01 12:00 UTC, Bob Example wrote:\n> What does it cost?\n')
    expect(draft).toMatchObject({
      subject: 'Re: Prices',
      from: { address: 'ann@example.org' },
      to: [{ address: 'bob@example.com', name: 'Bob Example' }],
      inReplyTo: '<question@example.com>',
      references: ['<root@example.com>', '<question@example.com>'],
      metadata: { model: 'x' },
      sync: { state: 'synchronized' },
    })
    expect(answering.texts()).toHaveLength(1)
    expect(await answering.outcomes()).toMatchObject([
      {
        messageId: draft!.id,
        conversationId: '<root@example.com>',
        replyToMessageId: '<question@example.com>',
        scenario: 'thanks',
        draftSubject: 'Re: Prices',
        draftBody: 'It costs 3 €.\n',
        finalBody: text,
        metadata: { model: 'x' },
        status: 'draft_created',
        verdict: 'pending',
      },
    ])
    const inbox = await answering.device.foreign((raw) => raw.listMessages('INBOX'))
    expect(inbox.flatMap(({ flags }) => flags).filter((flag) => flag.toLowerCase() !== '\\recent')).toEqual([])
    await answering.settle()
    expect(answering.asked).toHaveLength(1)
  })

  test('is answered once, whoever copies it, and whatever becomes of its UID', async () => {
    await using answering = await openAnswering()
    const one = mail({ messageId: '<first@example.com>' })
    await answering.arrives(one, one, one)
    await answering.settle()
    await answering.comeBackEmpty()
    const date = new Date().toUTCString().replace('GMT', '+0000')
    await answering.arrives(one, second({ subject: 'new', date }))
    await answering.settle()
    expect(answering.asked.map(({ message }) => message.subject)).toEqual(['Prices', 'new'])
    expect(await answering.outcomes()).toHaveLength(2)
  })

  test('before there was a responder, or after it was removed, is left alone', async () => {
    await using answering = await openAnswering()
    const { engine, account } = answering.device
    await engine.responders.remove(account.id)
    const { store } = answering.mailServer
    const inbox = store.find('ann', 'INBOX')!
    // The clock of a mailbox counts whole seconds.
    store.append(inbox, { bytes: Buffer.from(mail()), flags: [], internalDateMs: Date.now() - 1_000 })
    await answering.settle()
    await engine.responders.set(account.id, { module: 'test' })
    await answering.arrives(mail({ subject: 'from now on' }))
    await answering.settle()
    expect(answering.asked.map(({ message }) => message.subject)).toEqual(['from now on'])
  })

  test('is left alone where somebody has moved it there that came long ago', async () => {
    await using answering = await openAnswering()
    const { store } = answering.mailServer
    const old = Date.now() - 40 * 24 * 3_600_000
    store.append(store.find('ann', 'INBOX')!, { bytes: Buffer.from(mail()), flags: [], internalDateMs: old })
    await answering.arrives(mail({ subject: 'new, of an author whose clock is wrong' }))
    await answering.settle()
    expect(answering.asked.map(({ message }) => message.subject)).toEqual(['new, of an author whose clock is wrong'])
  })

  test('that came while nothing ran is found at the next start', async () => {
    await using answering = await openAnswering()
    await answering.device.engine.close()
    const subjects = Array.from({ length: 7 }, (_, n) => `mail ${n}`)
    await answering.arrives(
      ...subjects.map((subject) => mail({ subject })),
      mail({ more: 'Precedence: bulk\r\n' }),
      // What stands in the text is no field of the header.
      mail({ subject: 'mail 7', text: 'Auto-Submitted: auto-replied' }),
    )
    await answering.device.restart()
    await answering.settle()
    expect(answering.asked.map(({ message }) => message.subject)).toEqual([...subjects, 'mail 7'])
    expect(await answering.outcomes()).toHaveLength(8)
  })

  test.for([
    ['a program', { more: 'Auto-Submitted: auto-replied\r\n' }],
    ['a list', { more: 'List-Id: <talk.example.com>\r\n' }],
    ['somebody who takes no answer', { from: 'no-reply@example.com' }],
    ['a mail system', { more: 'Return-Path: <>\r\n' }],
    ['ourselves', { from: 'Ann <ann@example.org>' }],
    ['nobody', { from: 'undisclosed-recipients:;' }],
  ] as const)('from %s is not answered', async ([, fields]) => {
    await using answering = await openAnswering()
    await answering.arrives(mail(fields), mail({ subject: 'a person' }))
    await answering.settle()
    expect(answering.asked.map(({ message }) => message.subject)).toEqual(['a person'])
  })

  test('is filtered by what its header says, decoded', async () => {
    await using answering = await openAnswering({
      input: { filters: { subject: ['*größe*'], headers: { 'X-Team': ['sales'] } } },
    })
    await answering.arrives(
      mail({ subject: '=?utf-8?Q?Welche_Gr=C3=B6=C3=9Fe?=', more: 'X-Team: sales\r\n' }),
      mail({ subject: '=?utf-8?Q?Welche_Gr=C3=B6=C3=9Fe?=' }),
      mail({ more: 'X-Team: sales\r\n' }),
    )
    await answering.settle()
    expect(answering.asked.map(({ message }) => message.subject)).toEqual(['Welche Größe'])
  })

  test('without a Message-ID, of the same words, each by itself', async () => {
    await using answering = await openAnswering()
    await answering.arrives(mail({ messageId: null }), mail({ messageId: null }))
    await answering.settle()
    const outcomes = await answering.outcomes()
    expect(outcomes).toMatchObject([{ replyToMessageId: null }, { replyToMessageId: null }])
    expect(outcomes.every(({ status }) => status === 'draft_created')).toBe(true)
  })

  test('of an author that writes one Message-ID into every mail, each by itself', async () => {
    await using answering = await openAnswering()
    await answering.arrives(
      mail({ messageId: '<constant@example.com>' }),
      mail({ messageId: '<constant@example.com>' }),
    )
    await answering.settle()
    expect(answering.asked).toHaveLength(2)
  })

  test('that is malformed is answered, as far as it can be read', async () => {
    await using answering = await openAnswering()
    await answering.arrives(
      'From: bob@example.com\r\nSubject: =?utf-8?B?!!!?=\r\nDate: yesterday\r\nMessage-ID: broken\r\nContent-Type: multipart/mixed; boundary=\r\n\r\n--\r\n\xff\r\n',
      'From: carla@example.com',
    )
    await answering.settle()
    expect((await answering.outcomes()).length).toBe(2)
    expect(answering.texts()).toHaveLength(2)
  })

  test('with a small picture in its words shows it in the quote, and tells of a large one what it was', async () => {
    await using answering = await openAnswering({ answer: () => ({ text: 'Nice.', html: '<p>Nice.</p>' }) })
    const small = randomBytes(3_000)
    const parts = [
      '--related',
      'Content-Type: text/html; charset=utf-8',
      '',
      '<p>Look: <img src="cid:small@example.com"> <img alt="the whole map" src="cid:large@example.com"></p>',
      ...image('small@example.com', small),
      ...image('large@example.com', randomBytes(80_000)),
      '--related--',
    ]
    const [head = ''] = mail().split('Content-Type:')
    await answering.arrives(
      `${head}MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=related\r\n\r\n${parts.join('\r\n')}\r\n`,
    )
    await answering.settle()
    const [item] = await answering.drafts()
    const { engine } = answering.device
    const draft = await engine.drafts.get(item!.id)
    expect(draft.html).toContain('[the whole map]')
    expect(draft.html).toContain('"cid:small@example.com"')
    expect(draft.attachments).toMatchObject([{ contentId: 'small@example.com', contentType: 'image/png', size: 3_000 }])
    const { content } = await engine.drafts.readAttachment(draft.id, draft.attachments[0]!.id)
    const pieces: Uint8Array[] = []
    for await (const piece of content) pieces.push(piece)
    expect(Buffer.concat(pieces)).toEqual(small)
    expect(answering.texts()[0]).toContain('Content-ID: <small@example.com>')
  })

  test('of 40 MB is not brought here for it: its words are', { timeout: 30_000 }, async () => {
    await using answering = await openAnswering()
    const big = mail({ text: 'What of this?\r\n' }).replace(
      'Content-Type: text/plain; charset=utf-8\r\n\r\n',
      'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=cut\r\n\r\n--cut\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n',
    )
    const file = randomBytes(30 * 2 ** 20)
      .toString('base64')
      .replaceAll(/.{76}/g, '$&\r\n')
    await answering.arrives(
      `${big}--cut\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n${file}\r\n--cut--\r\n`,
      mail({ text: `begin ${'long '.repeat(200_000)}` }),
    )
    const before = answering.device.proxy.bytes.toClient
    await answering.settle()
    expect(answering.asked[0]!.message.text.trim()).toBe('What of this?')
    expect(answering.asked[1]!.message.text).toMatch(/^begin long/)
    expect(answering.asked[1]!.message.text.length).toBeLessThanOrEqual(256 * 1024)
    expect(answering.device.proxy.bytes.toClient - before).toBeLessThan(2 * 2 ** 20)
  })
})

describe('an INBOX that is listened to', () => {
  const quick = { firstBackOffMs: 20, longestOfflineBackOffMs: 50 }

  test('says at once that a mail is there, over a connection of its own, and again after that was lost', async () => {
    await using answering = await openAnswering({ engine: { watch: true }, timing: quick })
    const { device } = answering
    await answering.arrives(mail())
    await expect.poll(() => answering.texts(), { timeout: 5_000 }).toHaveLength(1)
    expect(device.proxy.connections.filter(({ open }) => open)).toHaveLength(2)
    device.proxy.refuse()
    device.proxy.cutAll('rst')
    await answering.arrives(mail())
    device.proxy.accept()
    await expect.poll(() => answering.texts(), { timeout: 5_000 }).toHaveLength(2)
    await answering.arrives(mail())
    await expect.poll(() => answering.texts(), { timeout: 5_000 }).toHaveLength(3)
  })

  test('is looked into by rounds where no second connection is let in, and nothing else suffers from that', async () => {
    await using sender = await openSender({}, quick, { watch: true, responders: { modules: { test: thanks } } })
    const { device } = sender
    const { engine, account } = device
    await settle(device)
    device.proxy.refuse()
    await engine.responders.set(account.id, { module: 'test' })
    await device.foreign((raw) => raw.append('INBOX', mail()))
    await settle(device)
    expect(sender.texts()).toHaveLength(1)
    expect((await engine.accounts.get(account.id)).lastError).toBeNull()
    device.proxy.accept()
    await device.foreign((raw) => raw.append('INBOX', mail()))
    await expect.poll(() => sender.texts(), { timeout: 5_000 }).toHaveLength(2)
  })

  test('is listened to no more once the responder is gone', async () => {
    await using answering = await openAnswering({ engine: { watch: true }, timing: quick })
    const { device } = answering
    await answering.arrives(mail())
    await expect.poll(() => answering.outcomes(), { timeout: 5_000 }).toHaveLength(1)
    await device.engine.responders.remove(device.account.id)
    await expect.poll(() => device.proxy.connections.filter(({ open }) => open).length).toBe(1)
  })
})
