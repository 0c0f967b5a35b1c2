import { createHash, randomUUID } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'

import { createEngine, type Engine, type Umid } from '@everdraft/core'

import { inChunks } from '../../core/src/storage/chunks.ts'
import { benchFolder } from '../../testkit/bench/real-disk.ts'
import { ratios, spread } from '../../testkit/bench/statistics.ts'
import { ratioWithSpread, type Section, type Suite } from '../../testkit/bench/suite.ts'
import { blobFolder, sqlite } from '../src/index.ts'
import { openAsTheEngine } from './as-the-engine.ts'
import { account, noUploads, unreachable } from './unreachable.ts'

const megabyte = 1024 * 1024
const pieceBytes = 64 * 1024

interface Contestant {
  readonly name: string
  /** Durable when it resolves. */
  store(source: AsyncIterable<Uint8Array>): Promise<void>
  close(): Promise<void>
}

/** One contestant, one round. */
interface Turn {
  readonly ms: number
  readonly longestBlockMs: number
  readonly grownBytes: number
}

/** How long it takes until an attachment is safe, and what else has to wait meanwhile. */
export const attachment: Suite = {
  name: 'attachment',
  async run({ quick, say }) {
    const bytes = (quick ? 2 : 25) * megabyte
    const rounds = quick ? 2 : 15
    await using folder = await benchFolder()
    const contestants = [
      plainFile(folder.path),
      await engineStore('engine.drafts.attach(), folder', join(folder.path, 'folder'), 'folder'),
      await engineStore('engine.drafts.attach(), database', join(folder.path, 'database'), 'beside'),
      await engineStore('engine.drafts.attach(), database in one file', join(folder.path, 'one'), 'inside'),
      await byHand(join(folder.path, 'hand.db')),
    ]
    const turns = contestants.map((): Turn[] => [])
    try {
      // The first round loads and compiles.
      for (let round = -1; round < rounds; round += 1) {
        say(`round ${round + 1} of ${rounds}`)
        for (const [index, contestant] of contestants.entries()) {
          const turn = await take(contestant, round + 1, bytes)
          if (round >= 0) turns[index]?.push(turn)
        }
      }
    } finally {
      for (const contestant of contestants) await contestant.close()
    }
    return section(contestants, turns, { bytes, rounds, fileSystem: folder.fileSystem })
  },
}

/** What one writes who wants one file to be durable: it is written, its hash named, and it is there or not. */
function plainFile(folder: string): Contestant {
  return {
    name: 'a plain file: write, SHA-256, fsync, rename',
    async store(source) {
      const incoming = join(folder, randomUUID())
      const hash = createHash('sha256')
      const handle = await open(incoming, 'wx')
      for await (const piece of source) {
        hash.update(piece)
        await handle.write(piece)
      }
      await handle.sync()
      await handle.close()
      const kept = join(folder, hash.digest('hex'))
      await rename(incoming, kept)
      const parent = await open(dirname(kept), 'r')
      await parent.sync()
      await parent.close()
      await rm(kept)
    },
    close: async () => {},
  }
}

/** The same chunks in the same table, as durable at the same time, moved out of the log in the same small steps. */
async function byHand(file: string): Promise<Contestant> {
  await (await createEngine({ storage: sqlite(file), mailbox: unreachable() })).close()
  const database = openAsTheEngine(file)
  const addBlob = database.prepare(
    `insert into blob (account_id, sha256, size, complete, place, created_at) values ('', '', 0, 0, 'database', 0)`,
  )
  const addChunk = database.prepare('insert into blob_chunk (blob_id, seq, bytes) values (?, ?, ?)')
  const complete = database.prepare('update blob set sha256 = ?, size = ?, complete = 1 where id = ?')
  async function moveLog(): Promise<void> {
    const log = await open(`${file}-wal`, 'r+')
    await log.datasync()
    await log.close()
    database.pragma('wal_checkpoint(passive)')
  }
  return {
    name: 'by hand: the same chunks, database in one file',
    async store(source) {
      const { lastInsertRowid: id } = addBlob.run()
      database.pragma('synchronous = NORMAL')
      const hash = createHash('sha256')
      let moved: Promise<void> = Promise.resolve()
      let seq = 0
      for await (const bytes of inChunks(source, 256 * 1024)) {
        hash.update(bytes)
        addChunk.run(id, seq, bytes)
        await moved
        seq += 1
        if (seq % 8 === 0) moved = moveLog()
        else await nextTurn()
      }
      await moved
      database.pragma('synchronous = FULL')
      complete.run(hash.digest('hex'), seq, id)
    },
    close: async () => void database.close(),
  }
}

