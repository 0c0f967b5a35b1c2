import { chmod, copyFile, open, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'

import { createEngine, type Engine, EverdraftError, inspectStore, type Umid, WireError } from '@everdraft/core'
import Database from 'better-sqlite3'
import { Kysely, sql } from 'kysely'
import { describe, expect, test } from 'vitest'

import { openStore } from '../../core/src/storage/store.ts'
import { nodeSqlite, sqlite } from '../src/index.ts'
import { inAnotherProcess, openStoreAt, temporaryFolder } from './harness.ts'

const mailbox = {
  format: { compose: never, parse: never },
  connect: () => Promise.reject(new WireError('UNREACHABLE', 'there is no server')),
}

function never(): Promise<never> {
  return Promise.reject(new Error('not used'))
}

/** What the caller hears of a failure. */
async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
  } catch (error) {
    return error instanceof EverdraftError ? `${error.code} ${error.message}` : `not ours: ${String(error)}`
  }
  return 'no failure'
}

describe.each([
  ['better-sqlite3', sqlite, 'sqlite'],
  ['node:sqlite', nodeSqlite, 'nodeSqlite'],
] as const)('with %s', (_driver, storageAt, name) => {
  const openAt = (file: string): Promise<Engine> => createEngine({ storage: storageAt(file), mailbox })

  /** A file with a hundred drafts of some kilobytes each. */
  async function written(file: string): Promise<readonly Umid[]> {
    const engine = await openAt(file)
    const imap = { host: 'mail.example.org', port: 993, security: 'tls', user: 'ann', password: 'secret' } as const
    const account = await engine.accounts.add({ address: 'ann@example.org', imap })
    const ids: Umid[] = []
    for (let index = 0; index < 100; index += 1) {
      const text = `draft ${index}\n${'words and words\n'.repeat(300)}`
      ids.push((await engine.drafts.create({ accountId: account.id, subject: `draft ${index}`, text })).id)
    }
    await engine.close()
    return ids
  }

  test('a full disk: what does not fit is refused as a whole, what was there stays, and it goes on when there is room', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'everdraft.db')
    const store = await openStoreAt(file, () => storageAt(file))
    await store.write(({ db }) => sql`create table note (text text not null) strict`.execute(db))
    const put = (text: string) =>
      store.write(({ db }) => sql`insert into note (text) values (${text}), (${`${text} too`})`.execute(db))
    const notes = () =>
      store.read(async (db) => {
        const { rows } = await sql<{
          text: string
        }>`select substr(text, 1, 20) as text from note order by rowid`.execute(db)
        return rows.map(({ text }) => text)
      })
    const limit = (pages: number) => store.read((db) => sql.raw(`pragma max_page_count = ${pages}`).execute(db))
    await put('first')
    await limit(1)
    const outcomes = await Promise.all(
      Array.from({ length: 5 }, (_each, index) => failure(put(`${index} ${'x'.repeat(100_000)}`))),
    )
    for (const outcome of outcomes) {
      expect(outcome).toContain('STORAGE_ERROR')
      expect(outcome).toContain(file)
      expect(outcome).toContain('the disk is full')
    }
    expect(await notes()).toEqual(['first', 'first too'])
    await limit(1_000_000)
    await put('second')
    expect(await notes()).toEqual(['first', 'first too', 'second', 'second too'])
    await store.close()
  })

  test('a disk that becomes full in the middle of an attach: it is refused, nothing of it stays, and it goes well when there is room', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'everdraft.db')
    const [id] = await written(file)
    let limit: ((pages: number) => void) | undefined
    const storage: typeof storageAt = (path) => ({
      async open() {
        const opened = await storageAt(path, { attachments: 'inside' }).open()
        limit = (pages) => void opened.answer?.(`pragma max_page_count = ${pages}`, [])
        return opened
      },
    })
    const engine = await createEngine({ storage: storage(file), mailbox })
    const before = await engine.drafts.get(id!)
    const piece = new Uint8Array(300_000).fill(1)
    async function* bytes(fullAfter: number): AsyncGenerator<Uint8Array, void, undefined> {
      for (let index = 0; index < 20; index += 1) {
        if (index === fullAfter) limit?.(1)
        yield piece
      }
    }
    const attach = (fullAfter: number) =>
      engine.drafts.attach(id!, { filename: 'large.bin', content: bytes(fullAfter) })
    const said = await failure(attach(8))
    expect(said).toContain('STORAGE_ERROR')
    expect(said).toContain('the disk is full')
    expect(await engine.drafts.get(id!)).toEqual(before)
    // In the room that it had taken.
    expect(await failure(engine.drafts.save(id!, { text: 'x'.repeat(100_000) }))).toBe('no failure')
    limit?.(1_000_000)
    const { attachment } = await attach(-1)
    expect(attachment.size).toBe(20 * piece.length)
    await engine.close()
    const database = new Database(file, { readonly: true })
    expect(database.prepare('select count(*) as blobs from blob').get()).toEqual({ blobs: 1 })
    expect(
      database.prepare('select count(*) as chunks from blob_chunk where blob_id not in (select id from blob)').get(),
    ).toEqual({ chunks: 0 })
    database.close()
    expect((await inspectStore(storageAt(file))).findings).toEqual([])
  })

  test('a store that became read-only: a save is refused in words, reading goes on, and so does saving when it may again', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'everdraft.db')
    const store = await openStoreAt(file, () => storageAt(file))
    const put = (key: string) => store.write(({ db }) => db.insertInto('meta').values({ key, value: 'x' }).execute())
    const keys = () =>
      store.read(async (db) => (await db.selectFrom('meta').select('key').where('value', '=', 'x').execute()).length)
    await put('first')
    await store.read((db) => sql`pragma query_only = on`.execute(db))
    const said = await failure(put('second'))
    expect(said).toContain('STORAGE_ERROR')
    expect(said).toContain('read-only')
    expect(await keys()).toBe(1)
    await store.read((db) => sql`pragma query_only = off`.execute(db))
    await put('third')
    expect(await keys()).toBe(2)
    await store.close()
  })

  test('a file that may only be read: refused in words, and not changed', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'everdraft.db')
    await written(file)
    const before = await readFile(file)
    // Rights do not bind root, and the owner of a file may change them: another user opens it.
    await chmod(folder.path, 0o755)
    const opener = `
      import { ${name} } from '../src/index.ts'
      if (process.getuid() === 0) process.setuid(65534)
      await ${name}(process.argv[1]).open().then(() => console.log('opened'), (error) => console.log(error.code, error.message))
      process.exit(0)
    `
    const said = process.getuid?.() === 0 ? await inAnotherProcess(opener, file) : 'STORAGE_ERROR not root'
    expect(said).toContain('STORAGE_ERROR')
    expect(Buffer.compare(await readFile(file), before)).toBe(0)
  })

  test('a corrupted page: reading what is on it fails in words, the rest is read, and the doctor says it', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'everdraft.db')
    const ids = await written(file)
    const raw = new Database(file)
    const { rootpage } = raw.prepare(`select rootpage from sqlite_schema where name = 'draft_content'`).get() as {
      rootpage: number
    }
    // A page that holds what drafts say, and not the one at the top.
    const pages = raw.prepare(
      `select pageno from dbstat where name = 'draft_content' and pagetype = 'leaf' and pageno <> ? order by pageno`,
    )
    const leaf = (pages.get(rootpage) as { pageno: number }).pageno
    raw.close()
    const handle = await open(file, 'r+')
    await handle.write(new Uint8Array(4096).fill(0x5a), 0, 4096, (leaf - 1) * 4096)
    await handle.close()

    const { findings } = await inspectStore(storageAt(file)).catch((error: unknown) => ({
      findings: [{ code: 'DAMAGED', message: String(error) }],
    }))
    expect(findings[0]?.code).toBe('DAMAGED')
    const store = await openStoreAt(file, () => storageAt(file))
    const outcomes = await Promise.all(
      ids.map((id) =>
        failure(
          store.read((db) =>
            db.selectFrom('draft_content').select('content').where('draft_id', '=', id).executeTakeFirst(),
          ),
        ),
      ),
    )
    const failed = outcomes.filter((outcome) => outcome !== 'no failure')
    expect(failed.length).toBeGreaterThan(0)
    expect(failed.length).toBeLessThan(ids.length)
    for (const outcome of failed) {
      expect(outcome).toContain('STORAGE_ERROR')
      expect(outcome).toContain(file)
      expect(outcome).toContain('damaged')
    }
    await store.close()
  })

  test('a draft that cannot be read: an error that names it and says nothing of it, and the others go on', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'everdraft.db')
    const [id, other] = await written(file)
    const database = new Database(file)
    database.prepare(`update draft_content set content = 'private' || content where draft_id = ?`).run(id)
    database.prepare('update draft set indexed_version = 0').run()
    // Old enough to be thinned out, where it could be read.
    database
      .prepare(
        `insert into revision select draft_id, 0, 'full', 'private', 0, 0, device, author, '[]' from revision where draft_id = ?`,
      )
      .run(other)
    database.close()
    const engine = await openAt(file)
    for (const asked of [engine.drafts.get(id!), engine.drafts.list({ limit: 100 }), engine.drafts.discard(id!)]) {
      const said = await failure(asked)
      expect(said).toContain(`STORAGE_ERROR what draft ${id} says is damaged`)
      expect(said).not.toContain('private')
    }
    expect(await engine.drafts.save(other!, { text: 'goes on\n' })).toMatchObject({ text: 'goes on\n' })
    const imap = { host: 'mail.example.org', port: 993, security: 'tls', user: 'bob', password: 'secret' } as const
    await engine.accounts.add({ address: 'bob@example.org', imap })
    expect(await failure(engine.drafts.create({ to: 'carol@example.com' }))).toBe('no failure')
    // Nor does it keep the house from being kept.
    expect(await failure(engine.housekeep())).toBe('no failure')
    expect((await engine.drafts.search('goes on')).total).toBe(1)
    await engine.close()
  })

  test('a second process meets STORAGE_IN_USE, whichever driver it has, and changes nothing', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'everdraft.db')
    const engine = await openAt(file)
    for (const other of ['sqlite', 'nodeSqlite']) {
      const said = await inAnotherProcess(
        `
          import { ${other} } from '../src/index.ts'
          await ${other}(process.argv[1]).open().then(() => console.log('opened'), (error) => console.log(error.code, error.message))
          process.exit(0)
        `,
        file,
      )
      expect(said).toContain('STORAGE_IN_USE')
      expect(said).toContain(file)
    }
    expect((await engine.accounts.list()).total).toBe(0)
    await engine.close()
  })

  test('a copy that is begun while a write is open waits for it, and has it', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'everdraft.db')
    const copy = join(folder.path, 'copy.db')
    const { store, open: opened } = await openStore(storageAt(file), { now: () => 0, schedule: () => () => {} })
    const entered = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    const writing = store.write(async ({ db }) => {
      await db.insertInto('meta').values({ key: 'note', value: 'written' }).execute()
      entered.resolve()
      await release.promise
    })
    await entered.promise
    const copying = opened.backup?.(copy, (dialect) => new Kysely({ dialect }).destroy())
    // It has looked, and looked again, by then.
    for (let turn = 0; turn < 200; turn += 1) await nextTurn()
    release.resolve()
    await Promise.all([writing, copying])
    await store.close()
    const raw = new Database(copy, { readonly: true })
    expect(raw.prepare(`select value from meta where key = 'note'`).get()).toEqual({ value: 'written' })
    raw.close()
  })

  test('a process that is killed gives the file free, and all that it was told is stored is there', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'everdraft.db')
    const said = await inAnotherProcess(
      `
        import { ${name} } from '../src/index.ts'
        import { openStore } from '../../core/src/storage/store.ts'
        const { store } = await openStore(${name}(process.argv[1]), { now: () => 0, schedule: () => () => {} })
        for (let index = 0; index < 50; index += 1) {
          await store.write(({ db }) => db.insertInto('meta').values({ key: 'note ' + index, value: 'x' }).execute())
        }
        console.log('stored')
        // As a kill does: nothing is closed.
        process.reallyExit(0)
      `,
      file,
    )
    expect(said).toBe('stored')
    expect((await stat(`${file}-wal`)).size).toBeGreaterThan(0)
    const store = await openStoreAt(file, () => storageAt(file))
    const rows = await store.read((db) => db.selectFrom('meta').select('key').where('key', 'like', 'note %').execute())
    expect(rows).toHaveLength(50)
    await store.close()
  })

  test('a file without the log beside it opens with what had reached it, and loses nothing of that', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'everdraft.db')
    const ids = await written(file)
    // Closed, everything is in the file.
    const copy = join(folder.path, 'copy.db')
    await copyFile(file, copy)
    await rm(file)
    const engine = await openAt(copy)
    expect((await engine.drafts.list({ limit: 1 })).total).toBe(ids.length)
    await engine.close()
  })
})
