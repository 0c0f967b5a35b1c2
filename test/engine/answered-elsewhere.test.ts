import type { Responder } from '@everdraft/core'
import { createMailServer, type MailServer } from '@everdraft/mailserver'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { type Device, openDevice, settle } from '../live/harness.ts'
import { type AnsweringDevice, mail, openAnswering } from './answering-device.ts'

const question = '<question@example.com>'
const byHand = (fields: Parameters<typeof mail>[0] = {}): string =>
  mail({
    from: 'ann@example.org',
    to: 'bob@example.com',
    subject: 'Re: Prices',
    inReplyTo: question,
    text: 'By hand.',
    ...fields,
  })

async function isSent({ device }: AnsweringDevice, raw: string): Promise<void> {
  await device.foreign((server) => server.append('Sent', raw, ['\\Seen']))
}

describe('a mail that a person has answered by hand', () => {
  test('before it was found gets no draft: nobody is asked', async () => {
    await using answering = await openAnswering()
    await isSent(answering, byHand())
    await answering.arrives(mail({ messageId: question }), mail({ subject: 'another' }))
    await answering.settle()
    expect(answering.asked.map(({ message }) => message.subject)).toEqual(['another'])
    expect(answering.texts()).toHaveLength(1)
  })

  test('by a program that writes References alone, likewise', async () => {
    await using answering = await openAnswering()
    const fields = { references: `<root@example.com> ${question}` }
    await isSent(answering, byHand(fields).replace(/In-Reply-To: .*\r\n/, ''))
    await answering.arrives(mail({ messageId: question }))
    await answering.settle()
    expect(answering.asked).toEqual([])
  })

  test('is another one than that which was passed on: that one is answered', async () => {
    await using answering = await openAnswering()
    await isSent(answering, byHand({ to: 'carla@example.com', subject: 'Fwd: Prices' }))
    await answering.arrives(mail({ messageId: question }))
    await answering.settle()
    expect(answering.asked).toHaveLength(1)
  })

  test('and whose program says so by a flag, likewise', async () => {
    await using answering = await openAnswering()
    await answering.device.foreign((raw) => raw.append('INBOX', mail({ messageId: question }), ['\\Answered']))
    await answering.settle()
    expect(answering.asked).toEqual([])
  })

  test('while the responder was being asked: its answer is not stored', async () => {
    const asked = Promise.withResolvers<void>()
    const answer = Promise.withResolvers<void>()
    const responder: Responder = async ({ message }) => {
      asked.resolve()
      if (message.messageId === question) await answer.promise
      return { text: 'Too late.' }
    }
    await using answering = await openAnswering({ answer: responder })
    const { engine, account } = answering.device
    await answering.arrives(mail({ messageId: question }))
    const round = answering.device.sync()
    await asked.promise
    await isSent(answering, byHand())
    // A look into INBOX while it is asked: it says what Sent holds, too.
    await lookAgain(answering)
    answer.resolve()
    await round
    await answering.settle()
    expect(await answering.drafts()).toEqual([])
    expect(await answering.outcomes()).toEqual([])
    const { items } = await engine.tasks.list(account.id)
    expect(items.filter(({ kind }) => kind === 'responder_answer')).toEqual([])
  })

  test('while it waits for its turn gets no draft either, and goes on where the last look was', async () => {
    let isThere = false
    const responder: Responder = ({ message }) => {
      if (!isThere) throw new Error('not yet')
      return { text: `About ${message.subject}` }
    }
    const timing = { firstBackOffMs: 1, longestBackOffMs: 2 }
    await using answering = await openAnswering({ answer: responder, timing })
    await answering.arrives(mail({ messageId: question }), mail({ subject: 'another' }))
    await answering.device.sync()
    await isSent(answering, mail({ from: 'ann@example.org', inReplyTo: '<nothing@example.com>' }))
    await answering.device.sync()
    await isSent(answering, byHand())
    await answering.device.sync()
    isThere = true
    await answering.settle()
    expect((await answering.drafts()).map(({ subject }) => subject)).toEqual(['Re: another'])
  })
})

/** A look at INBOX of its own, while the responder is asked. */
async function lookAgain({ device: { engine, account } }: AnsweringDevice): Promise<void> {
  await engine.responders.set(account.id, { module: 'test' })
  await expect
    .poll(async () => (await engine.tasks.list(account.id)).items.filter(({ kind }) => kind === 'inbox_watch'))
    .toEqual([])
}

async function open({ engine, account }: Device): Promise<string[]> {
  const { items } = await engine.drafts.list({ accountId: account.id, status: 'draft' })
  return items.map(({ id }) => id)
}

async function draftOf({ engine, account }: Device) {
  return (await engine.outcomes.list({ accountId: account.id })).items[0]!
}

/** Neither sees what the other does until both have answered. */
async function answerApart(one: Device, other: Device): Promise<void> {
  await one.foreign((raw) => raw.append('INBOX', mail({ messageId: question })))
  // Each asks, and neither has looked into Drafts since.
  const { ends } = await lookIntoInbox(one)
  const { ends: otherEnds } = await lookIntoInbox(other)
  await ends
  await otherEnds
}

