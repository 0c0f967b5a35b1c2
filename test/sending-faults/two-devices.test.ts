import type { SendRecord } from '@everdraft/core'
import { createMailServer, type MailServer } from '@everdraft/mailserver'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { reachedPhase } from '../engine/reached-phase.ts'
import { type Device, openDevice, settle } from '../live/harness.ts'

const hourMs = 3_600_000
const patience = { timeout: 20_000 }

/** A draft of one, which the other has got by the mailbox, is to go from both. */
async function schedule(one: Device, other: Device, text: string, apartMs: number): Promise<readonly SendRecord[]> {
  const draft = await one.create({ text })
  await settle(one)
  await settle(other)
  expect(await other.get(draft.id)).toMatchObject({ status: 'draft', text })
  const sendAt = Date.now() + hourMs
  return [
    await one.engine.drafts.send(draft.id, { sendAt }),
    await other.engine.drafts.send(draft.id, { sendAt: sendAt + apartMs }),
  ]
}

/** Two devices of one user, on one mailbox, each with a store of its own: docs/life-of-a-draft.md says what is promised. */
describe('H35 the same draft is scheduled on two devices', () => {
  let mailServer: MailServer
  let next = 0
  beforeAll(async () => {
    const users = Array.from({ length: 4 }, (_, index) => ({ name: `u${index}`, password: 'secret' }))
    mailServer = createMailServer({ users })
    await mailServer.listen()
  })
  afterAll(async () => {
    await mailServer.close()
  })
  beforeEach(() => {
    next += 1
  })

  /** How far each one's clock is ahead: it is put forward by hand. */
  interface Clock {
    aheadMs: number
  }

  async function openOne(clock: Clock = { aheadMs: 0 }): Promise<Device> {
    const name = `u${next - 1}`
    return await openDevice(
      {
        host: '127.0.0.1',
        imapPort: mailServer.imapPort,
        smtpPort: mailServer.smtpPort,
        supports: { catenate: true, uidplus: true, sent: 'Sent' },
        user: () => ({ user: name, password: 'secret', address: `${name}@example.org` }),
      },
      { sentCopyWaitMs: 0, sentCopyLookAgainMs: 24 * hourMs },
      { environment: { now: () => Date.now() + clock.aheadMs } },
    )
  }

  function taken(text: string): number {
    return mailServer.submissions.filter(({ bytes }) => new TextDecoder().decode(bytes).includes(text)).length
  }

  test('who comes later finds it in Sent, and is held until the user says go', async () => {
    const [clock, otherClock] = [{ aheadMs: 0 }, { aheadMs: 0 }]
    await using one = await openOne(clock)
    await using other = await openOne(otherClock)
    const [first, second] = (await schedule(one, other, 'one after the other\n', 60_000)) as [SendRecord, SendRecord]
    clock.aheadMs = hourMs + 120_000
    await one.sync()
    expect(await reachedPhase(one, first.id, 'cleaned')).toMatchObject({ status: 'sent' })
    otherClock.aheadMs = hourMs + 120_000
    await other.sync()
    await expect.poll(async () => (await other.engine.sends.get(second.id)).isHeld, patience).toBe(true)
    expect(await other.engine.sends.get(second.id)).toMatchObject({
      status: 'queued',
      attempts: 0,
      error: { code: 'FOUND_IN_SENT' },
    })
    await other.restart()
    otherClock.aheadMs += 24 * hourMs
    await settle(other)
    expect(taken('one after the other')).toBe(1)
    // It is a word of the user, and then goes like any other.
    await other.engine.sends.retry(second.id)
    expect(await reachedPhase(other, second.id, 'cleaned')).toMatchObject({ status: 'sent' })
    expect(taken('one after the other')).toBe(2)
    expect(await other.drafts()).toEqual([])
  })

  test('one sends it, and the other, who has not heard of it yet, is asked first', async () => {
    await using one = await openOne()
    await using other = await openOne()
    const draft = await one.create({ text: 'sent at once\n' })
    await settle(one)
    await settle(other)
    const first = await one.engine.drafts.send(draft.id)
    await reachedPhase(one, first.id, 'cleaned')
    const second = await other.engine.drafts.send(draft.id)
    await expect.poll(async () => (await other.engine.sends.get(second.id)).error?.code, patience).toBe('FOUND_IN_SENT')
    expect(taken('sent at once')).toBe(1)
    await other.engine.sends.cancel(second.id)
    await other.engine.drafts.discard(draft.id)
    await settle(other)
    expect(await other.drafts()).toEqual([])
  })

  test('at the same moment nobody can know of the other: each consent is a mail, once, and both come to rest', async () => {
    const clock = { aheadMs: 0 }
    await using one = await openOne(clock)
    await using other = await openOne(clock)
    const [first, second] = (await schedule(one, other, 'both at once\n', 0)) as [SendRecord, SendRecord]
    expect(first.messageId).not.toBe(second.messageId)
    // Neither has its answer before the other has looked into Sent.
    mailServer.faults.add({ on: { verb: 'MAIL', times: 'always' }, do: { kind: 'delay-reply', delayMs: 700 } })
    clock.aheadMs = hourMs
    await Promise.all([one.sync(), other.sync()])
    await Promise.all([reachedPhase(one, first.id, 'cleaned'), reachedPhase(other, second.id, 'cleaned')])
    expect(taken(first.messageId)).toBe(1)
    expect(taken(second.messageId)).toBe(1)
    await settle(one)
    await settle(other)
    expect(await one.drafts()).toEqual([])
  })
})
