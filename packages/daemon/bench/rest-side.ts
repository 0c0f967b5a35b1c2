// One side of the comparison in a process of its own: `rest-side.ts engine|bare`. It says its URL over IPC, and its memory when asked.
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

import { createEngine } from '@everdraft/core'
import { sqlite } from '@everdraft/sqlite'
import Database from 'better-sqlite3'
import { fastify } from 'fastify'

import { account, noUploads, unreachable } from '../../sqlite/bench/unreachable.ts'
import { benchFolder } from '../../testkit/bench/real-disk.ts'
import { createDaemon } from '../src/index.ts'

/** Memory that the garbage collector would give back is not what a request costs. */
declare const gc: ((options: { readonly type: 'major'; readonly flavor: 'last-resort' }) => void) | undefined

export const token = 'the-token-of-this-benchmark'

/** What the sides serve. */
export interface Side {
  readonly url: string
  readonly fileSystem: string
  /** Of `GET /accounts/{id}/drafts` and `POST /accounts/{id}/drafts`. */
  readonly path: string
}

/** What the bare routes give back: what the daemon did. */
export interface Payloads {
  readonly lists: Readonly<Record<string, unknown>>
  readonly created: { readonly id: string }
}

export interface Memory {
  readonly residentBytes: number
  readonly heapBytes: number
}

interface Serving {
  readonly url: string
  readonly path: string
  close(): Promise<void>
}

if (process.send !== undefined && process.argv[1] === import.meta.filename) await serve()

async function serve(): Promise<void> {
  await using folder = await benchFolder()
  const side = process.argv[2] === 'engine' ? await serveEngine(folder.path) : await serveBare(folder.path)
  process.on('message', (question) => {
    if (question === 'memory') void settledMemory().then((memory) => process.send?.(memory))
  })
  const said: Side = { url: side.url, path: side.path, fileSystem: folder.fileSystem }
  process.send?.(said)
  await once(process, 'disconnect')
  await side.close()
}

/** The daemon as it comes, but for the uploads, which are an hour away. */
async function serveEngine(folder: string): Promise<Serving> {
  const engine = await createEngine({
    storage: sqlite(join(folder, 'everdraft.db')),
    mailbox: unreachable(),
    timing: noUploads,
  })
  const { id } = await engine.accounts.add(account)
  const daemon = await createDaemon({ engine, token, version: '0.0.0' })
  return {
    url: await daemon.listen({ host: '127.0.0.1', port: 0 }),
    path: `/accounts/${id}/drafts`,
    close: async () => {
      await daemon.close()
      await engine.close()
    },
  }
}

/** Two routes of Fastify and nothing else: the same JSON from memory, and one row with an index in SQLite, durable. */
async function serveBare(folder: string): Promise<Serving> {
  const asked = once(process, 'message')
  process.send?.('payloads')
  const [{ lists, created }] = (await asked) as [Payloads]
  const database = new Database(join(folder, 'bare.db'))
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = FULL')
  database.exec(`
    create table draft (id text primary key, account_id text not null, content text not null, updated_at integer not null) strict;
    create index draft_by_change on draft (account_id, updated_at desc, id)`)
  const insert = database.prepare('insert into draft (id, account_id, content, updated_at) values (?, ?, ?, ?)')
  const app = fastify()
  app.get<{ Querystring: { limit: string } }>('/drafts', ({ query }) => lists[query.limit])
  app.post('/drafts', ({ body }, reply) => {
    const id = crypto.randomUUID()
    insert.run(id, 'account', JSON.stringify(body), Date.now())
    return reply.code(201).send({ ...created, id })
  })
  return {
    url: await app.listen({ host: '127.0.0.1', port: 0 }),
    path: '/drafts',
    close: async () => {
      await app.close()
      database.close()
    },
  }
}

async function settledMemory(): Promise<Memory> {
  for (let round = 0; round < 3; round += 1) {
    gc?.({ type: 'major', flavor: 'last-resort' })
    await wait(100)
  }
  const { rss, heapUsed } = process.memoryUsage()
  return { residentBytes: rss, heapBytes: heapUsed }
}
