import { describe, expect, test } from 'vitest'

import { act, draftOf, type ForeignHand, remove } from '../correlation/foreign-hand.ts'
import { foreignClients } from '../correlation/foreign-clients/all.ts'
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
  test.each(foreignClients.map((client) => [client.name, client] as const))(
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
    await act(handOf(answering, roundcube), 'rewritten')
    await answering.settle()
    expect(await outcome(answering)).toMatchObject({ verdict: 'sent-edited', sent: { evidence: 'exact' } })
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
