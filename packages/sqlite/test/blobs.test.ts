import { createHash } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import { appendFile, mkdir, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { type AttachmentId, createEngine, type Draft, type Engine, inspectStore, type Umid } from '@everdraft/core'
import Database from 'better-sqlite3'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { collect, createFakeMailbox, sha256 } from '../../core/test/fake-mailbox.ts'
import { blobFolder, sqlite } from '../src/index.ts'
import {
  codeOf,
  type FakeDevice,
  openFakeDevice as openDevice,
  seededRandom,
  temporaryFolder,
  withStatementHook,
} from './harness.ts'

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

/** What is stored of attachments, read after the engine has closed. */
async function leftovers(device: FakeDevice): Promise<{ blobs: number; refs: number }> {
  await device.engine.close()
  const raw = new Database(device.file)
  const count = (what: string) => (raw.prepare(`select count(*) as n from ${what}`).get() as { n: number }).n
  const counts = { blobs: count('blob'), refs: count('blob_ref') }
  const bytes = (raw.prepare('select coalesce(sum(length(bytes)), 0) as n from blob_chunk').get() as { n: number }).n
  const inRows = (
    raw.prepare(`select coalesce(sum(size), 0) as n from blob where place = 'database'`).get() as { n: number }
  ).n
  expect(bytes).toBe(inRows)
  const outside = raw.prepare(`select account_id, sha256, id, size from blob where place = 'store'`).all()
  for (const { account_id, sha256: hash, id, size } of outside as Record<string, string>[]) {
    expect((await stat(join(device.attachments, account_id!, `${hash}.${id}`))).size).toBe(size)
  }
  const beside = raw.prepare(`select id, size from blob where place = 'beside'`).all() as { id: number; size: number }[]
  raw.close()
  if (beside.length > 0) {
    const file = new Database(`${device.file}-attachments`)
    const sizeOf = file.prepare(
      'select sum(length(bytes)) from name join piece on piece.body_id = name.body_id where name.id = ?',
    )
    for (const { id, size } of beside) expect(sizeOf.pluck().get(id)).toBe(size)
    file.close()
  }
  return counts
}

/** The file of the only attachment. */
async function fileOf(device: FakeDevice): Promise<string> {
  const [account = ''] = (await readdir(device.attachments)).filter((name) => name === device.account.id)
  const [name = ''] = await readdir(join(device.attachments, account))
  return join(device.attachments, account, name)
}
const inDatabase =
  (statement: string, ending = '') =>
  async (device: FakeDevice) => {
    const raw = new Database(`${device.file}${ending}`)
    raw.exec(statement)
    raw.close()
  }
describe.each(['database', 'beside', 'folder'] as const)('with attachments where they lie %s,', (attachments) => {
  const openFakeDevice = (options: Parameters<typeof openDevice>[0] = {}) => openDevice({ ...options, attachments })

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
        fc.asyncProperty(
          sizes,
          fc.array(fc.integer({ min: 0, max: 200_000 }), { maxLength: 8 }),
          async (size, cuts) => {
            const bytes = bytesOf(size)
            const { attachment } = await engine.drafts.attach(draft.id, {
              filename: 'scan.bin',
              content: inPieces(bytes, cuts),
            })
            expect(attachment).toMatchObject({ size, sha256: sha256(bytes) })
            const { content } = await engine.drafts.readAttachment(draft.id, attachment.id)
            expect(sha256(await collect(content))).toBe(attachment.sha256)
            await engine.drafts.detach(draft.id, attachment.id)
          },
        ),
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
      let chunksStored = 0
      await using device = await openFakeDevice({
        wrap: (storage) =>
          withStatementHook(storage, (statement, when) => {
            if (when === 'after' && statement.startsWith('insert into "blob_chunk"')) chunksStored += 1
          }),
      })
      const incoming = join(device.attachments, 'incoming')
      const stored = () => {
        if (attachments === 'database') return chunksStored * chunkBytes
        // What SQLite holds back is at most its cache.
        if (attachments === 'beside')
          return statSync(`${device.file}-attachments`, { throwIfNoEntry: false })?.size ?? 0
        return readdirSync(incoming).reduce((sum, name) => sum + statSync(join(incoming, name)).size, 0)
      }
      const { engine } = device
      const draft = await engine.drafts.create({ subject: 'A letter' })
      const total = 20 * 1024 * 1024
      const pieceBytes = 65_536
      const hash = createHash('sha256')
      let waiting = 0
      async function* source(): AsyncGenerator<Uint8Array> {
        for (let given = 0; given < total; given += pieceBytes) {
          waiting = Math.max(waiting, given - stored())
          const piece = new Uint8Array(pieceBytes).fill(given / pieceBytes)
          hash.update(piece)
          yield piece
        }
        // The last piece is full, and was written when it was.
        waiting = Math.max(waiting, total - stored())
      }
      const { attachment } = await engine.drafts.attach(draft.id, { filename: 'film.bin', content: source() })
      const sent = hash.digest('hex')
      expect(attachment).toMatchObject({ size: total, sha256: sent })
      expect(waiting).toBeLessThanOrEqual(attachments === 'beside' ? 3 * 1024 * 1024 : chunkBytes)
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
      expect(await leftovers(device)).toEqual({ blobs: 1, refs: 2 })
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
      expect(await leftovers(device)).toEqual({ blobs: 1, refs: 1 })
    })

    test('other bytes under a client id that is taken are refused, and leave nothing (H15)', async () => {
      await using device = await openFakeDevice()
      const { engine } = device
      const draft = await engine.drafts.create({ subject: 'A letter' })
      await engine.drafts.attach(draft.id, { id: uuid(1), filename: 'a', content: bytesOf(10, 1) })
      const other = engine.drafts.attach(draft.id, { id: uuid(1), filename: 'a', content: bytesOf(10, 2) })
      expect(await codeOf(other)).toBe('VALIDATION_ERROR')
      expect((await engine.drafts.get(draft.id)).attachments).toMatchObject([{ sha256: sha256(bytesOf(10, 1)) }])
      expect(await leftovers(device)).toEqual({ blobs: 1, refs: 1 })
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
      expect(await leftovers(device)).toEqual({ blobs: 0, refs: 0 })
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
      expect(await leftovers(device)).toEqual({ blobs: 0, refs: 0 })
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
      expect(await leftovers(device)).toEqual({ blobs: 0, refs: 0 })
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
      expect(await leftovers(device)).toEqual({ blobs: 0, refs: 0 })
    })
  })

  describe('bytes that are missing from the store', () => {
    const damages: Readonly<Record<string, (device: FakeDevice) => Promise<void>>> =
      attachments === 'database'
        ? {
            'a chunk is gone': inDatabase('delete from blob_chunk where seq = 1'),
            'a chunk is shorter': inDatabase(`update blob_chunk set bytes = substr(bytes, 2) where seq = 1`),
          }
        : attachments === 'beside'
          ? {
              'a piece is gone': inDatabase('delete from piece where start = 262144', '-attachments'),
              'a piece is shorter': inDatabase(
                'update piece set bytes = substr(bytes, 2) where start = 262144',
                '-attachments',
              ),
              'its name is gone': inDatabase('delete from name', '-attachments'),
              'all of it is gone': async (device) => rm(`${device.file}-attachments`),
            }
          : {
              'the file is gone': async (device) => rm(await fileOf(device)),
              'the file is shorter': async (device) => truncate(await fileOf(device), 2 * chunkBytes),
              'the file is longer': async (device) => appendFile(await fileOf(device), 'x'),
            }

    test.each(Object.keys(damages))(
      'fail the reading: %s, and nothing short is given for the whole (H14)',
      async (damage) => {
        await using device = await openFakeDevice()
        const bytes = bytesOf(3 * chunkBytes)
        const created = await device.engine.drafts.create({ subject: 'A letter' })
        const { attachment } = await device.engine.drafts.attach(created.id, { filename: 'a', content: bytes })
        await device.engine.close()
        await damages[damage]?.(device)
        await device.restart()
        const { content } = await device.engine.drafts.readAttachment(created.id, attachment.id)
        expect(await codeOf(collect(content))).toBe('STORAGE_ERROR')
        // Nor is it uploaded short, or dropped: the draft waits, with the reason.
        await device.sync()
        expect(device.mailbox.drafts()).toEqual([])
        expect((await device.engine.drafts.get(created.id)).sync.lastError?.code).toBe('STORAGE_ERROR')
        await device.engine.close()
        const { findings } = await device.inspect()
        expect(findings.map(({ code }) => code)).toEqual(['ATTACHMENT_BYTES'])
      },
    )

    test('an attachment whose account is removed while it is read comes whole or fails, and does not end early', async () => {
      await using device = await openFakeDevice()
      const bytes = bytesOf(3 * chunkBytes)
      const created = await device.engine.drafts.create({ subject: 'A letter' })
      const { attachment } = await device.engine.drafts.attach(created.id, { filename: 'a', content: bytes })
      const { content } = await device.engine.drafts.readAttachment(created.id, attachment.id)
      let read = 0
      const reading = (async () => {
        for await (const piece of content) {
          expect(piece).toHaveLength(chunkBytes)
          if (read === 0) await device.engine.accounts.remove(device.account.id, { unsent: 'discard' })
          read += piece.length
        }
      })()
      const code = await codeOf(reading)
      // An open file can be read to its end when its name is gone.
      expect(code).toBe(attachments === 'folder' ? 'no error' : 'STORAGE_ERROR')
      if (code === 'no error') expect(read).toBe(bytes.length)
    })
  })
})