async function engineStore(name: string, path: string, place: 'folder' | 'beside' | 'inside'): Promise<Contestant> {
  const engine: Engine = await createEngine({
    storage: sqlite(`${path}.db`, place === 'folder' ? {} : { attachments: place }),
    mailbox: unreachable(),
    timing: noUploads,
    ...(place === 'folder' ? { blobs: blobFolder(path) } : {}),
  })
  const { id: accountId } = await engine.accounts.add(account)
  const draftId: Umid = (await engine.drafts.create({ accountId, policy: 'local-only' })).id
  return {
    name,
    async store(content) {
      await engine.drafts.attach(draftId, { filename: 'film.bin', content })
    },
    close: () => engine.close(),
  }
}

/** Other bytes each round, in memory that is used again, as what a source throws away is not what is measured. */
async function* pieces(round: number, bytes: number): AsyncGenerator<Uint8Array> {
  const piece = new Uint8Array(pieceBytes)
  for (let given = 0; given < bytes; given += pieceBytes) {
    piece.fill(given / pieceBytes)
    piece[0] = round
    yield piece
  }
}

async function take(contestant: Contestant, round: number, bytes: number): Promise<Turn> {
  // What the one before left to the system is not this one's.
  await nextTurn()
  const before = process.memoryUsage.rss()
  let peak = before
  const block = watchBlocks()
  async function* watched(): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces(round, bytes)) {
      peak = Math.max(peak, process.memoryUsage.rss())
      yield piece
    }
  }
  const started = performance.now()
  await contestant.store(watched())
  const ms = performance.now() - started
  peak = Math.max(peak, process.memoryUsage.rss())
  return { ms, longestBlockMs: await block.end(), grownBytes: peak - before }
}

/** How long the event loop was away, at the longest. */
function watchBlocks(): { end(): Promise<number> } {
  let longest = 0
  let turned = performance.now()
  let ended = false
  function look(): void {
    const now = performance.now()
    longest = Math.max(longest, now - turned)
    turned = now
    if (!ended) setImmediate(look)
  }
  setImmediate(look)
  return {
    async end() {
      await nextTurn()
      ended = true
      return longest
    },
  }
}

function section(
  contestants: readonly Contestant[],
  turns: readonly (readonly Turn[])[],
  run: { readonly bytes: number; readonly rounds: number; readonly fileSystem: string },
): Section {
  const of = (index: number, figure: keyof Turn): readonly number[] => (turns[index] ?? []).map((turn) => turn[figure])
  const rows = contestants.map(({ name }, index) => {
    const ms = spread(of(index, 'ms'))
    const block = spread(of(index, 'longestBlockMs'))
    return [
      name,
      `${ms.median.toFixed(0)} (${ms.min.toFixed(0)}–${ms.max.toFixed(0)})`,
      `${block.median.toFixed(1)} (${block.min.toFixed(1)}–${block.max.toFixed(1)})`,
      (Math.max(...of(index, 'grownBytes')) / megabyte).toFixed(1),
      ratioWithSpread(ratios(of(index, 'ms'), of(0, 'ms'))),
    ]
  })
  return {
    title: `An attachment of ${run.bytes / megabyte} MB`,
    intro: `The bytes come in pieces of ${pieceBytes / 1024} KiB from memory; each side is done when they are durable and their SHA-256 is known. ${run.rounds} rounds, the sides in turns, after one that does not count.`,
    settings: [
      `Files on ${run.fileSystem}, all in one folder.`,
      'Plain file: `fs/promises`, `node:crypto`, fsync of the file and of the folder.',
      'Engine with a folder: `blobFolder`, better-sqlite3 with synchronous=FULL beside it; the whole call, with its revision and events.',
      'Engine with its database as it comes: chunks of 256 KiB in the file beside it, which has a rollback journal and pages of 64 KiB; after each 2 MiB the disk begins to write, from another thread.',
      'Engine with all in one file (`attachments: inside`): chunks of 256 KiB, a transaction for each at synchronous=NORMAL, and at FULL the one that makes them an attachment; after each 2 MiB the log is synchronised from another thread, and what it holds is moved into the file, as all at once would keep others waiting.',
      'By hand: better-sqlite3, the same chunks in the same table, the same transactions and steps.',
    ],
    tables: [
      {
        caption: 'Until it is durable',
        columns: [
          'side',
          'ms: median (range)',
          'longest block of the event loop, ms: median (range)',
          'memory grew by, MB',
          'time / plain file',
        ],
        rows,
      },
    ],
    notes: [
      'In one file SQLite writes each byte twice, page by page, to its log and to the file, and synchronises both, by hand, too: [ADR 30](adr/0030-pieces-of-an-attachment-are-not-durable-one-by-one.md), [ADR 32](adr/0032-large-attachments-lie-in-a-file-beside.md).',
      'A block is the longest of its round, and what other programs took from this one is in it. The memory is the most of all rounds. The ratio is of each round: median (range).',
    ],
  }
}
