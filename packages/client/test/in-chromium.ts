import { afterAll, beforeAll } from 'vitest'

import { type Browser, startChromium } from './chromium.ts'
import { type Running, start } from './harness.ts'

/** A daemon and a browser for the tests of the suite that asks; both are there as soon as the first of them begins. */
export function inChromium(): { readonly browser: Browser; readonly running: Running } {
  let browser: Browser
  let running: Running
  const ends: (() => Promise<void>)[] = []
  beforeAll(async () => {
    running = await start((end) => ends.push(end))
    browser = await startChromium()
    ends.push(async () => await browser.close())
  })
  afterAll(async () => {
    for (const end of ends.toReversed()) await end()
  })
  return {
    get browser() {
      return browser
    },
    get running() {
      return running
    },
  }
}
