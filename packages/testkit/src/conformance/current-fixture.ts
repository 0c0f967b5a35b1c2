import { afterEach, beforeEach } from 'vitest'

/** Opens a fixture before each test and closes it after; answers what gives the one of the running test. */
export function fixtureOfEachTest<Fixture extends { close(): Promise<void> }>(
  what: string,
  open: () => Promise<Fixture>,
): () => Fixture {
  let current: Fixture | undefined
  beforeEach(async () => {
    current = await open()
  })
  afterEach(async () => {
    await current?.close()
    current = undefined
  })
  return () => {
    if (current === undefined) throw new Error(`The ${what} is open only inside tests`)
    return current
  }
}
