import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import {
  draftStatusOf,
  newSend,
  type SendEvent,
  type SendEventType,
  type SendPhase,
  sendPhases,
  type SendReason,
  type SendState,
  sendStatusOf,
  sendTransition,
  sendTransitions,
  workOf,
} from '../src/draft/send-state.ts'
import type { Version } from '../src/ids.ts'

const addresses = ['ann@example.org', 'bob@example.org', 'carla@example.org'] as const
const reason: SendReason = { code: '450', message: 'later' }
const fresh = newSend(1 as Version, addresses, 0)

const kindsOfEvents = 25

/** One of every kind of event, in any order: also what no engine would ever say. */
function anyEvent(choice: number): SendEvent {
  const lot = Math.floor(choice / kindsOfEvents)
  const kinds = (['accepted', 'refused', 'temporary'] as const).map((_, index, all) => all[(lot + index) % 3])
  const verdicts = addresses.map((address, index) => ({ address, kind: kinds[index] ?? 'accepted', reason }))
  const events: readonly SendEvent[] = [
    { type: 'released' },
    { type: 'held', reason },
    { type: 'unheld' },
    { type: 'froze' },
    { type: 'opened', verdicts: verdicts.slice(0, 1 + (lot % 3)), retryAt: 5 },
    { type: 'dot-marked' },
    { type: 'answered-ok', at: 7 },
    { type: 'answered-temporary', reason, retryAt: 5 },
    { type: 'answered-refused', reason },
    { type: 'lost-before-dot', reason, retryAt: 5 },
    { type: 'lost-after-dot', reason },
    { type: 'recovered' },
    { type: 'blocked', reason },
    { type: 'cancelled' },
    { type: 'found-sent', at: 7 },
    { type: 'bounced', address: addresses[lot % 3] ?? '', reason, at: 7 },
    { type: 'resolved-sent', at: 7 },
    { type: 'resolved-send-again' },
    { type: 'retried' },
    { type: 'filed' },
    { type: 'copy-verified' },
    { type: 'copies-cleaned' },
    { type: 'given-up', reason },
    { type: 'reported', address: addresses[lot % 3] ?? '', reason, at: 7 },
    { type: 'postponed', until: 9 },
  ]
  return events[choice % kindsOfEvents]!
}

/** Where the events of one phase lead on, so that random lives get far. */
const onward: Partial<Record<SendPhase, readonly number[]>> = {
  queued: [0],
  checked: [3],
  frozen: [4],
  transmitting: [5],
  dotting: [6, 7, 10],
  accepted: [0, 19, 20],
  filed: [20],
  verified: [21],
}

const choicesOfALife = fc.array(fc.integer({ min: 0, max: 100_000 }), { minLength: 20, maxLength: 120, size: 'max' })

/** Runs random lives of a send, hands every step to `check`, and makes sure that they got everywhere. */
function property(check: (before: SendState, event: SendEvent, after: SendState | null) => void): void {
  const visited = new Set<SendPhase>()
  fc.assert(
    fc.property(choicesOfALife, (choices) => {
      let state = fresh
      for (const choice of choices) {
        const lot = Math.floor(choice / 2)
        const next = onward[state.phase] ?? [lot]
        const kind = choice % 2 === 0 ? lot : (next[lot % next.length] ?? 0) + kindsOfEvents * (lot % 30)
        const event = anyEvent(kind)
        visited.add(state.phase)
        const outcome = sendTransition(state, event)
        const made = outcome.rule === 'refuse' ? null : outcome.next
        check(state, event, made)
        state = made ?? state
      }
    }),
    { numRuns: 1_000 },
  )
  expect([...visited].toSorted()).toEqual([...sendPhases].toSorted())
}

/** The events, one after the other; a refused one fails the test. */
function after(...events: readonly SendEvent[]): SendState {
  return events.reduce((state, event) => {
    const outcome = sendTransition(state, event)
    if (outcome.rule === 'refuse') throw new Error(`${event.type} is refused in ${state.phase}`)
    return outcome.next
  }, fresh)
}

const opened = (...kinds: readonly ('accepted' | 'refused' | 'temporary')[]): SendEvent => ({
  type: 'opened',
  verdicts: kinds.map((kind, index) => ({ address: addresses[index] ?? '', kind, reason })),
  retryAt: 5,
})
const toFrozen: readonly SendEvent[] = [{ type: 'released' }, { type: 'froze' }]
const toDotting: readonly SendEvent[] = [
  ...toFrozen,
  opened('accepted', 'accepted', 'accepted'),
  { type: 'dot-marked' },
]
const statuses = (state: SendState): readonly string[] => state.recipients.map(({ status }) => status)

