// How much memory an APPEND takes: node packages/mail/bench/append-memory.ts [megabytes]
import { setTimeout as wait } from 'node:timers/promises'

import type { FolderPath } from '@everdraft/core'
import { imap } from '@everdraft/mail'
import { startServer } from '@everdraft/testkit'

const megabytes = Number(process.argv[2] ?? 60)
const limitMegabytes = 50

const server = await startServer('dovecot24')
try {
  const settings = { host: server.host, port: server.imapPort, security: 'none', ...server.user() } as const
  const session = await imap().connect(settings, { signal: new AbortController().signal, timeoutMs: 30_000 })
  await wait(500)
  const before = process.memoryUsage().rss
  let peak = before
  const pieces = megabytes * 16
  const open = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    for (let piece = 0; piece < pieces; piece += 1) {
      // A fresh buffer each time, as a file or a database gives it.
      yield Buffer.from(`${'A'.repeat(62)}\r\n`.repeat(1024))
      peak = Math.max(peak, process.memoryUsage().rss)
    }
  }
  const header = Buffer.from('Message-ID: <memory@example.org>\r\n\r\n')
  const started = performance.now()
  const outcome = await session.append({
    folder: 'Drafts' as FolderPath,
    flags: ['\\Draft'],
    internalDate: Date.now(),
    segments: [
      { kind: 'bytes', bytes: header },
      { kind: 'stream', size: pieces * 65_536, open },
    ],
  })
  const seconds = (performance.now() - started) / 1000
  const extra = (peak - before) / 1e6
  process.stdout.write(
    `${outcome.kind}: ${megabytes} MiB in ${seconds.toFixed(2)} s, +${extra.toFixed(1)} MB of memory\n`,
  )
  if (outcome.kind !== 'stored' || extra > limitMegabytes) process.exitCode = 1
  await session.close()
} finally {
  await server.stop()
}
