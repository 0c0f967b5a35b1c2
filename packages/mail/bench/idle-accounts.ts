import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

import { createEngine, type Engine } from '@everdraft/core'
import { imap } from '@everdraft/mail'

// The store is no dependency of this package: it is taken through its own door.
import { sqlite } from '../../sqlite/src/index.ts'
import { benchFolder } from '../../testkit/bench/real-disk.ts'
import { count, ratio, type Section, type Suite } from '../../testkit/bench/suite.ts'

const plans = {
  full: { accounts: 1_000, restMs: 20_000 },
  quick: { accounts: 20, restMs: 500 },
} as const

/** Memory that the garbage collector would give back is not what an account costs. */
declare const gc: ((options: { readonly type: 'major'; readonly flavor: 'last-resort' }) => void) | undefined

/** What an account costs that is only listened to, and what all of them cost while nothing happens. */
export const idleAccounts: Suite = {
  name: 'idle',
  async run({ quick, say }) {
    const { accounts, restMs } = quick ? plans.quick : plans.full
    const measuring = fork(import.meta.filename, [String(accounts), String(restMs)], { execArgv: ['--expose-gc'] })
    const found = await firstMessage<Found>(measuring)
    say(
      `${count(accounts)} accounts: ${count(found.bytesEach / 1024)} KiB each, ${found.cpuShare.toFixed(4)} of a core`,
    )
    return section(accounts, restMs, found)
  },
}

interface Found {
  readonly baseBytes: number
  readonly bytesEach: number
  readonly cpuShare: number
  readonly sentEach: number
  readonly secondsToConnect: number
}

async function firstMessage<Message>(child: ChildProcess): Promise<Message> {
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the process ended with ${String(code)} before it had said what it found`)
  })
  // It also ends after it has said it.
  ended.catch(() => {})
  const [message] = (await Promise.race([once(child, 'message'), ended])) as [Message]
  return message
}

function section(accounts: number, restMs: number, found: Found): Section {
  return {
    title: 'Idle accounts',
    intro: `${count(accounts)} accounts in one process, each with a connection of its own that is listened to (NOTIFY or IDLE), and an empty Drafts folder. What they cost in memory beyond the process with an open store, and in CPU over ${count(restMs / 1000)} s in which nothing happens.`,
    settings: [
      'engine: `sqlite(file)`, `imap()` and `watch` as they come; each account has made its first round. Resident memory after garbage collection, before and after',
      'server: the embedded mail server, in a process of its own, without TLS',
    ],
    tables: [
      {
        caption: `${count(accounts)} accounts`,
        columns: [
          'base, MiB',
          'each account, KiB',
          'CPU at rest, % of a core',
          'bytes sent each',
          'all connected after, s',
        ],
        rows: [
          [
            ratio(found.baseBytes / 1024 / 1024),
            ratio(found.bytesEach / 1024),
            ratio(found.cpuShare * 100),
            count(found.sentEach),
            ratio(found.secondsToConnect),
          ],
        ],
      },
    ],
    notes: [
      'What the logins leave behind as garbage is not counted: the runtime keeps those pages until it runs short of memory.',
    ],
  }
}

if (process.send !== undefined && process.argv[1] === import.meta.filename) await measure()

async function measure(): Promise<void> {
  const accounts = Number(process.argv[2])
  const restMs = Number(process.argv[3])
  const server = fork(join(import.meta.dirname, 'idle-server.ts'), [String(accounts)])
  const { port } = await firstMessage<{ readonly port: number }>(server)
  await using folder = await benchFolder()
  const engine = await createEngine({ storage: sqlite(join(folder.path, 'everdraft.db')), mailbox: imap() })
  try {
    await warmUp(engine, port)
    const baseBytes = await settledMemory()
    const started = performance.now()
    const ids = []
    for (let index = 1; index <= accounts; index += 1) ids.push((await add(engine, port, index)).id)
    const reports = await Promise.all(ids.map((id) => engine.sync(id)))
    if (reports.some(({ settled, errors }) => !settled || errors.length > 0)) throw new Error('a round failed')
    const secondsToConnect = (performance.now() - started) / 1000
    // The listening begins behind the rounds, and has a look of its own.
    await wait(Math.min(5_000, restMs))
    const cpu = process.cpuUsage()
    const at = performance.now()
    await wait(restMs)
    const { user, system } = process.cpuUsage(cpu)
    const restedMs = performance.now() - at
    const bytes = await settledMemory()
    const found: Found = {
      baseBytes,
      bytesEach: (bytes - baseBytes) / accounts,
      cpuShare: (user + system) / 1000 / restedMs,
      sentEach: reports.reduce((sum, { bytesSent }) => sum + bytesSent, 0) / accounts,
      secondsToConnect,
    }
    process.send?.(found)
  } finally {
    await engine.close()
    server.kill()
    process.disconnect()
  }
}

/** What is loaded and compiled with the first account is no part of what each costs. */
async function warmUp(engine: Engine, port: number): Promise<void> {
  const { id } = await add(engine, port, 0)
  await engine.sync(id)
}

function add(engine: Engine, port: number, index: number) {
  return engine.accounts.add({
    address: `u${index}@example.org`,
    imap: { host: '127.0.0.1', port, security: 'none', user: `u${index}`, password: 'secret' },
  })
}

async function settledMemory(): Promise<number> {
  for (let round = 0; round < 3; round += 1) {
    gc?.({ type: 'major', flavor: 'last-resort' })
    await wait(100)
  }
  return process.memoryUsage().rss
}