const openWithFolder = () => openDevice({ attachments: 'folder' })
/** The files of an account's attachments. */
const filesOf = async (device: FakeDevice, accountId: string) =>
  (await readdir(join(device.attachments, accountId)).catch(() => [])).toSorted((a, b) => (a < b ? -1 : 1))

describe('a folder of attachments', () => {
  test('has files named by account, hash and id, that nobody else may read; small ones stay in the database', async () => {
    await using device = await openWithFolder()
    const draft = await device.engine.drafts.create({ subject: 'A letter' })
    const large = bytesOf(64 * 1024 + 1)
    await device.engine.drafts.attach(draft.id, { filename: 'small', content: bytesOf(64 * 1024) })
    await device.engine.drafts.attach(draft.id, { filename: 'large', content: large })
    const [file = '', ...others] = await filesOf(device, device.account.id)
    expect(others).toEqual([])
    expect(file).toMatch(new RegExp(`^${sha256(large)}\\.\\d+$`))
    const path = join(device.attachments, device.account.id, file)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect((await stat(join(path, '..'))).mode & 0o777).toBe(0o700)
    expect((await stat(device.attachments)).mode & 0o777).toBe(0o700)
  })

  test('keeps what is held and loses what is not: collected, doubled, moved and with its account', async () => {
    await using device = await openWithFolder()
    const { engine } = device
    const ben = await engine.accounts.add({
      address: 'ben@example.com',
      imap: { host: 'mail.example.org', port: 993, security: 'tls', user: 'ben', password: 'secret' },
    })
    const bytes = bytesOf(300_000)
    const one = await engine.drafts.create({ accountId: device.account.id, subject: 'one' })
    const first = await engine.drafts.attach(one.id, { filename: 'a', content: bytes })
    const two = await engine.drafts.create({ accountId: device.account.id, subject: 'two' })
    await engine.drafts.attach(two.id, { filename: 'b', content: bytes })
    expect(await filesOf(device, device.account.id)).toHaveLength(2)
    await engine.housekeep()
    expect(await filesOf(device, device.account.id)).toHaveLength(1)
    await engine.drafts.move(one.id, ben.id)
    await engine.housekeep()
    expect(await filesOf(device, device.account.id)).toHaveLength(1)
    expect(await filesOf(device, ben.id)).toHaveLength(1)
    await engine.accounts.remove(device.account.id, { unsent: 'discard' })
    expect(await filesOf(device, device.account.id)).toEqual([])
    const { content } = await engine.drafts.readAttachment(one.id, first.attachment.id)
    expect(Buffer.compare(await collect(content), bytes)).toBe(0)
  })

  test('loses what a crash left half written at the next start, and what it left without a row soon after', async () => {
    await using device = await openWithFolder()
    const draft = await device.engine.drafts.create({ subject: 'A letter' })
    await device.engine.drafts.attach(draft.id, { filename: 'a', content: bytesOf(100_000) })
    const [kept = ''] = await filesOf(device, device.account.id)
    await device.engine.close()
    await writeFile(join(device.attachments, 'incoming', 'half'), 'half')
    await writeFile(join(device.attachments, device.account.id, `${'0'.repeat(64)}.99`), 'no row')
    await writeFile(join(device.attachments, device.account.id, 'notes.txt'), 'somebody else’s')
    await device.restart()
    expect(await readdir(join(device.attachments, 'incoming'))).toEqual([])
    await device.engine.housekeep()
    expect(await filesOf(device, device.account.id)).toEqual([kept, 'notes.txt'])
  })

  test('belongs to one store: another is refused, and takes nothing away', async () => {
    await using device = await openWithFolder()
    const draft = await device.engine.drafts.create({ subject: 'A letter' })
    await device.engine.drafts.attach(draft.id, { filename: 'a', content: bytesOf(100_000) })
    const before = await filesOf(device, device.account.id)
    const opened = createEngine({
      storage: sqlite(`${device.file}.other`),
      blobs: blobFolder(device.attachments),
      mailbox: device.mailbox.port,
    })
    expect(await codeOf(opened)).toBe('STORAGE_ERROR')
    expect(await filesOf(device, device.account.id)).toEqual(before)
  })

  test('can be taken into use and left again: each attachment is read from where it was put', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'everdraft.db')
    const mailbox = createFakeMailbox().port
    const blobs = blobFolder(join(folder.path, 'attachments'))
    const open = (withFolder: boolean) =>
      createEngine({ storage: sqlite(path), mailbox, ...(withFolder ? { blobs } : {}) })
    const bytes = [bytesOf(200_000, 1), bytesOf(200_000, 2), bytesOf(200_000, 3)]
    const imap = { host: 'mail.example.org', port: 993, security: 'tls', user: 'ann', password: 'secret' } as const
    let draft: Draft | null = null
    for (const [index, content] of bytes.entries()) {
      const engine = await open(index === 1)
      if (draft === null) {
        const account = await engine.accounts.add({ address: 'ann@example.org', imap })
        draft = await engine.drafts.create({ accountId: account.id, policy: 'local-only' })
      }
      draft = (await engine.drafts.attach(draft.id, { filename: `${index}`, content })).draft
      await engine.close()
    }
    if (draft === null) throw new Error('there is no draft')
    const without = await open(false)
    const read = async (engine: Engine, index: number) => {
      const { content } = await engine.drafts.readAttachment(draft.id, draft.attachments[index]!.id)
      return await collect(content)
    }
    expect(Buffer.compare(await read(without, 0), bytes[0]!)).toBe(0)
    expect(await codeOf(read(without, 1))).toBe('STORAGE_ERROR')
    await without.close()
    const withFolder = await open(true)
    for (const [index, content] of bytes.entries()) {
      expect(Buffer.compare(await read(withFolder, index), content)).toBe(0)
    }
    await withFolder.close()
    expect((await inspectStore(sqlite(path), { blobs })).findings).toEqual([])
    const blind = await inspectStore(sqlite(path))
    expect(blind.findings.map(({ code }) => code)).toEqual(['ATTACHMENT_BYTES'])
  })

  test('that is full or read-only fails the attach, leaves nothing, and goes on afterwards', async () => {
    await using device = await openWithFolder()
    const draft = await device.engine.drafts.create({ subject: 'A letter' })
    const incoming = join(device.attachments, 'incoming')
    await rm(incoming, { recursive: true })
    await writeFile(incoming, 'in the way')
    const attach = () => device.engine.drafts.attach(draft.id, { filename: 'a', content: bytesOf(100_000) })
    expect(await codeOf(attach())).toBe('STORAGE_ERROR')
    expect((await device.engine.drafts.get(draft.id)).attachments).toEqual([])
    await rm(incoming)
    await mkdir(incoming)
    expect((await attach()).draft.attachments).toHaveLength(1)
    expect(await leftovers(device)).toEqual({ blobs: 1, refs: 1 })
  })
})
