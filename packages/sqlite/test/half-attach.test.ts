import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, open, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { createEngine, inspectStore, type Umid } from '@everdraft/core'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'

import { createFakeMailbox } from '../../core/test/fake-mailbox.ts'
import { sqlite } from '../src/index.ts'
import { temporaryFolder } from './harness.ts'

/** Six chunks: the log is not moved into the file meanwhile, and only grows. */
const bytes = 1_536 * 1024

/** A process is killed in the middle of its second attach. */
async function killed(
  file: string,
  place: 'inside' | 'beside',
): Promise<{ readonly id: Umid; readonly logBytes: number }> {
  const program = fileURLToPath(new URL('half-attach-child.ts', import.meta.url))
  const child = spawn(process.execPath, [program, file, String(bytes), place], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  try {
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const first = await lines.next()
    expect((await lines.next()).value).toBe('in the middle')
    return JSON.parse(first.value as string) as { readonly id: Umid; readonly logBytes: number }
  } finally {
    child.kill('SIGKILL')
    await exited
  }
}

/** The names of the draft's attachments, each read in whole. */
async function attachments(file: string, id: Umid): Promise<readonly string[]> {
  await using engine = await createEngine({ storage: sqlite(file), mailbox: createFakeMailbox().port })
  const draft = await engine.drafts.get(id)
  for (const attachment of draft.attachments) {
    const { content } = await engine.drafts.readAttachment(id, attachment.id)
    let size = 0
    for await (const piece of content) size += piece.length
    expect(size).toBe(bytes)
  }
  return draft.attachments.map(({ filename }) => filename ?? '')
}

function count(file: string): { readonly blobs: number; readonly chunks: number } {
  const database = new Database(file)
  const one = (table: string) => database.prepare(`select count(*) from ${table}`).pluck().get() as number
  const counted = { blobs: one('blob'), chunks: one('blob_chunk') }
  database.close()
  return counted
}

test('of an attachment beside the file that a kill cut nothing stays, and one that was acknowledged is whole', async () => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'everdraft.db')
  const { id } = await killed(file, 'beside')
  expect((await stat(`${file}-attachments`)).size).toBeGreaterThan(bytes)
  expect(await attachments(file, id)).toEqual(['whole'])
  const beside = new Database(`${file}-attachments`)
  const counted = beside.prepare('select count(*) as bodies, (select sum(length(bytes)) from piece) as bytes from body')
  expect(counted.get()).toEqual({ bodies: 1, bytes })
  beside.close()
  expect(count(file)).toEqual({ blobs: 1, chunks: 0 })
  expect((await inspectStore(sqlite(file))).findings).toEqual([])
})

test('of an attachment that a crash or a power loss cut nothing stays, and one that was acknowledged is whole', async () => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'everdraft.db')
  const { id, logBytes } = await killed(file, 'inside')

  // A crash: all that was written is there. A power loss: the disk need not have what came after the acknowledgement.
  const losses: Readonly<Record<string, (log: string) => Promise<void>>> = {
    crash: async () => {},
    all: (log) => truncate(log, logBytes),
    most: (log) => truncate(log, logBytes + 700_001),
    'the first of it alone': async (log) => {
      const handle = await open(log, 'r+')
      await handle.write(new Uint8Array(64 * 1024), 0, 64 * 1024, logBytes)
      await handle.close()
    },
  }
  for (const [what, lose] of Object.entries(losses)) {
    const copy = join(folder.path, `${what}.db`)
    await copyFile(file, copy)
    await copyFile(`${file}-wal`, `${copy}-wal`)
    await lose(`${copy}-wal`)
    if (what === 'crash') expect(count(copy)).toEqual({ blobs: 2, chunks: 12 })
    expect(await attachments(copy, id), what).toEqual(['whole'])
    expect(count(copy), what).toEqual({ blobs: 1, chunks: 6 })
    expect((await inspectStore(sqlite(copy))).findings, what).toEqual([])
  }

  // That it is the log's end which counts: a byte less than was acknowledged, and the attachment is not whole.
  const less = join(folder.path, 'less.db')
  await copyFile(file, less)
  await copyFile(`${file}-wal`, `${less}-wal`)
  await truncate(`${less}-wal`, logBytes - 1)
  expect(await attachments(less, id)).toEqual([])
})
