// open-and-list.js FILE: opens the store, lists ten drafts, and says how long that took and how much memory is held then.
// It runs the built packages, as they are installed, and is JavaScript: what strips types would be counted, too.
import { registerHooks } from 'node:module'
import { setTimeout } from 'node:timers/promises'

const [file] = process.argv.slice(2)
if (file === undefined) throw new TypeError('which file?')
registerHooks({
  resolve(specifier, context, next) {
    const name = /^@everdraft\/([a-z]+)$/.exec(specifier)?.[1]
    if (name === undefined) return next(specifier, context)
    return { url: new URL(`../../${name}/dist/index.js`, import.meta.url).href, shortCircuit: true }
  },
})
const { createEngine } = await import('@everdraft/core')
const { sqlite } = await import('@everdraft/sqlite')

const hour = 3_600_000
const options = {
  storage: sqlite(file),
  // Nothing is asked of it but to be there.
  mailbox: { format: {}, connect: () => Promise.reject(new Error('there is no network here')) },
  timing: { uploadDelayMs: hour, longestUploadDelayMs: hour },
}

async function openAndList() {
  const started = performance.now()
  const engine = await createEngine(options)
  await engine.drafts.list({ limit: 10 })
  return { engine, listMs: performance.now() - started }
}

const first = await openAndList()
// Idle: what the start sets off is over.
await setTimeout(500)
const idleBytes = process.memoryUsage.rss()
await first.engine.close()
const again = await openAndList()
await again.engine.close()
process.stdout.write(JSON.stringify({ listMs: first.listMs, againMs: again.listMs, idleBytes }))
