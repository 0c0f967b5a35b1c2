import { createHash } from 'node:crypto'

import { type AttachmentId, type Draft, type Engine, type Umid } from '@everdraft/core'
import Database from 'better-sqlite3'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { collect, sha256 } from '../../core/test/fake-mailbox.ts'
import { codeOf, type FakeDevice, openFakeDevice, seededRandom, withStatementHook } from './harness.ts'

const chunkBytes = 256 * 1024
const bytesOf = (size: number, seed = size): Uint8Array => {
  // A repeated block is enough to tell chunks and offsets apart, as its length is a prime.
  const block = seededRandom(seed)(Math.min(size, 65_537))
  const bytes = new Uint8Array(size)
  for (let at = 0; at < size; at += block.length) bytes.set(block.subarray(0, Math.min(block.length, size - at)), at)
  return bytes
}
const uuid = (index: number) => `00000000-0000-7000-8000-${String(index).padStart(12, '0')}` as AttachmentId

async function* inPieces(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0
  for (const size of sizes) {
    yield bytes.subarray(at, at + size)
    at += size
  }
  yield bytes.subarray(at)
}

async function contentOf(engine: Engine, draft: Draft, index = 0): Promise<Uint8Array> {
  const { content } = await engine.drafts.readAttachment(draft.id, draft.attachments[index]!.id)
  return await collect(content)
}

/** Rows of the blob tables, read after the engine has closed. */
async function leftovers(device: FakeDevice): Promise<{ blobs: number; chunks: number; refs: number }> {
  await device.engine.close()
  const raw = new Database(device.file)
  const count = (table: string) => (raw.prepare(`select count(*) as n from ${table}`).get() as { n: number }).n
  const counts = { blobs: count('blob'), chunks: count('blob_chunk'), refs: count('blob_ref') }
  raw.close()
  return counts
}

describe('an attachment', () => {
  test('comes back to the byte, however it was cut on its way in', async () => {
    await using device = await openFakeDevice()
    const { engine } = device
    const draft = await engine.drafts.create({ subject: 'A letter' })
    const sizes = fc.oneof(
      fc.integer({ min: 0, max: 3_000 }),
      fc.constantFrom(chunkBytes - 1, chunkBytes, chunkBytes + 1, 2 * chunkBytes, 3 * chunkBytes + 7),
    )
    await fc.assert(
      fc.asyncProperty(sizes, fc.array(fc.integer({ min: 0, max: 200_000 }), { maxLength: 8 }), async (size, cuts) => {
        const bytes = bytesOf(size)
        const { attachment } = await engine.drafts.attach(draft.id, {
          filename: 'scan.bin',
          content: inPieces(bytes, cuts),
        })
        expect(attachment).toMatchObject({ size, sha256: sha256(bytes) })
        const { content } = await engine.drafts.readAttachment(draft.id, attachment.id)
        expect(sha256(await collect(content))).toBe(attachment.sha256)
        await engine.drafts.detach(draft.id, attachment.id)
      }),
      { numRuns: 25 },
    )
  })

  test('of no bytes is an attachment all the same', async () => {
    await using device = await openFakeDevice()
    const draft = await device.engine.drafts.create({ subject: 'A letter' })
    const attached = await device.engine.drafts.attach(draft.id, { filename: 'empty.txt', content: new Uint8Array() })
    expect(attached.attachment).toMatchObject({ size: 0, sha256: createHash('sha256').digest('hex') })
    expect(await contentOf(device.engine, attached.draft)).toHaveLength(0)
    expect((await device.sync()).uploaded).toBe(1)
    expect(device.mailbox.drafts()[0]?.attachments).toMatchObject([{ filename: 'empty.txt' }])
  })

  test('any range is read as the bytes themselves say', async () => {
    await using device = await openFakeDevice()
    const bytes = bytesOf(2 * chunkBytes + 11)
    const created = await device.engine.drafts.create({ subject: 'A letter' })
    const { draft, attachment } = await device.engine.drafts.attach(created.id, { filename: 'a', content: bytes })
    const edge = fc.oneof(
      fc.integer({ min: 0, max: bytes.length + 10 }),
      fc.constantFrom(0, 1, chunkBytes - 1, chunkBytes, chunkBytes + 1, 2 * chunkBytes, bytes.length),
    )
    await fc.assert(
      fc.asyncProperty(edge, edge, async (start, end) => {
        const { content } = await device.engine.drafts.readAttachment(draft.id, attachment.id, { start, end })
        expect(Buffer.compare(await collect(content), bytes.slice(start, Math.max(start, end)))).toBe(0)
      }),
      { numRuns: 60 },
    )
  })

  test('of 20 MB is streamed: the source is asked for more only when what came before is stored', async () => {
    let stored = 0
    await using device = await openFakeDevice({
      wrap: (storage) =>
        withStatementHook(storage, (statement, when) => {
          if (when === 'after' && statement.startsWith('insert into "blob_chunk"')) stored += 1
        }),
    })
    const { engine } = device
    const draft = await engine.drafts.create({ subject: 'A letter' })
    const total = 20 * 1024 * 1024
    const pieceBytes = 65_536
    const hash = createHash('sha256')
    let waiting = 0
    async function* source(): AsyncGenerator<Uint8Array> {
      for (let given = 0; given < total; given += pieceBytes) {
        waiting = Math.max(waiting, given - stored * chunkBytes)
        const piece = new Uint8Array(pieceBytes).fill(given / pieceBytes)
        hash.update(piece)
        yield piece
      }
    }
    const { attachment } = await engine.drafts.attach(draft.id, { filename: 'film.bin', content: source() })
    const sent = hash.digest('hex')
    expect(attachment).toMatchObject({ size: total, sha256: sent })
    expect(stored).toBe(total / chunkBytes)
    expect(waiting).toBeLessThanOrEqual(chunkBytes)
    const back = createHash('sha256')
    const { content } = await engine.drafts.readAttachment(draft.id, attachment.id)
    for await (const piece of content) {
      expect(piece.length).toBeLessThanOrEqual(chunkBytes)
      back.update(piece)
    }
    expect(back.digest('hex')).toBe(sent)
  })
})

