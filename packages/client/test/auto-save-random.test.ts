import { setTimeout as wait } from 'node:timers/promises'

import { describe, expect, test } from 'vitest'

import type { SaveStatus } from '../src/index.ts'
import { isChromiumHere, type Page } from './chromium.ts'
import { inChromium } from './in-chromium.ts'
import { startComposing } from './editor-page.ts'

const steps = Number(process.env['EVERDRAFT_BROWSER_STEPS'] ?? 12)
const seed = Number(process.env['EVERDRAFT_BROWSER_SEED'] ?? 1)

/** Mulberry32: the seed that a failure shows replays it. */
function random(from: number): () => number {
  let state = from
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Else the test would be too late, and say nothing of what it waited for. */
async function soon(what: Promise<unknown> | undefined, otherwise: () => string): Promise<void> {
  const tooLate = wait(30_000, null, { ref: false }).then(() => {
    throw new Error(otherwise())
  })
  await Promise.race([what, tooLate])
}

// skipped: where there is no Chromium
describe.skipIf(!isChromiumHere)('auto-save in Chromium', () => {
  const both = inChromium()

  test(
    `whatever happens to tabs and lines, each word that was kept is there in the end (seed ${seed})`,
    async () => {
      let isDown = false
      let lossy = 0
      const composing = await startComposing(both, {
        passes: () => !isDown,
        loses: ({ method }) => {
          if (method === 'POST' && lossy > 0) lossy -= 1
          else return false
          return true
        },
      })
      const { client, accountId, draftId } = composing
      const next = random(seed)
      const open = async (): Promise<Page> => await composing.open({ interval: '60000', choice: 'restore' })
      let page = await open()
      let greeting = 'Dear Ann,'
      const words: string[] = []
      const done: string[] = []

      const whatHappens: Readonly<Record<string, () => Promise<void>>> = {
        crash: async () => {
          await page.crash()
          page = await open()
        },
        close: async () => {
          await page.close()
          page = await open()
        },
        reload: async () => {
          await page.goto('about:blank')
          page = await open()
        },
        save: async () => void (await page.evaluate('made.flush()')),
        cut: async () => void (isDown = true),
        heal: async () => void (isDown = false),
        'lose answers': async () => void (lossy = 2),
        'edit elsewhere': async () => {
          const { text } = await composing.stored()
          greeting = `Dear Ann ${words.length},`
          const body = { text: text.replace(/^.*/, greeting) }
          const params = { path: { id: accountId, draft_id: draftId } }
          await client.PUT('/accounts/{id}/drafts/{draft_id}', { params, body })
        },
      }
      const names = Object.keys(whatHappens)
      for (let step = 0; step < steps; step += 1) {
        const word = `word${step};`
        await page.type(word)
        await soon(
          page.evaluate(`untilKept(${JSON.stringify(word)})`),
          () => `${word} is not kept after ${done.join()}`,
        )
        words.push(word)
        const name = names[Math.floor(next() * names.length)] ?? 'save'
        done.push(name)
        await soon(whatHappens[name]?.(), () => `nothing comes after ${done.join()}`)
      }
      isDown = false
      lossy = 0
      await page.close()
      page = await open()
      const status = await page.evaluate<SaveStatus>('made.flush()')
      // However many answers were lost, and whoever wrote in between: at different places nobody is asked.
      expect(status, done.join()).toMatchObject({ state: 'saved' })
      const { text } = await composing.stored()
      for (const word of words) expect(text, done.join()).toContain(word)
      expect(text.startsWith(`${greeting}\n`), done.join()).toBe(true)
    },
    60_000 + steps * 2_000,
  )
})