async function lookIntoInbox({ engine, account }: Device): Promise<{ readonly ends: Promise<void> }> {
  const made = Promise.withResolvers<void>()
  engine.subscribe({ accountId: account.id }, ({ type }) => {
    if (type === 'outcome.created') made.resolve()
  })
  await engine.responders.set(account.id, { module: 'test' })
  return { ends: made.promise }
}

async function settleAll(...devices: readonly Device[]): Promise<void> {
  for (let round = 0; round < 3; round += 1) for (const device of devices) await settle(device)
}

describe('two devices of one user, each with a store and a responder', () => {
  let mailServer: MailServer
  beforeEach(async () => {
    mailServer = createMailServer({ users: [{ name: 'ann', password: 'secret' }] })
    await mailServer.listen()
  })
  afterEach(async () => {
    await mailServer.close()
  })

  async function openOne(name: string): Promise<Device> {
    const device = await openDevice(
      {
        host: '127.0.0.1',
        imapPort: mailServer.imapPort,
        smtpPort: mailServer.smtpPort,
        supports: { catenate: true, uidplus: true, sent: 'Sent' },
        user: () => ({ user: 'ann', password: 'secret', address: 'ann@example.org' }),
      },
      {},
      { responders: { modules: { test: () => ({ text: `Draft of the ${name}.` }) } } },
    )
    await device.engine.responders.set(device.account.id, { module: 'test' })
    await settle(device)
    return device
  }

  function texts(): readonly string[] {
    return mailServer
      .mailbox('ann', 'Drafts')
      .filter(({ flags }) => ![...flags].some((flag) => flag.toLowerCase() === '\\deleted'))
      .map(({ bytes }) => /Draft of the \w+|My own words/.exec(new TextDecoder().decode(bytes))?.[0] ?? '?')
  }

  test('end with one draft: the one that was made first', async () => {
    await using one = await openOne('one')
    await using other = await openOne('other')
    await answerApart(one, other)
    await settleAll(other, one)
    const [first, second] = [await draftOf(one), await draftOf(other)]
    const [kept, gone] = first.messageId < second.messageId ? [first, second] : [second, first]
    expect(texts()).toEqual([kept === first ? 'Draft of the one' : 'Draft of the other'])
    expect(kept).toMatchObject({ status: 'draft_created' })
    expect(gone).toMatchObject({ status: 'superseded', superseded: { by: kept.messageId, isKept: false } })
    expect(await open(one)).toEqual([kept.messageId])
    expect(await open(other)).toEqual([kept.messageId])
  })

  test('end with the one in which a person has written, whichever was made first', async () => {
    for (const editing of ['one', 'other'] as const) {
      await using one = await openOne('one')
      await using other = await openOne('other')
      await answerApart(one, other)
      const device = { one, other }[editing]
      const { messageId } = await draftOf(device)
      await device.engine.drafts.save(messageId, { text: 'My own words\n' }, { by: 'user' })
      await settleAll(one, other)
      expect(texts()).toEqual(['My own words'])
      expect(await open(one)).toEqual([messageId])
      expect(await open(other)).toEqual([messageId])
      await one.engine.drafts.discard(messageId)
      await settleAll(one, other)
      await one.foreign(async (raw) => {
        const listed = await raw.listMessages('INBOX')
        await raw.markDeleted(
          'INBOX',
          listed.map(({ uid }) => uid),
        )
        await raw.expunge('INBOX')
      })
    }
  })

  test('keep both where a person has written in both', async () => {
    await using one = await openOne('one')
    await using other = await openOne('other')
    await answerApart(one, other)
    for (const device of [one, other]) {
      await device.engine.drafts.save((await draftOf(device)).messageId, { text: 'My own words\n' }, { by: 'user' })
    }
    await settleAll(one, other)
    expect(texts()).toEqual(['My own words', 'My own words'])
  })

  test('keep what another program made of the one, and the other goes', async () => {
    await using one = await openOne('one')
    await using other = await openOne('other')
    await one.foreign((raw) => raw.append('INBOX', mail({ messageId: question })))
    await settle(one)
    // It keeps our fields, and writes a Message-ID of its own.
    const [copy] = await one.drafts()
    const edited = copy!.bytes
      .toString('latin1')
      .replace('Draft of the one.', 'My own words')
      .replace(/^Message-ID: .*$/im, 'Message-ID: <edited@mail.example.org>')
    const { ends } = await lookIntoInbox(other)
    await ends
    await one.foreign(async (raw) => {
      await raw.append('Drafts', edited, ['\\Draft'])
      await raw.markDeleted('Drafts', [copy!.uid])
      await raw.expunge('Drafts')
    })
    await settleAll(other, one)
    expect(texts()).toEqual(['My own words'])
  })

  test('of which one has answered before the other looks: the other asks nobody', async () => {
    await using one = await openOne('one')
    await using other = await openOne('other')
    await one.foreign((raw) => raw.append('INBOX', mail({ messageId: question })))
    await settle(one)
    await settle(other)
    expect(texts()).toEqual(['Draft of the one'])
    expect((await other.engine.outcomes.list({ accountId: other.account.id })).items).toEqual([])
  })
})
