import type { SmtpFault, SmtpStep } from '@everdraft/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { type FaultySender, openFaultySender } from './faulty-sender.ts'

const timeoutMs = 250

const places: readonly { readonly step: SmtpStep; readonly nth: number }[] = [
  { step: 'greeting', nth: 1 },
  { step: 'EHLO', nth: 1 },
  { step: 'AUTH', nth: 1 },
  { step: 'EHLO', nth: 2 },
  { step: 'MAIL', nth: 1 },
  { step: 'RCPT', nth: 1 },
  { step: 'RCPT', nth: 2 },
  { step: 'DATA', nth: 1 },
  { step: '.', nth: 1 },
]

const kinds: readonly { readonly name: string; readonly fault: SmtpFault }[] = [
  { name: 'is silent', fault: { kind: 'silence' } },
  // Slowly enough to be seen as slow, and often enough never to be silent.
  {
    name: 'says an octet now and then, and never a whole line',
    fault: { kind: 'dribble', text: '250-x', everyMs: 20 },
  },
]

/** RFC 5321 §4.5.3.2: a server that does not answer is not there. It may say what it likes meanwhile. */
describe.for(kinds)('H29 a server that $name', ({ fault }) => {
  let sender: FaultySender
  beforeAll(async () => {
    sender = await openFaultySender({ timing: { wireTimeoutMs: timeoutMs }, finalReplyTimeoutMs: timeoutMs })
  })
  afterAll(async () => {
    await sender[Symbol.asyncDispose]()
  })
  beforeEach(async () => {
    sender.sink.heal()
    await sender.hangUp()
  })

  test.for(places)('at $step ($nth): its time is over, which costs no attempt', async ({ step, nth }) => {
    const { sink } = sender
    const handle = sink.fail(step, fault, nth)
    const id = await sender.consent()
    const first = await sender.rest(id)
    expect(handle.met).toBe(1)
    const isOver = step === '.'
    expect(first).toMatchObject({
      status: isOver ? 'unknown' : 'queued',
      error: { code: 'TIMEOUT' },
      attempts: isOver ? 1 : 0,
    })
    const last = await sender.recover(id)
    expect(last.status).toBe(isOver ? 'unknown' : 'sent')
    expect(sender.got(last)).toEqual(isOver ? [0, 0] : [1, 1])
  })

  test('at QUIT: nobody waits for it, and what was sent is sent', async () => {
    const { device, sink } = sender
    const handle = sink.fail('QUIT', fault)
    const id = await sender.consent()
    expect((await sender.rest(id)).status).toBe('sent')
    await device.restart()
    expect(handle.met).toBe(1)
    const last = await sender.recover(id)
    expect(last).toMatchObject({ status: 'sent', phase: 'cleaned' })
    expect(sender.got(last)).toEqual([1, 1])
  })
})
