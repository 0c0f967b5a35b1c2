import { defaultCapabilities } from '@everdraft/mailserver'
import { describe, expect, test } from 'vitest'

import { act, draftOf, type ForeignHand, remove } from '../correlation/foreign-hand.ts'
import { fairemail } from '../correlation/foreign-clients/fairemail.ts'
import { gmailSmtp } from '../correlation/foreign-clients/gmail-smtp.ts'
import { gmailWeb } from '../correlation/foreign-clients/gmail-web.ts'
import { outlookDesktop } from '../correlation/foreign-clients/outlook-desktop.ts'
import { thunderbird } from '../correlation/foreign-clients/thunderbird.ts'
import { geary } from '../correlation/foreign-clients/geary.ts'
import { roundcube } from '../correlation/foreign-clients/roundcube.ts'
import type { ForeignClient } from '../correlation/foreign-client.ts'
import { type AnsweringDevice, mail, openAnswering } from './answering-device.ts'

const answer =
  'Dear Bob Example,\n\nThe goods leave our warehouse on Thursday and reach you within three working days.\nYour customer number has changed.\n\nKind regards'

const question = '<question@example.com>'

async function opened(): Promise<AnsweringDevice> {
  const answering = await openAnswering({ answer: () => ({ text: answer }) })
  await answering.arrives(mail({ messageId: question }))
  await answering.settle()
  return answering
}

function handOf({ device }: AnsweringDevice, client: ForeignClient): ForeignHand {
  return { use: (work) => device.foreign(work), client, folders: { drafts: 'Drafts', sent: 'Sent' }, question }
}

async function outcome(answering: AnsweringDevice) {
  const all = await answering.outcomes()
  expect(all).toHaveLength(1)
  return all[0]!
}

describe('a draft of a program that a person sends from another mail program', () => {
  // The others are tried on real servers.
  test.each([fairemail, gmailWeb, gmailSmtp].map((client) => [client.name, client] as const))(
    '%s, edited a little',
    async (_, client) => {
      await using answering = await opened()
      const messageId = await act(handOf(answering, client), 'little')
      await answering.settle()
      expect(await outcome(answering)).toMatchObject({
        status: 'sent',
        verdict: 'sent-edited',
        sent: { messageId, to: 'bob@example.com', subject: expect.stringMatching(/^re: prices$/i) },
      })
      const { sent } = await outcome(answering)
      expect(sent!.similarity).toBeGreaterThan(0.4)
      expect(sent!.editDistance).toBeGreaterThan(0)
      expect(sent!.body).toContain('Kind regards')
      const told = answering.device.events.filter(({ type }) => type === 'outcome.sent')
      expect(told).toMatchObject([{ verdict: 'sent-edited', evidence: sent!.evidence }])
      // Another round changes nothing, and tells nothing.
      await answering.settle()
      expect(answering.device.events.filter(({ type }) => type === 'outcome.sent')).toHaveLength(1)
    },
  )

  test('as it is: it is known by what it answers, and unchanged', async () => {
    await using answering = await opened()
    await act(handOf(answering, thunderbird), 'none')
    await answering.settle()
    expect(await outcome(answering)).toMatchObject({
      verdict: 'sent-unchanged',
      sent: { evidence: 'probable', similarity: 1, editDistance: 0 },
    })
  })

  test('Message-ID kept: exact, however it was rewritten', async () => {
    await using answering = await opened()
    const [draft] = await answering.drafts()
    await act(handOf(answering, roundcube), 'rewritten')
    await answering.settle()
    expect(await outcome(answering)).toMatchObject({ verdict: 'sent-edited', sent: { evidence: 'exact' } })
    // It is no draft any more, and missing for ever neither.
    expect(await answering.drafts()).toEqual([])
    expect(await answering.device.get(draft!.id)).toMatchObject({
      status: 'discarded',
      text: expect.stringContaining('warehouse'),
    })
  })

  test('through an edit that was seen in Drafts: strong', async () => {
    await using answering = await opened()
    await act(handOf(answering, geary), 'little', () => answering.settle())
    await answering.settle()
    expect(await outcome(answering)).toMatchObject({ verdict: 'sent-edited', sent: { evidence: 'strong' } })
  })

  test('sent before a look at Drafts: weighed anew when the draft is gone', async () => {
    await using answering = await opened()
    const hand = handOf(answering, thunderbird)
    await act(hand, 'unseen')
    await answering.settle()
    const early = await outcome(answering)
    expect(early).toMatchObject({ status: 'sent', sent: { evidence: 'probable' } })
    await remove(hand, (await draftOf(hand)).uid)
    await answering.settle()
    const late = await outcome(answering)
    expect(late.sent!.messageId).toBe(early.sent!.messageId)
    expect(late.sent!.score).toBeGreaterThanOrEqual(early.sent!.score)
  })

  test('answered by hand while it lies there', async () => {
    await using answering = await opened()
    await act(handOf(answering, thunderbird), 'hand-written')
    await answering.settle()
    expect(await outcome(answering)).toMatchObject({
      status: 'draft_created',
      verdict: 'replied-without-draft',
      sent: null,
    })
  })

  test('sent from here: exact, and after a restart it still is', async () => {
    await using answering = await opened()
    const [draft] = await answering.drafts()
    const { id } = await answering.device.engine.drafts.send(draft!.id)
    await answering.ends(id)
    await answering.settle()
    expect(await outcome(answering)).toMatchObject({ verdict: 'sent-unchanged', sent: { evidence: 'exact' } })
    await answering.device.restart()
    await answering.settle()
    expect(await outcome(answering)).toMatchObject({ status: 'sent', sent: { evidence: 'exact' } })
  })
})