describe('the same bytes', () => {
  test('are stored once per account, however often they are attached', async () => {
    await using device = await openFakeDevice()
    const bytes = bytesOf(chunkBytes + 5)
    for (const subject of ['one', 'two']) {
      const draft = await device.engine.drafts.create({ subject })
      await device.engine.drafts.attach(draft.id, { filename: 'a', content: bytes })
      await device.engine.drafts.attach(draft.id, { filename: 'b', content: bytes })
    }
    expect(await leftovers(device)).toEqual({ blobs: 1, chunks: 2, refs: 2 })
  })

  test('attached ten times at once under one client id are one attachment and one blob (H15)', async () => {
    await using device = await openFakeDevice()
    const { engine } = device
    const draft = await engine.drafts.create({ subject: 'A letter' })
    const bytes = bytesOf(chunkBytes * 2 + 5)
    const attached = await Promise.all(
      Array.from({ length: 10 }, () =>
        engine.drafts.attach(draft.id, { id: uuid(1), filename: 'a.bin', content: inPieces(bytes, [10, 300_000]) }),
      ),
    )
    expect(new Set(attached.map((one) => one.attachment.id))).toEqual(new Set([uuid(1)]))
    const now = await engine.drafts.get(draft.id)
    expect(now.attachments).toHaveLength(1)
    expect(now.version).toBe(2)
    expect(await leftovers(device)).toEqual({ blobs: 1, chunks: 3, refs: 1 })
  })

  test('other bytes under a client id that is taken are refused, and leave nothing (H15)', async () => {
    await using device = await openFakeDevice()
    const { engine } = device
    const draft = await engine.drafts.create({ subject: 'A letter' })
    await engine.drafts.attach(draft.id, { id: uuid(1), filename: 'a', content: bytesOf(10, 1) })
    const other = engine.drafts.attach(draft.id, { id: uuid(1), filename: 'a', content: bytesOf(10, 2) })
    expect(await codeOf(other)).toBe('VALIDATION_ERROR')
    expect((await engine.drafts.get(draft.id)).attachments).toMatchObject([{ sha256: sha256(bytesOf(10, 1)) }])
    expect(await leftovers(device)).toEqual({ blobs: 1, chunks: 1, refs: 1 })
  })
})

