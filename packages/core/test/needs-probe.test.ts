import { describe, expect, test } from 'vitest'

import type { AccountProbe } from '../src/storage/account-probes.ts'
import { needsProbe } from '../src/sync/account-probe.ts'

const capabilities = { replace: true } as unknown as AccountProbe['capabilities']
const server = { serverId: 'Dovecot', capabilities }
const survival = {} as NonNullable<AccountProbe['survival']>
const known: AccountProbe = { at: 0, ...server, survival, refusal: null, left: null }
const dayMs = 24 * 3_600_000

describe('a server is looked at before an upload', () => {
  test('when nothing is known of it, or a message of the last look is left there', () => {
    expect(needsProbe(null, server, 0)).toBe(true)
    expect(needsProbe({ ...known, left: {} as NonNullable<AccountProbe['left']> }, server, 0)).toBe(true)
  })

  test('when it gives itself another name or version, or has other capabilities', () => {
    expect(needsProbe(known, server, 1_000 * dayMs)).toBe(false)
    expect(needsProbe(known, { ...server, serverId: 'Dovecot 2.5' }, 0)).toBe(true)
    expect(needsProbe(known, { ...server, serverId: null }, 0)).toBe(true)
    const others = { ...capabilities, replace: false }
    expect(needsProbe(known, { ...server, capabilities: others }, 0)).toBe(true)
  })

  test('once a day while it took no message', () => {
    const refused: AccountProbe = { ...known, survival: null, refusal: 'no' }
    expect(needsProbe(refused, server, dayMs - 1)).toBe(false)
    expect(needsProbe(refused, server, dayMs)).toBe(true)
  })
})