describe('the send table', () => {
  test('every event is listed for every phase', () => {
    for (const row of Object.values(sendTransitions)) expect(Object.keys(row)).toEqual(sendPhases)
  })

  test('each phase is reached only from the one before it, on the way to the server', () => {
    property((before, _event, next) => {
      if (next === null || next.phase === before.phase) return
      if (next.phase === 'checked') expect(before.phase).toBe('queued')
      if (next.phase === 'transmitting') expect(before.phase).toBe('frozen')
      if (next.phase === 'dotting') expect(before.phase).toBe('transmitting')
      if (next.phase === 'frozen') expect(before.phase === 'checked' || before.filing !== null).toBe(true)
    })
  })

  test('H21 from dotting nobody in flight gets back to the wire but by an answer, or by proof that there was no dot', () => {
    const leadsBack: ReadonlySet<SendEventType> = new Set(['answered-temporary', 'lost-before-dot'])
    property((before, event, next) => {
      if (before.phase !== 'dotting' || next === null) return
      for (const [index, { status }] of before.recipients.entries()) {
        const now = next.recipients[index]?.status
        if (status === 'in-flight' && (now === 'pending' || now === 'temporary')) {
          expect(leadsBack.has(event.type)).toBe(true)
        }
      }
    })
  })

  test('H22 an unknown one is left only by evidence or by the user, and asks for both', () => {
    const settles: ReadonlySet<SendEventType> = new Set([
      'found-sent',
      'bounced',
      'reported',
      'resolved-sent',
      'resolved-send-again',
    ])
    property((before, event, next) => {
      if (before.phase !== 'unknown' || next === null) return
      expect(workOf(before)).toMatchObject({ evidence: true, user: true, wire: false, releaseAt: null })
      if (next.phase !== 'unknown') expect(settles.has(event.type)).toBe(true)
    })
  })

  test('who was accepted stays accepted, or bounces; who was sent to stays sent', () => {
    property((before, _event, next) => {
      if (next === null) return
      for (const [index, { status }] of before.recipients.entries()) {
        const now = next.recipients[index]?.status
        if (status === 'accepted') expect(['accepted', 'bounced']).toContain(now)
        if (status === 'bounced') expect(now).toBe('bounced')
      }
      if (sendStatusOf(before) === 'sent') {
        expect(sendStatusOf(next)).toBe('sent')
        expect(next.sentAt).toBe(before.sentAt)
      }
    })
  })

  test('cancelling is refused from the server’s first yes on, and never takes back what was accepted', () => {
    property((before, event, next) => {
      if (event.type !== 'cancelled') return
      const onWire = before.phase === 'transmitting' || before.phase === 'dotting' || before.phase === 'unknown'
      if (onWire) expect(next).toBeNull()
      if (next?.phase === 'cancelled') expect(before.recipients.every(({ status }) => status !== 'accepted')).toBe(true)
    })
  })

  test('a cancelled one stays so, and a cleaned one changes only in those who are left', () => {
    property((before, _event, next) => {
      if (before.phase === 'cancelled' && next !== null) expect(next).toEqual(before)
      if (before.phase === 'cleaned' && workOf(before).releaseAt === null && next !== null) {
        expect(next.filing).toBe('cleaned')
      }
    })
  })

  test('nobody is in flight but on the wire, and H30 whatever is not at its end asks for something', () => {
    property((_before, _event, next) => {
      if (next === null) return
      const onWire = next.phase === 'transmitting' || next.phase === 'dotting'
      expect(statuses(next).includes('in-flight')).toBe(onWire)
      const { releaseAt, ...wants } = workOf(next)
      const isAtEnd = releaseAt === null && Object.values(wants).every((wanted) => !wanted)
      const isDone = next.phase === 'cleaned' || next.phase === 'cancelled' || next.phase === 'failed'
      if (isAtEnd) expect(isDone).toBe(true)
      if (next.phase === 'cancelled' || next.phase === 'failed') expect(isAtEnd).toBe(true)
    })
  })

  test('the phases and how far filing is agree', () => {
    property((_before, _event, next) => {
      if (next === null) return
      const { phase, filing } = next
      if (['accepted', 'filed', 'verified', 'cleaned'].includes(phase)) expect(filing).toBe(phase)
      if (['queued', 'checked', 'cancelled', 'failed', 'unknown', 'parked'].includes(phase)) expect(filing).toBeNull()
      expect(next.sentAt === null).toBe(filing === null)
    })
  })
})

