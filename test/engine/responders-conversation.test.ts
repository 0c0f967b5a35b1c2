import { defaultCapabilities } from '@everdraft/mailserver'
import { describe, expect, test } from 'vitest'

import { mail, openAnswering, second } from './answering-device.ts'

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
