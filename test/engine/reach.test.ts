import { describe, expect, test } from 'vitest'

import type { SubmissionPort, SubmissionSession } from '@everdraft/core'
import { smtp } from '@everdraft/mail'

import { openSender } from './sender.ts'

/** The real port; each session that it made is told of before anybody has it. */
function observed(onMade: (session: SubmissionSession) => Promise<void> | void): SubmissionPort {
  const port = smtp()
  return {
    async connect(settings, options) {
      const session = await port.connect(settings, options)
      await onMade(session)
      return session
    },
  }
}

describe('the connection to the server that takes mail', () => {
  test('is closed where the account was removed while it was made, and nothing is sent over it', async () => {
    const made = Promise.withResolvers<SubmissionSession>()
    const removed = Promise.withResolvers<void>()
    const submission = observed((session) => {
      made.resolve(session)
      return removed.promise
    })
    await using sender = await openSender({}, {}, { submission })
    const { device } = sender
    const draft = await device.create({ text: 'nobody sends this\n' })
    await sender.upload()
    await device.engine.drafts.send(draft.id)
    const session = await made.promise
    expect(session.alive).toBe(true)
    await device.engine.accounts.remove(device.account.id, { unsent: 'keep' })
    removed.resolve()
    await expect.poll(() => session.alive, { interval: 5 }).toBe(false)
    expect(sender.mailServer.submissions).toEqual([])
  })

  test('with a wrong password is tried once for many mails, and at once when the user asks', async () => {
    await using sender = await openSender()
    const { device, mailServer } = sender
    const refused = mailServer.faults.add({
      on: { verb: 'AUTH', times: 'always' },
      do: { kind: 'smtp-reply', reply: '535 5.7.8 No such password' },
    })
    const ids = []
    for (let index = 0; index < 5; index += 1) {
      const draft = await device.create({ text: `letter ${index}\n` })
      ids.push((await device.engine.drafts.send(draft.id)).id)
    }
    for (const id of ids) {
      expect(await sender.ends(id)).toMatchObject({ isHeld: true, error: { code: 'AUTH_FAILED' } })
    }
    expect(refused.firedCount).toBe(1)
    await device.engine.sends.retry(ids[0]!)
    await expect.poll(() => refused.firedCount, { interval: 5 }).toBe(2)
    refused.remove()
    expect(await sender.ends(ids[0]!)).toMatchObject({ isHeld: true })
    for (const id of ids) {
      await device.engine.sends.retry(id)
      expect(await sender.reaches(id, 'cleaned')).toMatchObject({ status: 'sent' })
    }
  })
})