describe('an attach that does not come to its end', () => {
  test('a source that fails in the middle leaves nothing, and its own error is what the caller hears', async () => {
    await using device = await openFakeDevice()
    const { engine } = device
    const draft = await engine.drafts.create({ subject: 'A letter' })
    let ended = false
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        yield bytesOf(chunkBytes * 2)
        yield bytesOf(100)
        throw new Error('the browser went away')
      } finally {
        ended = true
      }
    }
    const attached = engine.drafts.attach(draft.id, { filename: 'a', content: source() })
    await expect(attached).rejects.toThrow('the browser went away')
    expect(ended).toBe(true)
    expect((await engine.drafts.get(draft.id)).version).toBe(1)
    expect(await leftovers(device)).toEqual({ blobs: 0, chunks: 0, refs: 0 })
  })

  test('to a discarded draft, a wrong version or a bad name it is refused before a byte is read', async () => {
    await using device = await openFakeDevice()
    const { engine } = device
    let asked = 0
    async function* source(): AsyncGenerator<Uint8Array> {
      asked += 1
      yield bytesOf(1)
    }
    const content = () => source()
    const draft = await engine.drafts.create({ subject: 'A letter' })
    const attach = (id: Umid, input: object, options = {}) =>
      codeOf(engine.drafts.attach(id, { filename: 'a', content: content(), ...input }, options))
    expect(await attach(draft.id, {}, { baseVersion: 7 })).toBe('VERSION_MISMATCH')
    expect(await attach(draft.id, { filename: ' ' })).toBe('VALIDATION_ERROR')
    expect(await attach(draft.id, { filename: 'a\r\nX: y' })).toBe('VALIDATION_ERROR')
    expect(await attach(draft.id, { contentType: 'text/html; charset=x' })).toBe('VALIDATION_ERROR')
    expect(await attach(draft.id, { contentId: 'a\nb' })).toBe('VALIDATION_ERROR')
    expect(await attach(draft.id, { id: 'not-a-uuid' })).toBe('VALIDATION_ERROR')
    expect(await attach(uuid(9) as never, {})).toBe('NOT_FOUND')
    await engine.drafts.discard(draft.id)
    expect(await attach(draft.id, {})).toBe('NOT_A_DRAFT')
    expect(asked).toBe(0)
  })

  test('a draft that is discarded meanwhile keeps its text, and no bytes are left', async () => {
    await using device = await openFakeDevice()
    const { engine } = device
    const draft = await engine.drafts.create({ subject: 'A letter' })
    async function* source(): AsyncGenerator<Uint8Array> {
      yield bytesOf(chunkBytes)
      await engine.drafts.discard(draft.id)
      yield bytesOf(chunkBytes)
    }
    expect(await codeOf(engine.drafts.attach(draft.id, { filename: 'a', content: source() }))).toBe('NOT_A_DRAFT')
    expect(await leftovers(device)).toEqual({ blobs: 0, chunks: 0, refs: 0 })
  })

  test('an account that is removed meanwhile ends it with NOT_FOUND', async () => {
    await using device = await openFakeDevice()
    const { engine } = device
    const draft = await engine.drafts.create({ subject: 'A letter' })
    async function* source(): AsyncGenerator<Uint8Array> {
      yield bytesOf(chunkBytes)
      await engine.accounts.remove(device.account.id, { unsent: 'discard' })
      yield bytesOf(chunkBytes)
    }
    expect(await codeOf(engine.drafts.attach(draft.id, { filename: 'a', content: source() }))).toBe('NOT_FOUND')
    expect(await leftovers(device)).toEqual({ blobs: 0, chunks: 0, refs: 0 })
  })

  test('what a crash in the middle left behind is gone after the next start', async () => {
    await using device = await openFakeDevice()
    await device.engine.close()
    const raw = new Database(device.file)
    raw
      .prepare(`insert into blob (account_id, sha256, size, complete, created_at) values (?, '', 0, 0, 0)`)
      .run(device.account.id)
    raw.prepare(`insert into blob_chunk select id, 0, x'00' from blob`).run()
    raw.close()
    await device.restart()
    expect(await leftovers(device)).toEqual({ blobs: 0, chunks: 0, refs: 0 })
  })
})

describe('bytes that are missing from the store', () => {
  test('fail the reading: a short file is never given for the whole one (H14)', async () => {
    await using device = await openFakeDevice()
    const bytes = bytesOf(3 * chunkBytes)
    const created = await device.engine.drafts.create({ subject: 'A letter' })
    const { attachment } = await device.engine.drafts.attach(created.id, { filename: 'a', content: bytes })
    await device.engine.close()
    const raw = new Database(device.file)
    raw.exec('delete from blob_chunk where seq = 1')
    raw.close()
    await device.restart()
    const { content } = await device.engine.drafts.readAttachment(created.id, attachment.id)
    expect(await codeOf(collect(content))).toBe('STORAGE_ERROR')
    // Nor is it uploaded short, or dropped: the draft waits, with the reason.
    await device.time.advance(10_000)
    expect(device.mailbox.drafts()).toEqual([])
    expect((await device.engine.drafts.get(created.id)).sync.lastError?.code).toBe('STORAGE_ERROR')
  })

  test('an attachment whose account is removed while it is read fails, and does not end early', async () => {
    await using device = await openFakeDevice()
    const created = await device.engine.drafts.create({ subject: 'A letter' })
    const { attachment } = await device.engine.drafts.attach(created.id, {
      filename: 'a',
      content: bytesOf(3 * chunkBytes),
    })
    const { content } = await device.engine.drafts.readAttachment(created.id, attachment.id)
    const reading = (async () => {
      let pieces = 0
      for await (const piece of content) {
        expect(piece).toHaveLength(chunkBytes)
        pieces += 1
        if (pieces === 1) await device.engine.accounts.remove(device.account.id, { unsent: 'discard' })
      }
    })()
    expect(await codeOf(reading)).toBe('STORAGE_ERROR')
  })
})