describe('what is told of a draft that is gone', () => {
  test('within a quarter of an hour nothing, and then that nothing went in its place', async () => {
    let aheadMs = 0
    await using answering = await openAnswering({
      answer: () => ({ text: answer }),
      engine: { environment: { now: () => Date.now() + aheadMs } },
    })
    await answering.arrives(mail({ messageId: question }))
    await answering.settle()
    await act(handOf(answering, thunderbird), 'discarded')
    await answering.settle()
    expect(await outcome(answering)).toMatchObject({ status: 'draft_created', verdict: 'unknown', sent: null })
    aheadMs = 16 * 60_000
    await answering.settle()
    expect(await outcome(answering)).toMatchObject({ status: 'draft_created', verdict: 'discarded', sent: null })
  })

  test('its mail shows up late, and is found all the same', async () => {
    let aheadMs = 0
    await using answering = await openAnswering({
      answer: () => ({ text: answer }),
      engine: { environment: { now: () => Date.now() + aheadMs } },
    })
    await answering.arrives(mail({ messageId: question }))
    await answering.settle()
    const hand = handOf(answering, roundcube)
    const messageId = await act(hand, 'little')
    const [sent] = await answering.device.foreign((raw) => raw.listMessages('Sent'))
    await remove({ ...hand, folders: { ...hand.folders, drafts: 'Sent' } }, sent!.uid)
    await answering.settle()
    aheadMs = 16 * 60_000
    await answering.settle()
    expect(await outcome(answering)).toMatchObject({ verdict: 'discarded' })
    await answering.device.foreign((raw) => raw.append('Sent', sent!.bytes, ['\\Seen']))
    await answering.settle()
    expect(await outcome(answering)).toMatchObject({ status: 'sent', sent: { messageId, evidence: 'exact' } })
  })
})