/** A server that counts, and an engine that does what the machine lets it do, with crashes and people in between. */
function live(choices: readonly number[]): ReadonlyMap<string, { taken: number; consents: number }> {
  const counts = new Map(addresses.map((address) => [address as string, { taken: 0, consents: 1 }]))
  let state = fresh
  let isTaken = false
  const tell = (event: SendEvent): boolean => {
    const outcome = sendTransition(state, event)
    if (outcome.rule === 'refuse') return false
    state = outcome.next
    return true
  }
  const people: readonly SendEvent[] = [
    { type: 'cancelled' },
    { type: 'retried' },
    { type: 'held', reason },
    { type: 'unheld' },
    { type: 'resolved-sent', at: 9 },
    { type: 'resolved-send-again' },
  ]
  for (const choice of choices) {
    const inFlight = state.recipients.filter(({ status }) => status === 'in-flight')
    const unknown = state.recipients.filter(({ status }) => status === 'unknown')
    const lot = Math.floor(choice / 8)
    switch (choice % 8) {
      case 0: {
        const event = people[lot % people.length]!
        if (tell(event) && event.type === 'resolved-send-again') {
          for (const { address } of unknown) counts.get(address)!.consents += 1
        }
        continue
      }
      case 1:
        tell({ type: 'recovered' })
        continue
      case 2:
        if (isTaken && unknown.length > 0) tell({ type: 'found-sent', at: 9 })
        continue
      default:
    }
    if (state.phase === 'checked') tell({ type: 'froze' })
    else if (state.phase === 'frozen') tell(anyEvent(4 + kindsOfEvents * lot))
    else if (state.phase === 'transmitting') {
      tell(lot % 3 === 0 ? { type: 'lost-before-dot', reason, retryAt: 5 } : { type: 'dot-marked' })
    } else if (state.phase === 'dotting') {
      // The dot goes: the server takes it or not, and then its answer comes or does not.
      isTaken = lot % 2 === 0
      if (isTaken) for (const { address } of inFlight) counts.get(address)!.taken += 1
      const answer: SendEvent = isTaken
        ? { type: 'answered-ok', at: 9 }
        : { type: 'answered-temporary', reason, retryAt: 5 }
      const losses: readonly SendEvent[] = [answer, { type: 'lost-after-dot', reason }, { type: 'recovered' }]
      tell(losses[Math.floor(lot / 2) % 3]!)
    } else tell({ type: 'released' })
  }
  return counts
}

