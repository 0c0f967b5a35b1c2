import { stat } from 'node:fs/promises'
import { join } from 'node:path'

import { type AccountId, createEngine, type Draft, type Engine, inspectStore, type Sha256 } from '@everdraft/core'
import Database from 'better-sqlite3'
import { describe, expect, test } from 'vitest'

import { collect, createFakeMailbox, sha256 } from '../../core/test/fake-mailbox.ts'
import { attachmentFile } from '../src/attachment-file.ts'
import { openBetterSqlite3 } from '../src/better-sqlite3.ts'
import { nodeSqlite, sqlite } from '../src/index.ts'
import type { SqliteHandle } from '../src/sqlite-handle.ts'
import { codeOf, type FakeDevice, openFakeDevice, seededRandom, sqliteError, temporaryFolder } from './harness.ts'

const bytesOf = (size: number, seed: number): Uint8Array => seededRandom(seed)(size)

const name = (id: number) => ({ accountId: 'ann' as AccountId, sha256: `${id}`.repeat(64) as Sha256, id })

/** By id, as they stand in the file of the closed store. */
function namesIn(device: FakeDevice): readonly { readonly account_id: string; readonly sha256: string }[] {
  const raw = new Database(`${device.file}-attachments`, { readonly: true })
  const names = raw.prepare('select account_id, sha256 from name order by id').all()
  const bodies = raw.prepare('select count(*) from body').pluck().get()
  const pieces = raw.prepare('select count(distinct body_id) from piece').pluck().get()
  raw.close()
  expect(pieces).toBe(bodies)
  return names as readonly { readonly account_id: string; readonly sha256: string }[]
}

async function read(engine: Engine, draft: Draft, index = 0): Promise<Uint8Array> {
  const { content } = await engine.drafts.readAttachment(draft.id, draft.attachments[index]!.id)
  return await collect(content)
}

