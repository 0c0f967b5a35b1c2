import { describe, expect, test } from 'vitest'

import { sendingCutsSuite } from './cuts-suite.ts'
import { openFaultySender } from './faulty-sender.ts'

describe('a server that takes commands in a row', () => {
  sendingCutsSuite({ open: () => openFaultySender() })
})

describe('a server that takes one command at a time', () => {
  sendingCutsSuite({ open: () => openFaultySender({ pipelining: false }) })
})

test.for(['fin', 'rst'] as const)(
  'a %s early in a large message is heard before its end: it goes again, and nothing is unknown',
  async (how) => {
    await using sender = await openFaultySender()
    const fileBytes = 3_000_000
    const cut = sender.proxy.cutAfter({ direction: 'toServer', how, bytes: 100_000 })
    const id = await sender.consent({ fileBytes })
    await cut.done
    const first = await sender.rest(id)
    expect(first).toMatchObject({ status: 'queued', attempts: 0, error: { code: 'CONNECTION_LOST' } })
    const last = await sender.recover(id)
    expect(last).toMatchObject({ status: 'sent', attempts: 1 })
    expect(sender.got(last)).toEqual([1, 1])
  },
)