describe('a life of a send', () => {
  test('H21 H24 H32 no recipient is sent to more often than somebody consented to', () => {
    let most = 0
    fc.assert(
      fc.property(choicesOfALife, (choices) => {
        for (const { taken, consents } of live(choices).values()) {
          expect(taken).toBeLessThanOrEqual(consents)
          most = Math.max(most, taken)
        }
      }),
      { numRuns: 3_000 },
    )
    // The lives are long enough to have sent something, and to have been sent again on demand.
    expect(most).toBeGreaterThan(1)
  })

  test('all goes well', () => {
    const done = after(
      ...toDotting,
      { type: 'answered-ok', at: 9 },
      { type: 'filed' },
      { type: 'copy-verified' },
      { type: 'copies-cleaned' },
    )
    expect(done).toMatchObject({ phase: 'cleaned', attempts: 1, sentAt: 9, error: null })
    expect(workOf(done)).toEqual({ releaseAt: null, wire: false, filing: false, evidence: false, user: false })
  })

  test('partial acceptance is kept, and only who is left is sent to again', () => {
    const partly = after(
      ...toFrozen,
      opened('accepted', 'temporary', 'refused'),
      { type: 'dot-marked' },
      { type: 'answered-ok', at: 9 },
    )
    expect(statuses(partly)).toEqual(['accepted', 'temporary', 'refused'])
    expect(workOf(partly)).toMatchObject({ releaseAt: 5, filing: true })
    const again = [{ type: 'released' }, opened('accepted', 'accepted', 'accepted')] as const
    const second = again.reduce((state, event) => {
      const outcome = sendTransition(state, event)
      return outcome.rule === 'refuse' ? state : outcome.next
    }, partly)
    expect(second.phase).toBe('transmitting')
    expect(statuses(second)).toEqual(['accepted', 'in-flight', 'refused'])
    expect(sendStatusOf(second)).toBe('sent')
  })

  test('H33 an undone one cannot be opened: the wire asks before DATA', () => {
    const undone = after(...toFrozen, { type: 'cancelled' })
    expect(draftStatusOf(undone)).toBe('draft')
    expect(sendTransition(undone, opened('accepted')).rule).toBe('refuse')
    expect(sendTransition(undone, { type: 'dot-marked' }).rule).toBe('refuse')
  })

  test('H29 being offline costs no attempt, whenever it happens', () => {
    const lost: SendEvent = { type: 'lost-before-dot', reason, retryAt: 77 }
    for (const events of [[{ type: 'released' }], toFrozen, [...toFrozen, opened('accepted')], toDotting] as const) {
      expect(after(...events, lost)).toMatchObject({ phase: 'queued', attempts: 0, dueAt: 77 })
    }
  })

  test('a crash while bytes flow tries again; one after the mark asks', () => {
    expect(after(...toFrozen, opened('accepted'), { type: 'recovered' })).toMatchObject({ phase: 'queued' })
    const asked = after(...toDotting, { type: 'recovered' })
    expect(asked).toMatchObject({ phase: 'unknown', error: { code: 'INTERRUPTED' } })
    expect(draftStatusOf(asked)).toBe('sending')
  })

  test('a report about one of those unknown says that the mail was taken', () => {
    const known = after(
      ...toDotting,
      { type: 'lost-after-dot', reason },
      { type: 'bounced', address: addresses[1], reason, at: 9 },
    )
    expect(known).toMatchObject({ phase: 'accepted', sentAt: 9 })
    expect(statuses(known)).toEqual(['accepted', 'bounced', 'accepted'])
  })

  test('so does a report of delay, which fails nobody', () => {
    const known = after(
      ...toDotting,
      { type: 'lost-after-dot', reason },
      { type: 'reported', address: addresses[1], reason, at: 9 },
    )
    expect(known).toMatchObject({ phase: 'accepted', sentAt: 9, error: null })
    expect(statuses(known)).toEqual(['accepted', 'accepted', 'accepted'])
    expect(known.recipients[1]?.reason).toEqual(reason)
  })

  /** One was accepted; the others are unknown, each by a transmission of its own. */
  const twiceInDoubt: readonly SendEvent[] = [
    ...toFrozen,
    opened('accepted', 'temporary', 'temporary'),
    { type: 'dot-marked' },
    { type: 'answered-ok', at: 9 },
    { type: 'released' },
    { type: 'opened', verdicts: [{ address: addresses[1], kind: 'accepted', reason }], retryAt: 5 },
    { type: 'dot-marked' },
    { type: 'recovered' },
    { type: 'released' },
    { type: 'opened', verdicts: [{ address: addresses[2], kind: 'accepted', reason }], retryAt: 5 },
    { type: 'dot-marked' },
  ]

  test('a report about one transmission says nothing of another', () => {
    const bounced: SendEvent = { type: 'bounced', address: addresses[1], reason, at: 10 }
    expect(statuses(after(...twiceInDoubt, { type: 'recovered' }, bounced))).toEqual(['accepted', 'bounced', 'unknown'])
  })

  test('a report takes nobody off the wire', () => {
    const bounced: SendEvent = { type: 'bounced', address: addresses[1], reason, at: 10 }
    const told = after(...twiceInDoubt, bounced)
    expect(told.phase).toBe('dotting')
    expect(statuses(told)).toEqual(['accepted', 'bounced', 'in-flight'])
  })

  test('a hold after an acceptance is about those who are left', () => {
    const held: SendEvent = { type: 'held', reason }
    const accepted = [{ type: 'dot-marked' }, { type: 'answered-ok', at: 9 }] as const
    const partly = after(...toFrozen, opened('accepted', 'temporary'), ...accepted, held)
    expect(partly).toMatchObject({ phase: 'accepted', held: reason })
    expect(workOf(partly)).toMatchObject({ releaseAt: null, user: true })
    const all = after(...toFrozen, opened('accepted', 'accepted', 'accepted'), ...accepted, held)
    expect(all.held).toBeNull()
  })

  test('5xx for all is a draft again, and H32 a retry is the same send', () => {
    const failed = after(...toFrozen, opened('refused', 'refused', 'refused'))
    expect(failed).toMatchObject({ phase: 'failed', attempts: 1, error: reason })
    expect(draftStatusOf(failed)).toBe('draft')
    const outcome = sendTransition(failed, { type: 'retried' })
    expect(outcome).toMatchObject({ rule: 'requeue', next: { phase: 'queued', error: null } })
  })

  test('what was found in Sent holds a send that waits', () => {
    const held = after({ type: 'released' }, { type: 'found-sent', at: 9 })
    expect(held).toMatchObject({ phase: 'queued', held: { code: 'FOUND_IN_SENT' } })
    expect(workOf(held)).toMatchObject({ releaseAt: null, user: true })
    expect(sendStatusOf(held)).toBe('queued')
  })
})
