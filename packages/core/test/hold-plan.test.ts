import { describe, expect, test } from 'vitest'

import { holdPlan } from '../src/sync/hold-plan.ts'

const now = 1_000_000_000
const day = 86_400_000
const limits = { longestSeconds: 86_400, latest: null }

describe('who holds a mail until its hour', () => {
  test('nobody, where there is no hour or it has come', () => {
    expect(holdPlan(null, limits, now)).toEqual({ kind: 'go', until: null })
    expect(holdPlan(now, limits, now)).toEqual({ kind: 'go', until: null })
  })

  test('the server, in whole seconds and never sooner', () => {
    expect(holdPlan(now + 5_001, limits, now)).toEqual({ kind: 'go', until: now + 6_000 })
  })

  test('this device, where the server holds nothing', () => {
    expect(holdPlan(now + 5_000, null, now)).toEqual({ kind: 'wait', until: now + 5_000 })
  })

  test('this device until the server would hold it, and a minute longer, as clocks differ', () => {
    const plan = holdPlan(now + 3 * day, limits, now)
    expect(plan).toEqual({ kind: 'wait', until: now + 2 * day + 60_000 })
    expect(holdPlan(now + 3 * day, limits, plan.until ?? 0)).toEqual({ kind: 'go', until: now + 3 * day })
  })

  test('this device to the end, where the hour is later than the latest that the server knows', () => {
    const short = { longestSeconds: 10 * 86_400, latest: now + day }
    expect(holdPlan(now + 2 * day, short, now)).toEqual({ kind: 'wait', until: now + 2 * day })
  })
})