describe('the look into Sent', () => {
  test('of near-identical drafts to one person names the one that went, and no other', async () => {
    await using answering = await openAnswering({ answer: () => ({ text: answer }) })
    const questions = [1, 2, 3].map((number) => `<question-${number}@example.com>`)
    await answering.arrives(...questions.map((messageId) => mail({ messageId, subject: 'The same' })))
    await answering.settle()
    const messageId = await act({ ...handOf(answering, thunderbird), question: questions[1]! }, 'little')
    await answering.settle()
    const outcomes = await answering.outcomes()
    expect(outcomes).toHaveLength(questions.length)
    // By the question: mails that are found together are answered in any order.
    const named = new Map(outcomes.map(({ replyToMessageId, sent }) => [replyToMessageId, sent?.messageId ?? null]))
    expect(named).toEqual(new Map(questions.map((one) => [one, one === questions[1] ? messageId : null])))
  })

  test('takes a save of the next draft for no edit of one that went, though it is like that', async () => {
    await using answering = await openAnswering({
      answer: ({ message }) => ({ text: `${answer} (${message.subject})` }),
    })
    const sent: (string | null)[] = []
    for (const number of [1, 2, 3]) {
      const hand = { ...handOf(answering, outlookDesktop), question: `<question-${number}@example.com>` }
      await answering.arrives(mail({ messageId: hand.question, subject: `Prices ${number}` }))
      await answering.settle()
      sent.push(await act(hand, 'little', () => answering.settle()))
      await answering.settle()
    }
    expect((await answering.outcomes()).map((one) => one.sent?.messageId)).toEqual(sent)
  })

  test('says at the tenth time what it says of all at once after a start', async () => {
    await using answering = await openAnswering({
      answer: ({ message }) => ({ text: `${answer} (${message.subject})` }),
    })
    const ways = [
      [thunderbird, 'little', false],
      [geary, 'appended', true],
      [roundcube, 'rewritten', true],
      [outlookDesktop, 'little', false],
      [gmailWeb, 'hand-written', false],
      [thunderbird, 'discarded', false],
      [thunderbird, 'left', false],
    ] as const
    const questions = ways.map((_, at) => `<question-${at}@example.com>`)
    // All are open before the first goes.
    for (const [at, messageId] of questions.entries())
      await answering.arrives(mail({ messageId, subject: `Order ${at}` }))
    await answering.settle()
    for (const [at, [client, what, saves]] of ways.entries()) {
      const hand = { ...handOf(answering, client), question: questions[at]! }
      await act(hand, what, saves ? () => answering.settle() : undefined)
      await answering.settle()
    }
    // By the question: mails that are found together are answered in any order.
    const said = async () => {
      const outcomes = await answering.outcomes()
      expect(outcomes).toHaveLength(questions.length)
      return questions.map((one) => {
        const { verdict, sent } = outcomes.find(({ replyToMessageId }) => replyToMessageId === one)!
        return { verdict, sent }
      })
    }
    const before = await said()
    expect(before.map(({ verdict }) => verdict)).toEqual([
      'sent-edited',
      'sent-edited',
      'sent-edited',
      'sent-edited',
      'replied-without-draft',
      'unknown',
      'pending',
    ])
    await answering.device.restart()
    // A mail that is none of these has all of it weighed.
    const other = mail({ from: 'ann@example.org', to: 'carla@example.com', subject: 'Lunch' })
    await answering.device.foreign((raw) => raw.append('Sent', other, ['\\Seen']))
    await answering.settle()
    expect(await said()).toEqual(before)
  })

  test('goes on where a cut was, and reads anew what was moved to a folder of the same name', async () => {
    await using answering = await opened()
    const { device } = answering
    const hand = handOf(answering, thunderbird)
    const messageId = await act(hand, 'little')
    let cuts = 0
    // A little later each time, until it gets through.
    for (let bytes = 150; (await outcome(answering)).status !== 'sent'; bytes += 150) {
      const cut = device.proxy.cutAfter({ direction: 'toClient', bytes, how: 'rst' })
      void cut.done.then(() => (cuts += 1))
      await device.sync()
      cut.cancel()
    }
    expect(cuts).toBeGreaterThan(2)
    await answering.settle()
    const first = await outcome(answering)
    expect(first).toMatchObject({ sent: { messageId } })
    const messages = await device.foreign((raw) => raw.listMessages('Sent'))
    await device.foreign(async (raw) => {
      await raw.ok('DELETE Sent')
      await raw.ok('CREATE Sent')
      await raw.append('Sent', mail({ subject: 'Something else' }))
      for (const { bytes } of messages) await raw.append('Sent', bytes, ['\\Seen'])
    })
    await answering.settle()
    expect(await outcome(answering)).toEqual(first)
    expect(device.events.filter(({ type }) => type === 'outcome.sent')).toHaveLength(1)
  })

  test.each([
    ['EMAILID', defaultCapabilities],
    ['X-GM-MSGID', [...defaultCapabilities.filter((name) => name !== 'OBJECTID'), 'X-GM-EXT-1' as const]],
  ])('knows a message by its %s, where nothing of its header is left', async (_, capabilities) => {
    await using answering = await openAnswering({
      answer: () => ({ text: answer }),
      server: { capabilities, quirks: { rewritesMessageIds: true, dropsPrivateHeaders: true } },
    })
    await answering.arrives(mail({ messageId: question }))
    await answering.settle()
    // A round sees it there.
    await answering.device.sync()
    const [copy] = await answering.device.drafts()
    await answering.device.foreign(async (raw) => {
      await raw.select('Drafts')
      await raw.ok(`UID MOVE ${copy!.uid} Sent`)
    })
    await answering.settle()
    expect(await outcome(answering)).toMatchObject({ verdict: 'sent-unchanged', sent: { evidence: 'exact' } })
  })

  test('reads of a large mail the words alone, and does not say that its files were changed', async () => {
    await using answering = await opened()
    const hand = handOf(answering, roundcube)
    const copy = await draftOf(hand)
    const file = Buffer.alloc(400_000, 'QUJD').toString('latin1').replaceAll(/.{76}/g, '$&\r\n')
    const [header = '', ...body] = copy.bytes.toString('latin1').split('\r\n\r\n')
    const type = /^Content-(?:Type|Transfer-Encoding):.*(?:\r\n[ \t].*)*\r\n/gim
    const part = [...`${header}\r\n`.matchAll(type)].join('')
    const whole = [
      `${`${header}\r\n`.replaceAll(type, '')}Content-Type: multipart/mixed; boundary="large"`,
      `--large\r\n${part}\r\n${body.join('\r\n\r\n')}`,
      `--large\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n${file}\r\n--large--\r\n`,
    ].join('\r\n\r\n')
    const before = answering.device.proxy.connections.reduce((sum, { bytes }) => sum + bytes.toClient, 0)
    await hand.use((raw) => raw.append('Sent', whole, ['\\Seen']))
    await answering.settle()
    const after = answering.device.proxy.connections.reduce((sum, { bytes }) => sum + bytes.toClient, 0)
    expect(await outcome(answering)).toMatchObject({ verdict: 'sent-unchanged', sent: { evidence: 'exact' } })
    expect(after - before).toBeLessThan(50_000)
  })

  test('changes nothing there, not even what is unread, and is made where something is heard', async () => {
    await using answering = await openAnswering({ answer: () => ({ text: answer }), engine: { watch: true } })
    await answering.arrives(mail({ messageId: question }))
    await answering.settle()
    const hand = handOf(answering, roundcube)
    const { uid } = await draftOf(hand)
    const copy = await draftOf(hand)
    await answering.device.foreign((raw) => raw.append('Sent', copy.bytes))
    await remove(hand, uid)
    await expect.poll(async () => (await outcome(answering)).status).toBe('sent')
    const sent = await answering.device.foreign((raw) => raw.listMessages('Sent'))
    expect(sent.flatMap(({ flags }) => flags).filter((flag) => flag.toLowerCase() !== '\\recent')).toEqual([])
  })
})
