import { test } from 'vitest'

import { proveSeed, seedsOf } from './simulation.ts'

test('every seed of this share keeps the invariants, twice in the same way', { timeout: 24 * 3_600_000 }, async () => {
  for (const seed of seedsOf(0)) await proveSeed(seed)
})
