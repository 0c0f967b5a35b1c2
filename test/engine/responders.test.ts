import { randomBytes } from 'node:crypto'
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createEngine, type Responder, type Umid } from '@everdraft/core'
import { imap } from '@everdraft/mail'
import { defaultCapabilities } from '@everdraft/mailserver'
import { keyFile, sqlite } from '@everdraft/sqlite'
import { describe, expect, onTestFinished, test } from 'vitest'

import { settle } from '../live/harness.ts'
import { mail, openAnswering, thanks } from './answering-device.ts'
import { openSender } from './sender.ts'

const second = (fields: Parameters<typeof mail>[0] = {}) =>
  mail({
    messageId: '<second@example.com>',
    inReplyTo: '<first@example.com>',
    references: '<first@example.com>',
    ...fields,
  })

const image = (id: string, bytes: Buffer): readonly string[] => [
  '--related',
  'Content-Type: image/png',
  `Content-ID: <${id}>`,
  'Content-Transfer-Encoding: base64',
  '',
  bytes.toString('base64').replaceAll(/.{76}/g, '$&\r\n'),
]

const retrying = { firstBackOffMs: 1, longestBackOffMs: 2 }

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
    await answering.arrives(one, second({ subject: 'new' }))
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

describe('a conversation that goes on', () => {
  test('supersedes the draft that nobody has touched: its copy goes, and a new one is there', async () => {
    await using answering = await openAnswering()
    await answering.arrives(mail({ messageId: '<first@example.com>' }))
    await answering.settle()
    await answering.arrives(second({ subject: 'Re: Prices, again' }))
    await answering.settle()
    const [first, next] = await answering.outcomes()
    expect(first).toMatchObject({ status: 'superseded', superseded: { by: next!.messageId, isKept: false } })
    expect(next).toMatchObject({ status: 'draft_created', conversationId: first!.conversationId })
    expect((await answering.device.get(first!.messageId)).status).toBe('discarded')
    expect(answering.texts()).toHaveLength(1)
    expect(answering.texts()[0]).toContain('Prices, again')
    const told = answering.device.events.filter(({ type }) => type === 'outcome.superseded')
    expect(told).toMatchObject([{ draftId: first!.messageId, by: next!.messageId, isKept: false }])
  })

  test('is the one that the server says it is, where it says so', async () => {
    await using answering = await openAnswering({ server: { capabilities: [...defaultCapabilities, 'X-GM-EXT-1'] } })
    await answering.arrives(mail())
    await answering.settle()
    expect((await answering.outcomes())[0]!.conversationId).toMatch(/^thread:\d+$/)
  })

  test('tells the responder what came before', async () => {
    await using answering = await openAnswering()
    await answering.arrives(mail({ messageId: '<first@example.com>' }))
    await answering.settle()
    await answering.arrives(second({ text: 'And two of them?' }))
    await answering.settle()
    expect(answering.asked[1]!.conversation).toMatchObject([
      { kind: 'received', messageId: '<first@example.com>', text: 'What does it cost?' },
      { kind: 'draft', messageId: null, text: 'Thank you for “Prices”.' },
    ])
  })

  test('leaves a draft in which a person has written: both stay, and the outcome says so', async () => {
    await using answering = await openAnswering()
    await answering.arrives(mail({ messageId: '<first@example.com>' }))
    await answering.settle()
    const [first] = await answering.drafts()
    await answering.device.engine.drafts.save(first!.id, { text: 'My own words.\n' }, { by: 'user' })
    await answering.arrives(second())
    await answering.settle()
    expect((await answering.outcomes())[0]).toMatchObject({ status: 'superseded', superseded: { isKept: true } })
    expect(answering.texts()).toHaveLength(2)
    expect(answering.texts().some((text) => text.includes('My own words.'))).toBe(true)
  })

  for (const { what, isKnown } of [
    { what: 'and that was seen', isKnown: true },
    { what: 'also where that comes to light only afterwards', isKnown: false },
  ]) {
    test(`leaves one that another program has edited, ${what}`, async () => {
      await using answering = await openAnswering()
      const { device } = answering
      const { engine, account } = device
      await answering.arrives(mail({ messageId: '<first@example.com>' }))
      await answering.settle()
      const [copy] = await device.drafts()
      await device.foreign(async (raw) => {
        await raw.append('Drafts', copy!.bytes.toString('latin1').replace('Thank you', 'No thanks'), ['\\Draft'])
        await raw.markDeleted('Drafts', [copy!.uid])
        await raw.expunge('Drafts')
      })
      await answering.arrives(second())
      // It looks into INBOX, and not into Drafts.
      if (!isKnown) await engine.responders.set(account.id, { module: 'test' })
      await expect
        .poll(async () => isKnown || (await answering.outcomes()).length === 2, { timeout: 10_000 })
        .toBe(true)
      await answering.settle()
      expect((await answering.outcomes())[0]).toMatchObject({ status: 'superseded', superseded: { isKept: true } })
      expect(answering.texts()).toHaveLength(2)
      expect(answering.texts().some((text) => text.includes('No thanks'))).toBe(true)
    })
  }

  test('leaves one that somebody has open', async () => {
    await using answering = await openAnswering()
    await answering.arrives(mail({ messageId: '<first@example.com>' }))
    await answering.settle()
    const [first] = await answering.drafts()
    const composer = answering.device.engine.drafts.open(first!.id)
    await answering.arrives(second())
    await answering.settle()
    expect(await answering.drafts()).toHaveLength(2)
    await composer.close()
  })

  test('was answered a moment ago: nothing is drafted until the cool-down is over', async () => {
    await using answering = await openAnswering({ input: { cooldownMs: 3_600_000 } })
    await answering.arrives(mail({ messageId: '<first@example.com>' }))
    await answering.settle()
    const [first] = await answering.drafts()
    const { id } = await answering.device.engine.drafts.send(first!.id)
    await answering.reaches(id, 'cleaned')
    await answering.arrives(second(), mail({ subject: 'another one' }))
    await answering.settle()
    expect(answering.asked.map(({ message }) => message.subject)).toEqual(['Prices', 'another one'])
  })
})

