import { describe, expect, test } from 'vitest'

import { mail, openAnswering } from './answering-device.ts'

describe('a mail that comes into INBOX', () => {
  test('is answered by a draft on the server, in its thread and with a quote, and INBOX is as it was', async () => {
    await using answering = await openAnswering({
      input: { scenario: 'thanks' },
      answer: () => ({ text: 'It costs 3 €.\n', metadata: { model: 'x' } }),
    })
    await answering.arrives(mail({ messageId: '<question@example.com>', references: '<root@example.com>' }))
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
})
