// What a long bundle costs in memory, in a process of its own: `bundle-memory.ts DRAFTS`. It says its figures over IPC.
import { createReadStream, createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as wait } from 'node:timers/promises'

import { createEngine, type Engine } from '@everdraft/core'
import { sqlite } from '@everdraft/sqlite'

import { account, noUploads, unreachable } from '../../sqlite/bench/unreachable.ts'
import { benchFolder } from '../../testkit/bench/real-disk.ts'
import { randomWords } from '../../testkit/bench/words.ts'

/** What is left of earlier work is not what this costs. */
declare const gc: ((options: { readonly type: 'major'; readonly flavor: 'last-resort' }) => void) | undefined

export interface BundleMemory {
  readonly drafts: number
  /** Of the file, and of what it says. */
  readonly bytes: number
  readonly bytesUncompressed: number
  readonly exported: Course
  readonly imported: Course
}

export interface Course {
  readonly ms: number
  /** Resident, at most, beyond what it was before. */
  readonly growthBytes: number
  /** The longest time in which nothing else had its turn. */
  readonly longestTurnMs: number
}

if (process.send !== undefined && process.argv[1] === import.meta.filename) {
  process.send(await measure(Number(process.argv[2])))
  process.disconnect()
}

async function measure(drafts: number): Promise<BundleMemory> {
  await using folder = await benchFolder()
  const open = async (name: string): Promise<Engine> =>
    await createEngine({ storage: sqlite(join(folder.path, name)), mailbox: unreachable(), timing: noUploads })
  const from = await open('from.db')
  const to = await open('to.db')
  try {
    const { id } = await from.accounts.add(account)
    const { id: into } = await to.accounts.add(account)
    const base = randomWords(4_084)
    for (let made = 0; made < drafts; made += 100) {
      const several = Array.from({ length: 100 }, (_, index) =>
        from.drafts.create({ accountId: id, subject: `Letter ${made + index}`, text: `${made + index} ${base}` }),
      )
      await Promise.all(several)
    }
    // The index follows what was made; it is no part of an export.
    await from.housekeep()
    const file = join(folder.path, 'drafts.jsonl.gz')
    const bundle = await from.bundles.export(id)
    const exported = await courseOf(async () => {
      await pipeline(Readable.from(bundle.bytes, { objectMode: false }), createWriteStream(file))
    })
    const imported = await courseOf(async () => {
      const { counts } = await to.bundles.import(into, createReadStream(file) as AsyncIterable<Uint8Array>)
      if (counts.created !== drafts) throw new Error(`${counts.created} drafts of ${drafts} came in`)
    })
    const measured = bundle.metadata()
    return {
      drafts,
      bytes: measured?.bytes ?? 0,
      bytesUncompressed: measured?.bytesUncompressed ?? 0,
      exported,
      imported,
    }
  } finally {
    await from.close()
    await to.close()
  }
}

async function courseOf(work: () => Promise<void>): Promise<Course> {
  for (let round = 0; round < 3; round += 1) {
    gc?.({ type: 'major', flavor: 'last-resort' })
    await wait(100)
  }
  const before = process.memoryUsage.rss()
  let most = before
  let longestTurnMs = 0
  let last = performance.now()
  const look = setInterval(() => {
    const now = performance.now()
    longestTurnMs = Math.max(longestTurnMs, now - last - 5)
    last = now
    most = Math.max(most, process.memoryUsage.rss())
  }, 5)
  const started = performance.now()
  await work()
  const ms = performance.now() - started
  // Whom the end of it kept waiting has its turn only now.
  await wait(10)
  clearInterval(look)
  return { ms, growthBytes: Math.max(most, process.memoryUsage.rss()) - before, longestTurnMs }
}
