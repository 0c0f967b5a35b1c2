import type { SmtpFault, SmtpStep } from '@everdraft/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { type FaultySender, openFaultySender } from './faulty-sender.ts'

/** A step, and the how many-th of its kind: EHLO comes again after the login, RCPT for each recipient. */
interface Place {
  readonly step: SmtpStep
  readonly nth: number
}

const places: readonly Place[] = [
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

/** What becomes of a mail at first. */
type End =
  | 'sent'
  /** Told with its error; it goes on by itself. */
  | 'queued'
  /** To one of the two; the other is tried again. */
  | 'partly'
  /** To one of the two, and not to the other. */
  | 'halved'
  /** Told with its error; it waits for the user. */
  | 'parked'
  | 'failed'
  | 'unknown'

interface ReplyClass {
  readonly name: string
  readonly fault: (step: SmtpStep) => SmtpFault
  /** In the order of `places`. */
  readonly ends: readonly End[]
}

/** The code by which a server agrees at that step (RFC 5321 §4.3.2). */
function agreement(step: SmtpStep): number {
  return step === 'greeting' ? 220 : step === 'AUTH' ? 235 : step === 'DATA' ? 354 : 250
}

function always(text: string): () => SmtpFault {
  return () => ({ kind: 'say', text })
}

/** `text` of the code, and of the words: EHLO must say by what one can log in. */
function agreeing(text: (code: number, words: string) => string): (step: SmtpStep) => SmtpFault {
  return (step) => ({ kind: 'say', text: text(agreement(step), step === 'EHLO' ? 'AUTH PLAIN' : 'yes') })
}

const cut = ['queued', 'queued', 'queued', 'queued', 'queued', 'queued', 'queued', 'queued', 'unknown'] as const

// oxfmt-ignore
const classes: readonly ReplyClass[] = [
  //                                          greeting, EHLO, AUTH, EHLO           MAIL, RCPT, RCPT, DATA, .
  // Without a word EHLO offers no login.
  { name: 'the code alone', fault: agreeing((code) => `${code}\r\n`),
    ends: ['sent', 'parked', 'sent', 'sent',       'sent', 'sent', 'sent', 'sent', 'sent'] },
  { name: 'many lines, of odd words', fault: agreeing((code, words) => `${code}-5.5.5 no \u00fc\r\n${code}-\r\n${code} ${words}\r\n`),
    ends: ['sent', 'sent', 'sent', 'sent',         'sent', 'sent', 'sent', 'sent', 'sent'] },
  { name: 'another code that agrees', fault: agreeing((code, words) => `${code >= 300 ? 399 : 299}-odd\r\n${code >= 300 ? 399 : 299} ${words}\r\n`),
    ends: ['queued', 'sent', 'sent', 'sent',       'sent', 'sent', 'sent', 'queued', 'sent'] },
  { name: '451', fault: always('451 4.3.0 later\r\n'),
    ends: ['queued', 'queued', 'queued', 'queued', 'queued', 'partly', 'partly', 'queued', 'queued'] },
  { name: '554', fault: always('554 5.7.1 never\r\n'),
    ends: ['queued', 'queued', 'parked', 'queued', 'failed', 'halved', 'halved', 'failed', 'failed'] },
  { name: '554 in many lines', fault: always('554-5.7.1 never\r\n554 5.7.1 and never\r\n'),
    ends: ['queued', 'queued', 'parked', 'queued', 'failed', 'halved', 'halved', 'failed', 'failed'] },
  { name: '421 and the end', fault: () => ({ kind: 'say', text: '421 4.3.2 closing\r\n', andThen: 'fin' }),
    ends: ['queued', 'queued', 'queued', 'queued', 'queued', 'queued', 'queued', 'queued', 'queued'] },
  { name: 'what asks for more', fault: (step) => ({ kind: 'say', text: step === 'DATA' ? '250 what\r\n' : '354 what\r\n' }),
    ends: cut },
  { name: 'garbage', fault: always('<html>\r\n'),
    ends: cut },
  { name: 'half an answer and the end', fault: (step) => ({ kind: 'say', text: `${agreement(step)}-half`, andThen: 'fin' }),
    ends: cut },
  { name: 'an answer too many', fault: agreeing((code, words) => `${code}-\r\n${code} ${words}\r\n${code} yes\r\n`),
    ends: ['parked', 'queued', 'queued', 'queued', 'queued', 'queued', 'queued', 'queued', 'sent'] },
  { name: 'a FIN', fault: () => ({ kind: 'cut', how: 'fin' }),
    ends: cut },
  { name: 'a RST', fault: () => ({ kind: 'cut', how: 'rst' }),
    ends: cut },
  { name: 'a RST after it was done', fault: () => ({ kind: 'unanswered', andThen: 'rst' }),
    ends: cut },
]

const cases = classes.flatMap(({ name, fault, ends }) =>
  places.map(({ step, nth }, index) => ({ name, fault, step, nth, end: ends[index] ?? 'sent' })),
)
/** The others are asked one after the other by everybody. */
const inRow: readonly SmtpStep[] = ['MAIL', 'RCPT', 'DATA']

describe.for([
  { server: 'H21 H31 a server that takes commands in a row', pipelining: true, faults: cases },
  {
    server: 'H21 H31 a server that takes one command at a time',
    pipelining: false,
    faults: cases.filter(({ step }) => inRow.includes(step)),
  },
])('$server', ({ pipelining, faults }) => {
  let sender: FaultySender
  beforeAll(async () => {
    sender = await openFaultySender({ pipelining })
  })
  afterAll(async () => {
    await sender[Symbol.asyncDispose]()
  })
  beforeEach(async () => {
    sender.sink.heal()
    await sender.hangUp()
  })

  test.for(faults)('$step ($nth) is answered by $name: $end', async ({ fault, step, nth, end }) => {
    const { device, sink } = sender
    const handle = sink.fail(step, fault(step), nth)
    const id = await sender.consent()
    const first = await sender.rest(id)
    expect(handle.met).toBeGreaterThan(0)
    const draft = await device.get(first.draftId)
    expect(summary(first)).toBe(end)
    expect(Math.max(...sender.got(first))).toBeLessThanOrEqual(1)
    const tells = end !== 'sent' && end !== 'partly' && end !== 'halved'
    if (tells) expect(first.error?.message ?? '').not.toBe('')
    expect(draft.status).toBe(end === 'failed' ? 'draft' : end === 'unknown' ? 'sending' : tells ? 'queued' : 'sent')

    const last = await sender.recover(id)
    const got = sender.got(last)
    if (end === 'unknown') {
      expect(last.status).toBe('unknown')
      expect(Math.max(...got)).toBeLessThanOrEqual(1)
      return
    }
    expect(last).toMatchObject({ status: 'sent', phase: 'cleaned' })
    expect(got).toEqual(end === 'halved' ? (nth === 1 ? [0, 1] : [1, 0]) : [1, 1])
  })
})

describe('H24 QUIT says nothing about a mail', () => {
  test.for<{ readonly name: string; readonly fault: SmtpFault }>([
    { name: '554', fault: { kind: 'say', text: '554 5.7.1 never\r\n' } },
    { name: '421', fault: { kind: 'say', text: '421 4.3.2 closing\r\n' } },
    { name: 'garbage', fault: { kind: 'say', text: '<html>\r\n' } },
    { name: 'a FIN', fault: { kind: 'cut', how: 'fin' } },
    { name: 'a RST', fault: { kind: 'cut', how: 'rst' } },
  ])('it is answered by $name: what was sent is sent, and the next goes, too', async ({ fault }) => {
    await using sender = await openFaultySender()
    const handle = sender.sink.fail('QUIT', fault)
    const first = await sender.consent()
    await sender.rest(first)
    await sender.device.restart()
    expect(handle.met).toBe(1)
    const second = await sender.consent()
    for (const id of [first, second]) {
      const record = await sender.rest(id)
      expect(record).toMatchObject({ status: 'sent', phase: 'cleaned', attempts: 1 })
      expect(sender.got(record)).toEqual([1, 1])
    }
  })
})

function summary({ status, isHeld, recipients }: Awaited<ReturnType<FaultySender['rest']>>): string {
  if (status === 'queued' && isHeld) return 'parked'
  if (status !== 'sent') return status
  const states = recipients.map((one) => one.status)
  return states.includes('temporary') ? 'partly' : states.includes('refused') ? 'halved' : 'sent'
}