describe('a responder', () => {
  test('H36 that fails for one mail for good keeps no other waiting: it is parked with its reason, and tried when asked', async () => {
    const well = { now: false }
    const answer: Responder = (request, options) => {
      if (request.message.subject === 'poison' && !well.now) throw new RangeError('with words of the mail')
      return thanks(request, options)
    }
    await using answering = await openAnswering({ answer, timing: retrying })
    const { engine, account, events } = answering.device
    await answering.arrives(mail({ subject: 'poison' }), mail({ subject: 'good' }))
    await answering.device.sync()
    await expect.poll(() => events.some(({ type }) => type === 'task-parked'), { timeout: 10_000 }).toBe(true)
    expect(await answering.outcomes()).toHaveLength(1)
    const parked = (await engine.tasks.list(account.id)).items.find(({ state }) => state === 'parked')
    expect(parked).toMatchObject({
      kind: 'responder_answer',
      lastError: { code: 'RESPONDER_THREW', message: 'it threw RangeError' },
    })
    expect(answering.asked.filter(({ message }) => message.subject === 'poison')).toHaveLength(12)
    well.now = true
    await engine.tasks.retry(account.id, parked!.id)
    await expect.poll(() => answering.outcomes()).toHaveLength(2)
  })

  test('that hangs is not waited for longer than it may take, and its late answer is none', async () => {
    const late = Promise.withResolvers<null>()
    let calls = 0
    await using answering = await openAnswering({
      input: { timeoutMs: 1_000 },
      timing: retrying,
      answer: async (request, options) => {
        calls += 1
        if (calls > 1) return { text: 'In time.' }
        await late.promise
        return await thanks(request, options)
      },
    })
    await answering.arrives(mail())
    await answering.device.sync()
    await expect.poll(() => answering.outcomes(), { timeout: 5_000 }).toHaveLength(1)
    late.resolve(null)
    await answering.settle()
    expect(await answering.outcomes()).toMatchObject([{ draftBody: 'In time.' }])
  })

  test('whose module is not there parks the mail, which is answered once it is', async () => {
    await using answering = await openAnswering({ input: { module: 'other' } })
    const { engine, account } = answering.device
    await answering.arrives(mail())
    await answering.device.sync()
    const { items } = await engine.tasks.list(account.id)
    expect(items.find(({ kind }) => kind === 'responder_answer')).toMatchObject({
      state: 'parked',
      lastError: { code: 'RESPONDER_NOT_THERE', message: 'there is no responder other' },
    })
    await engine.responders.set(account.id, { module: 'test' })
    await answering.settle()
    expect(await answering.outcomes()).toHaveLength(1)
  })

  test('that is removed leaves nothing of its mails in the queue, and the next one does not answer them', async () => {
    await using answering = await openAnswering({ input: { module: 'other' } })
    const { engine, account } = answering.device
    await answering.arrives(mail())
    await answering.device.sync()
    await engine.responders.remove(account.id)
    await answering.settle()
    expect((await engine.tasks.list(account.id)).items.map(({ kind }) => kind)).toEqual(['mailbox_sync'])
    await engine.responders.set(account.id, { module: 'test' })
    await answering.settle()
    expect(answering.asked).toEqual([])
  })

  test('has a secret that lies in the store only sealed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'everdraft-sealed-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    await using answering = await openAnswering({ engine: { secrets: keyFile(join(folder, 'key')) } })
    const { engine, account, file } = answering.device
    const { secret } = await engine.responders.set(account.id, { url: 'https://hooks.example.com/' })
    expect(secret).toMatch(/^whsec_/)
    const stored = await Promise.all([file, `${file}-wal`].map((path) => readFile(path)))
    expect(stored.some((bytes) => bytes.includes('hooks.example.com'))).toBe(true)
    expect(stored.some((bytes) => bytes.includes(secret!))).toBe(false)
    expect((await engine.responders.set(account.id, { url: 'https://hooks.example.com/' })).secret).toBeNull()
  })

  test('that writes more than it may within an hour waits with the rest', async () => {
    await using answering = await openAnswering({ input: { hourlyLimit: 2 } })
    const { engine, account } = answering.device
    await answering.arrives(mail(), mail(), mail())
    await answering.settle()
    expect(await answering.outcomes()).toHaveLength(2)
    const { items } = await engine.tasks.list(account.id)
    const waiting = items.filter(({ kind }) => kind === 'responder_answer')
    expect(waiting).toMatchObject([{ state: 'waiting' }])
    expect(waiting[0]!.nextRunAt).toBeGreaterThan(Date.now() + 3_500_000)
  })

  test('is asked about several conversations at once, and within one about one mail after the other', async () => {
    const running = new Set<string>()
    const together: number[] = []
    let open = 6
    const all = Promise.withResolvers<void>()
    const responder: Responder = async ({ message }) => {
      const [conversation = ''] = message.references.length === 0 ? [message.messageId ?? ''] : message.references
      expect(running).not.toContain(conversation)
      running.add(conversation)
      together.push(running.size)
      open -= 1
      if (running.size === 3 || open === 0) all.resolve()
      await all.promise
      running.delete(conversation)
      return { text: `About ${message.subject}` }
    }
    await using answering = await openAnswering({ answer: responder })
    const roots = [1, 2, 3].map((one) => `<${one}@example.com>`)
    await answering.arrives(...roots.map((messageId) => mail({ messageId, subject: `first of ${messageId}` })))
    await answering.arrives(...roots.map((id) => mail({ inReplyTo: id, references: id, subject: `second of ${id}` })))
    await answering.settle()
    expect(Math.max(...together)).toBe(3)
    expect(await answering.drafts()).toHaveLength(3)
    const outcomes = await answering.outcomes()
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual([
      ...Array.from({ length: 3 }, () => 'draft_created'),
      ...Array.from({ length: 3 }, () => 'superseded'),
    ])
    const latest = outcomes.filter(({ status }) => status === 'draft_created')
    expect(latest.every(({ draftSubject }) => draftSubject.includes('second'))).toBe(true)
  })

  test('that is asked about several at once writes no more than it may within an hour', async () => {
    const asked = Promise.withResolvers<void>()
    let count = 0
    const responder: Responder = async () => {
      count += 1
      if (count === 3) asked.resolve()
      await asked.promise
      return { text: 'An answer.' }
    }
    await using answering = await openAnswering({ answer: responder, input: { hourlyLimit: 1 } })
    await answering.arrives(...[1, 2, 3].map((one) => mail({ messageId: `<${one}@example.com>` })))
    await answering.device.sync()
    await expect.poll(async () => (await answering.outcomes()).length, { timeout: 10_000 }).toBe(1)
    const { engine, account } = answering.device
    await expect
      .poll(async () => (await engine.tasks.list(account.id)).items.filter(({ kind }) => kind === 'responder_answer'))
      .toMatchObject([{ state: 'waiting' }, { state: 'waiting' }])
    expect(await answering.outcomes()).toHaveLength(1)
  })

  test('is left to the program that has it: another one on the same store asks nobody, and loses no mail', async () => {
    await using answering = await openAnswering()
    const { device } = answering
    await answering.arrives(mail())
    await device.engine.close()
    {
      await using other = await createEngine({ storage: sqlite(device.file), mailbox: imap(), watch: false })
      expect(await other.sync(device.account.id, { waitMs: 10_000 })).toMatchObject({ settled: true, errors: [] })
      expect((await other.outcomes.list({ accountId: device.account.id })).total).toBe(0)
    }
    await device.restart()
    await answering.settle()
    expect(await answering.outcomes()).toHaveLength(1)
  })

  test('asks about nothing that came before a store was put back from a backup: it may have been answered', async () => {
    await using answering = await openAnswering()
    const { device } = answering
    const backup = `${device.file}.backup`
    await device.engine.backup(backup)
    const { store } = answering.mailServer
    // The clock of a mailbox counts whole seconds.
    const lately = mail({ date: new Date().toUTCString().replace('GMT', '+0000') })
    const before = { flags: [], internalDateMs: Date.now() - 1_000 }
    store.append(store.find('ann', 'INBOX')!, { bytes: Buffer.from(lately), ...before })
    await answering.settle()
    await device.engine.close()
    await Promise.all(['-wal', '-shm'].map((ending) => rm(`${device.file}${ending}`, { force: true })))
    await copyFile(backup, device.file)
    await device.restart()
    await answering.settle()
    expect(answering.asked).toHaveLength(1)
    // That the lost store has made is here again, as a draft of another device.
    expect(answering.texts()).toHaveLength(1)
    expect(await answering.drafts()).toHaveLength(1)
    await answering.arrives(mail({ subject: 'from now on' }))
    await answering.settle()
    expect(answering.asked.map(({ message }) => message.subject)).toEqual(['Prices', 'from now on'])
  })

  test('may send by itself where that is wanted: once, and marked as written by a program', async () => {
    await using answering = await openAnswering({ engine: { draftOnly: false } })
    await answering.arrives(mail({ messageId: '<first@example.com>' }))
    await answering.settle()
    await expect.poll(() => answering.taken('Thank you for')).toBe(1)
    const [submission] = answering.mailServer.submissions
    expect(Buffer.from(submission!.bytes).toString()).toContain('Auto-Submitted: auto-replied\r\n')
    const [outcome] = await answering.outcomes()
    const status = async (id: Umid) => (await answering.device.get(id)).status
    await expect.poll(() => status(outcome!.messageId)).toBe('sent')
    await answering.arrives(second())
    await answering.settle()
    // RFC 3834 §2: two programs do not answer each other for ever.
    expect(answering.asked).toHaveLength(1)
    expect(answering.texts()).toEqual([])
  })
})
