import { test } from 'vitest'

import { simulateDevices } from './simulate-devices.ts'
import { proveSeed, seedsOfDevices } from './simulation.ts'

test('every seed keeps the invariants with two devices of one user', { timeout: 24 * 3_600_000 }, async () => {
  for (const seed of seedsOfDevices()) await proveSeed(seed, simulateDevices)
})
