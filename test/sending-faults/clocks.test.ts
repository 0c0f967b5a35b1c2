import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { type FaultySender, openFaultySender } from './faulty-sender.ts'

const hourMs = 3_600_000
const yearMs = 365 * 24 * hourMs

/** `sendAt` is an instant: whatever the clock shows on the way, it goes when that instant has come, and once. */
describe('H35 H40 a chosen time, and a clock that is not to be trusted', () => {
  let sender: FaultySender
  let passed = 0
  function now(): number {
    return sender.now()
  }
  function pass(ms: number): void {
    passed += ms
    sender.pass(ms)
  }
  beforeAll(async () => {
    sender = await openFaultySender()
  })
  afterAll(async () => {
    await sender[Symbol.asyncDispose]()
  })
  beforeEach(async () => {
    sender.sink.heal()
    await sender.hangUp()
    pass(-passed)
  })

  test('the clock jumps back: it waits; and forth: it goes', async () => {
    const sendAt = now() + hourMs
    const id = await sender.consent({ sendAt })
    for (const jump of [-24 * hourMs, 23 * hourMs, -yearMs]) {
      pass(jump)
      expect(await sender.rest(id)).toMatchObject({ status: 'queued', nextAttemptAt: sendAt })
    }
    pass(yearMs + 3 * hourMs)
    const sent = await sender.rest(id)
    expect(sent).toMatchObject({ status: 'sent', phase: 'cleaned' })
    expect(sender.got(sent)).toEqual([1, 1])
  })

  test('the clock jumps back after it went, also over a restart: it does not go again', async () => {
    const id = await sender.consent({ sendAt: now() + hourMs })
    pass(2 * hourMs)
    const sent = await sender.rest(id)
    expect(sent.status).toBe('sent')
    pass(-24 * hourMs)
    await sender.rest(id)
    await sender.device.restart()
    pass(25 * hourMs)
    expect(await sender.rest(id)).toMatchObject({ status: 'sent', phase: 'cleaned', attempts: 1 })
    expect(sender.got(sent)).toEqual([1, 1])
  })

  test('nine years ahead, through restarts: it keeps its instant', async () => {
    const sendAt = now() + 9 * yearMs
    const id = await sender.consent({ sendAt })
    for (let years = 1; years <= 8; years += 1) {
      pass(yearMs)
      if (years % 4 === 0) await sender.device.restart()
      expect(await sender.rest(id)).toMatchObject({ status: 'queued', nextAttemptAt: sendAt })
    }
    pass(yearMs)
    const sent = await sender.rest(id)
    expect(sent.status).toBe('sent')
    expect(sender.got(sent)).toEqual([1, 1])
  })

  test('the next process has a clock that is two hours behind: what may have gone is not sent again', async () => {
    const { device, sink } = sender
    const handle = sink.fail('.', { kind: 'cut', how: 'rst' })
    const unclear = await sender.consent()
    expect((await sender.rest(unclear)).status).toBe('unknown')
    expect(handle.met).toBe(1)
    const sendAt = now() + hourMs
    const waiting = await sender.consent({ sendAt })
    sink.heal()
    pass(-2 * hourMs)
    await device.restart()
    expect(await sender.rest(waiting)).toMatchObject({ status: 'queued', nextAttemptAt: sendAt })
    pass(4 * hourMs)
    const sent = await sender.rest(waiting)
    expect(sent.status).toBe('sent')
    expect(sender.got(sent)).toEqual([1, 1])
    const last = await sender.rest(unclear)
    expect(last.status).toBe('unknown')
    expect(sender.got(last)).toEqual([0, 0])
    await device.engine.sends.resolve(unclear, 'sent')
    await sender.rest(unclear)
  })

  test('the zone changes, and summer time ends, before it is due: it goes at the instant, and Date says that', async () => {
    const zone = process.env['TZ']
    try {
      process.env['TZ'] = 'Europe/Berlin'
      // An hour after the clocks there went back from 3 to 2: half past two came twice that night.
      const sendAt = Date.UTC(2027, 9, 31, 1, 30)
      pass(sendAt - 30 * 60_000 - now())
      const id = await sender.consent({ sendAt })
      expect(new Date(now()).getTimezoneOffset()).toBe(-60)
      process.env['TZ'] = 'America/New_York'
      await sender.device.restart()
      pass(29 * 60_000)
      expect(await sender.rest(id)).toMatchObject({ status: 'queued', nextAttemptAt: sendAt })
      process.env['TZ'] = 'Pacific/Auckland'
      pass(60_000)
      const sent = await sender.rest(id)
      expect(sent.status).toBe('sent')
      expect(sender.got(sent)).toEqual([1, 1])
      const mail = sender.sink.deliveries.find(({ messageId }) => messageId === sent.messageId)
      const date = Date.parse(/^Date: (.*)\r$/m.exec(mail?.bytes.toString('latin1') ?? '')?.[1] ?? '')
      expect(date).toBeGreaterThanOrEqual(sendAt)
      expect(date).toBeLessThan(sendAt + 60_000)
    } finally {
      if (zone === undefined) delete process.env['TZ']
      else process.env['TZ'] = zone
    }
  })
})
