// open-and-list.ts FILE: opens the store, lists ten drafts, and says how long that took and how much memory is held then.
import { setTimeout } from 'node:timers/promises'

import { createEngine } from '@everdraft/core'
import { sqlite } from '@everdraft/sqlite'

import { noUploads, unreachable } from './unreachable.ts'

const [file] = process.argv.slice(2)
if (file === undefined) throw new TypeError('which file?')
const started = performance.now()
const engine = await createEngine({ storage: sqlite(file), mailbox: unreachable(), timing: noUploads })
await engine.drafts.list({ limit: 10 })
const listMs = performance.now() - started
// Idle: what the start sets off is over.
await setTimeout(500)
process.stdout.write(JSON.stringify({ listMs, idleBytes: process.memoryUsage.rss() }))
await engine.close()
