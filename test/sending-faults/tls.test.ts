import type { SmtpFault, SmtpStep } from '@everdraft/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { type FaultySender, openFaultySender } from './faulty-sender.ts'

const breaks: readonly { readonly name: string; readonly fault: SmtpFault }[] = [
  { name: 'octets that are no TLS', fault: { kind: 'break-tls' } },
  { name: 'a RST', fault: { kind: 'cut', how: 'rst' } },
  { name: 'a FIN', fault: { kind: 'cut', how: 'fin' } },
]

const steps: readonly SmtpStep[] = ['AUTH', 'MAIL', 'RCPT', 'DATA', '.']

describe.for(['tls', 'starttls'] as const)('secured by %s', (security) => {
  let sender: FaultySender
  beforeAll(async () => {
    sender = await openFaultySender({ smtp: { security, allowUntrusted: true } })
  })
  afterAll(async () => {
    await sender[Symbol.asyncDispose]()
  })
  beforeEach(async () => {
    sender.sink.heal()
    await sender.hangUp()
  })

  test.for(steps.flatMap((step) => breaks.map((one) => ({ ...one, step }))))(
    'at $step the line ends with $name',
    async ({ step, fault }) => {
      const handle = sender.sink.fail(step, fault)
      const id = await sender.consent()
      const first = await sender.rest(id)
      expect(handle.met).toBe(1)
      expect(first.status).toBe(step === '.' ? 'unknown' : 'queued')
      expect(first.error?.message ?? '').not.toBe('')
      const last = await sender.recover(id)
      expect(last.status).toBe(step === '.' ? 'unknown' : 'sent')
      expect(sender.got(last)).toEqual(step === '.' ? [0, 0] : [1, 1])
      expect(sender.sink.deliveries.every(({ secure }) => secure)).toBe(true)
    },
  )
})

describe('STARTTLS is never given up', () => {
  let sender: FaultySender
  beforeAll(async () => {
    sender = await openFaultySender({ smtp: { security: 'starttls', allowUntrusted: true } })
  })
  afterAll(async () => {
    await sender[Symbol.asyncDispose]()
  })
  beforeEach(async () => {
    sender.sink.heal()
    await sender.hangUp()
  })

  test.for<{ readonly name: string; readonly step: SmtpStep; readonly fault: SmtpFault }>([
    {
      name: 'it is not offered, and refused',
      step: 'STARTTLS',
      fault: { kind: 'say', text: '502 5.5.1 no such command\r\n' },
    },
    { name: 'there is none for now', step: 'STARTTLS', fault: { kind: 'say', text: '454 4.7.0 not now\r\n' } },
    { name: 'the answer is garbage', step: 'STARTTLS', fault: { kind: 'say', text: '<html>\r\n' } },
    { name: 'the answer never comes', step: 'STARTTLS', fault: { kind: 'cut', how: 'fin' } },
    { name: 'the line is lost', step: 'STARTTLS', fault: { kind: 'cut', how: 'rst' } },
    {
      name: 'no TLS follows',
      step: 'STARTTLS',
      fault: { kind: 'say', text: '250 2.0.0 go on\r\n250 AUTH PLAIN\r\n', andThen: 'fin' },
    },
  ])('where $name: nothing is said in the clear, and it is told why', async ({ step, fault }) => {
    const { sink } = sender
    const handle = sink.fail(step, fault)
    const heardBefore = sink.heard.length
    const id = await sender.consent()
    const first = await sender.rest(id)
    expect(handle.met).toBe(1)
    expect(first).toMatchObject({ status: 'queued', attempts: 0 })
    expect(first.error?.message ?? '').not.toBe('')
    expect(sink.heard.slice(heardBefore)).toEqual(['EHLO [127.0.0.1]', 'STARTTLS'])
    const last = await sender.recover(id)
    expect(last.status).toBe('sent')
    expect(sender.got(last)).toEqual([1, 1])
    expect(sink.deliveries.every(({ secure }) => secure)).toBe(true)
  })

  test('what was said in the clear after it counts for nothing: not an offer, not an answer', async () => {
    const { sink } = sender
    const offers = '250-evil\r\n250 AUTH LOGIN\r\n'
    const handle = sink.fail('STARTTLS', { kind: 'inject', text: `${offers}235 2.7.0 in\r\n` })
    const heardBefore = sink.heard.length
    const id = await sender.consent()
    const last = await sender.rest(id)
    expect(handle.met).toBe(1)
    // The offers that count are those that came under TLS.
    expect(sink.heard.slice(heardBefore)).toContain('AUTH PLAIN')
    expect(last.status).toBe('sent')
    expect(sender.got(last)).toEqual([1, 1])
  })
})

test.for(['tls', 'starttls'] as const)(
  'a certificate that nobody trusts, by %s: parked, and no word is said',
  async (security) => {
    await using sender = await openFaultySender({ smtp: { security } })
    const id = await sender.consent()
    const first = await sender.rest(id)
    expect(first).toMatchObject({ status: 'queued', isHeld: true, attempts: 0, error: { code: 'CERTIFICATE' } })
    await sender.device.engine.sends.retry(id)
    expect(await sender.rest(id)).toMatchObject({ status: 'queued', isHeld: true, error: { code: 'CERTIFICATE' } })
    const said = new Set(sender.sink.heard)
    expect([...said]).toEqual(security === 'tls' ? [] : ['EHLO [127.0.0.1]', 'STARTTLS'])
    expect(sender.sink.deliveries).toEqual([])
    await sender.device.engine.sends.cancel(id)
  },
)
