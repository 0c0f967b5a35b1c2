import { describe, expect, test } from 'vitest'

import { newSend, type RecipientStatus, type SendPhase, type SendState } from '../src/draft/send-state.ts'
import type { Version } from '../src/ids.ts'
import { bouncePlan } from '../src/sync/bounce-plan.ts'
import type { Bounce, BouncedRecipient } from '../src/wire/bounce.ts'

const at = 7

function send(phase: SendPhase, recipients: Readonly<Record<string, RecipientStatus>>): SendState {
  const fresh = newSend(1 as Version, [], 0)
  const filing = phase === 'accepted' || phase === 'cleaned' ? phase : null
  const all = Object.entries(recipients).map(([address, status]) => ({ address, status, reason: null }))
  return { ...fresh, phase, filing, recipients: all }
}

function bounce(...recipients: readonly Partial<BouncedRecipient>[]): Bounce {
  const bare = { address: '', action: 'failed', status: null, diagnostic: null } as const
  const all = recipients.map((one) => ({ ...bare, ...one }))
  return { kind: 'report', envid: null, messageId: null, token: null, recipients: all }
}

describe('what a report says about a send', () => {
  test('waits for the end of a transmission', () => {
    const state = send('dotting', { 'bob@example.com': 'in-flight' })
    expect(bouncePlan(state, bounce({ address: 'bob@example.com' }), at)).toEqual({ kind: 'wait' })
  })

  test('each recipient has its own fate; unknown ones are passed over', () => {
    const state = send('cleaned', { 'bob@example.com': 'accepted', 'carla@example.com': 'accepted' })
    const report = bounce(
      { address: 'Carla@Example.com', action: 'delayed', status: '4.4.1' },
      { address: 'bob@example.com', status: '5.1.1', diagnostic: '550 No such user' },
      { address: 'dan@example.com' },
    )
    expect(bouncePlan(state, report, at)).toMatchObject({
      kind: 'tell',
      events: [
        {
          type: 'reported',
          address: 'carla@example.com',
          reason: { code: 'DELAYED', message: 'it is delayed: the server there keeps trying (4.4.1)' },
        },
        { type: 'bounced', address: 'bob@example.com', reason: { code: 'BOUNCED', message: '5.1.1 550 No such user' } },
      ],
    })
  })

  test('a domain is the same in ASCII and in letters', () => {
    const state = send('cleaned', { 'ann@bücher.example': 'accepted', 'jörg@bücher.example': 'accepted' })
    const report = bounce({ address: 'ANN@xn--bcher-kva.example' }, { address: 'jörg@Bücher.example' })
    expect(bouncePlan(state, report, at)).toMatchObject({
      events: [{ address: 'ann@bücher.example' }, { address: 'jörg@bücher.example' }],
    })
  })

  test('one with another spelling is not taken for its neighbour', () => {
    const state = send('cleaned', { 'Bob@example.com': 'accepted', 'bob@example.com': 'accepted' })
    expect(bouncePlan(state, bounce({ address: 'bob@example.com' }), at)).toMatchObject({
      events: [{ address: 'bob@example.com' }],
    })
  })

  test('one that waits here was sent by somebody: that holds it', () => {
    const state = send('queued', { 'bob@example.com': 'pending' })
    expect(bouncePlan(state, bounce({ address: 'bob@example.com' }), at)).toMatchObject({
      events: [{ type: 'found-sent' }, { type: 'bounced' }],
    })
  })

  test('who is left after an acceptance is not held by a report about another', () => {
    const state = send('accepted', { 'bob@example.com': 'accepted', 'carla@example.com': 'temporary' })
    expect(bouncePlan(state, bounce({ address: 'bob@example.com' }), at)).toMatchObject({
      events: [{ type: 'bounced' }],
    })
  })
})