describe('a file of attachments', () => {
  test('is made when the first large one comes, and nobody else may read it; small ones stay in the database', async () => {
    await using device = await openFakeDevice()
    const draft = await device.engine.drafts.create({ subject: 'A letter' })
    const path = `${device.file}-attachments`
    await device.engine.drafts.attach(draft.id, { filename: 'small', content: bytesOf(256 * 1024 - 1, 1) })
    await device.engine.housekeep()
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' })
    const large = bytesOf(256 * 1024, 2)
    const { draft: attached } = await device.engine.drafts.attach(draft.id, { filename: 'large', content: large })
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(Buffer.compare(await read(device.engine, attached, 1), large)).toBe(0)
    await device.engine.close()
    expect(namesIn(device)).toEqual([{ account_id: device.account.id, sha256: sha256(large) }])
  })

  test('keeps what is held and loses what is not: collected, doubled, moved and with its account', async () => {
    await using device = await openFakeDevice()
    const { engine } = device
    const ben = await engine.accounts.add({
      address: 'ben@example.com',
      imap: { host: 'mail.example.org', port: 993, security: 'tls', user: 'ben', password: 'secret' },
    })
    const bytes = bytesOf(300_000, 1)
    const one = await engine.drafts.create({ accountId: device.account.id, subject: 'one' })
    await engine.drafts.attach(one.id, { filename: 'a', content: bytes })
    const two = await engine.drafts.create({ accountId: device.account.id, subject: 'two' })
    await engine.drafts.attach(two.id, { filename: 'b', content: bytes })
    await engine.housekeep()
    const moved = await engine.drafts.move(one.id, ben.id)
    await engine.housekeep()
    await device.restart()
    expect(Buffer.compare(await read(device.engine, moved), bytes)).toBe(0)
    await device.engine.accounts.remove(device.account.id, { unsent: 'discard' })
    expect(Buffer.compare(await read(device.engine, moved), bytes)).toBe(0)
    await device.engine.close()
    expect(namesIn(device)).toEqual([{ account_id: ben.id, sha256: sha256(bytes) }])
    expect((await device.inspect()).findings).toEqual([])
  })

  test('takes many at once, each whole', async () => {
    await using device = await openFakeDevice()
    const { drafts } = device.engine
    const sizes = Array.from({ length: 12 }, (_, index) => 170_000 + index * 90_001)
    const made = await Promise.all(
      sizes.map(async (size, index) => {
        const { id } = await drafts.create({ subject: `${index}` })
        return (await drafts.attach(id, { filename: 'a', content: bytesOf(size, index + 1) })).draft
      }),
    )
    await device.restart()
    for (const [index, draft] of made.entries()) {
      expect(sha256(await read(device.engine, draft))).toBe(sha256(bytesOf(sizes[index] ?? 0, index + 1)))
    }
  })

  test('loses at its next opening what a crash left half written or half removed', async () => {
    await using device = await openFakeDevice()
    const draft = await device.engine.drafts.create({ subject: 'A letter' })
    await device.engine.drafts.attach(draft.id, { filename: 'a', content: bytesOf(400_000, 1) })
    await device.engine.close()
    const raw = new Database(`${device.file}-attachments`)
    raw.prepare('insert into body (id, size) values (77, 0)').run()
    for (let start = 0; start < 9; start += 1) raw.prepare(`insert into piece values (77, ?, x'00')`).run(start)
    raw.close()
    await device.restart()
    await device.engine.housekeep()
    await device.engine.close()
    expect(namesIn(device)).toHaveLength(1)
  })

  test('belongs to one store, and is no other program’s: both are refused, and stay as they are', async () => {
    await using device = await openFakeDevice()
    const draft = await device.engine.drafts.create({ subject: 'A letter' })
    await device.engine.drafts.attach(draft.id, { filename: 'a', content: bytesOf(400_000, 1) })
    await device.engine.close()
    for (const spoil of ['update owner set id = $id', 'pragma application_id = 5', 'create table other (id)']) {
      const raw = new Database(`${device.file}-attachments`)
      if (spoil.startsWith('update')) raw.prepare(spoil).run({ id: 'another' })
      else raw.exec(spoil)
      raw.close()
      await device.restart()
      const attach = device.engine.drafts.attach(draft.id, { filename: 'b', content: bytesOf(400_000, 2) })
      expect(await codeOf(attach)).toBe('STORAGE_ERROR')
      expect((await device.engine.drafts.get(draft.id)).attachments).toHaveLength(1)
      await device.engine.close()
      expect(namesIn(device)).toHaveLength(1)
    }
  })

  test('of another program is not even brought to another journal', async () => {
    await using device = await openFakeDevice()
    const other = new Database(`${device.file}-attachments`)
    other.pragma('journal_mode = WAL')
    other.exec('create table notes (text)')
    other.close()
    const draft = await device.engine.drafts.create({ subject: 'A letter' })
    const attach = device.engine.drafts.attach(draft.id, { filename: 'a', content: bytesOf(300_000, 1) })
    expect(await codeOf(attach)).toBe('STORAGE_ERROR')
    await device.engine.close()
    const found = new Database(`${device.file}-attachments`, { readonly: true })
    expect(found.pragma('journal_mode', { simple: true })).toBe('wal')
    expect(found.prepare('select name from sqlite_master').pluck().all()).toEqual(['notes'])
    found.close()
  })

  test('can be left and taken into use again, by either driver: each attachment is read from where it was put', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'everdraft.db')
    const mailbox = createFakeMailbox().port
    const ways = [
      sqlite(path, { attachments: 'inside' }),
      sqlite(path),
      nodeSqlite(path),
      nodeSqlite(path, { attachments: 'inside' }),
    ]
    const imap = { host: 'mail.example.org', port: 993, security: 'tls', user: 'ann', password: 'secret' } as const
    let draft: Draft | null = null
    for (const [index, storage] of ways.entries()) {
      const engine = await createEngine({ storage, mailbox })
      if (draft === null) {
        const account = await engine.accounts.add({ address: 'ann@example.org', imap })
        draft = await engine.drafts.create({ accountId: account.id, policy: 'local-only' })
      }
      const content = bytesOf(300_000, index + 1)
      draft = (await engine.drafts.attach(draft.id, { filename: `${index}`, content })).draft
      for (let earlier = 0; earlier <= index; earlier += 1) {
        expect(sha256(await read(engine, draft, earlier))).toBe(sha256(bytesOf(300_000, earlier + 1)))
      }
      await engine.close()
    }
    const raw = new Database(path, { readonly: true })
    const places = raw.prepare('select place from blob order by id').pluck().all()
    raw.close()
    expect(places).toEqual(['database', 'beside', 'beside', 'database'])
    expect((await inspectStore(sqlite(path))).findings).toEqual([])
  })

  test('is in a backup, which is one file, whatever goes meanwhile', async () => {
    await using device = await openFakeDevice()
    const { engine } = device
    const kept = await engine.drafts.create({ subject: 'kept' })
    const gone = await engine.drafts.create({ subject: 'gone' })
    const bytes = [bytesOf(600_000, 1), bytesOf(270_000, 2)]
    for (const content of bytes) await engine.drafts.attach(kept.id, { filename: 'a', content })
    await engine.drafts.attach(gone.id, { filename: 'b', content: bytesOf(900_000, 3) })
    const copy = join(device.file, '..', 'copy.db')
    const copying = engine.backup(copy)
    const { version } = await engine.drafts.get(gone.id)
    await engine.drafts.save(gone.id, { text: 'more' }, { baseVersion: version })
    await engine.housekeep()
    await copying
    const found = await inspectStore(sqlite(copy))
    expect(found.findings).toEqual([])
    await expect(stat(`${copy}-attachments`)).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(stat(`${copy}-wal`)).rejects.toMatchObject({ code: 'ENOENT' })
    await using other = await createEngine({ storage: sqlite(copy), mailbox: createFakeMailbox().port })
    const draft = await other.drafts.get(kept.id)
    for (const [index, content] of bytes.entries()) {
      expect(sha256(await read(other, draft, index))).toBe(sha256(content))
    }
    expect(sha256(await read(other, await other.drafts.get(gone.id)))).toBe(sha256(bytesOf(900_000, 3)))
  })

  test('that is full fails who writes to it at that time, keeps what was kept, and goes on afterwards', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'attachments')
    let isFull = false
    const place = attachmentFile((path) => fillable(openBetterSqlite3(path), () => isFull), file)
    const blobs = await place.open('owner')
    const store = async (id: number): Promise<void> => {
      const writer = await blobs.create()
      await writer.write(bytesOf(100_000, id))
      await writer.keep(name(id))
    }
    await store(1)
    const beside = await blobs.create()
    await beside.write(bytesOf(100_000, 2))
    isFull = true
    expect(await codeOf(store(3))).toBe('STORAGE_ERROR')
    isFull = false
    // Its bytes were part of the same transaction.
    expect(await codeOf(beside.write(bytesOf(100_000, 2)))).toBe('STORAGE_ERROR')
    expect(await codeOf(beside.keep(name(2)))).toBe('STORAGE_ERROR')
    await beside.discard()
    await store(4)
    await place.close()
    expect(await codeOf(store(5))).toBe('CLOSED')
    const again = attachmentFile(openBetterSqlite3, file)
    const opened = await again.open('owner')
    const found: number[] = []
    for await (const { id } of opened.list()) found.push(id)
    expect(found).toEqual([1, 4])
    for (const id of found) {
      const bytes = await collect(opened.read(name(id), 100_000, { start: 0, end: 100_000 }))
      expect(sha256(bytes)).toBe(sha256(bytesOf(100_000, id)))
    }
    await again.close()
  })
})

/** As SQLite fails when the disk is full: by itself it rolls back what it began. */
function fillable(handle: SqliteHandle, isFull: () => boolean): SqliteHandle {
  return {
    ...handle,
    prepare(text) {
      const statement = handle.prepare(text)
      if (!text.startsWith('insert into piece')) return statement
      return {
        reader: statement.reader,
        all: (parameters) => statement.all(parameters),
        iterate: (parameters) => statement.iterate(parameters),
        run(parameters) {
          if (!isFull()) return statement.run(parameters)
          handle.exec('rollback')
          throw sqliteError('SQLITE_FULL')
        },
      }
    },
  }
}
