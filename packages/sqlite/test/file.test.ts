import { existsSync } from 'node:fs'
import { mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import Database from 'better-sqlite3'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'

import { sqlite } from '../src/index.ts'
import { codeOf, inAnotherProcess, openFakeDevice, openNotes, openStoreAt, temporaryFolder } from './harness.ts'

/** Opens the file named by its argument and says how that went. */
const opener = `
  import { sqlite } from '../src/index.ts'
  const [file] = process.argv.slice(1)
  try {
    await sqlite(file).open()
    console.log('opened')
  } catch (error) {
    console.log(error.code, error.message)
  }
  process.exit(0)
`

const dump = (database: Database.Database) =>
  JSON.stringify(database.prepare('select type, name, sql from sqlite_schema order by name').all()) +
  JSON.stringify(database.prepare('select * from meta order by key').all())

/** How opening it failed. */
async function refusal(file: string): Promise<string> {
  try {
    const store = await openStoreAt(file)
    await store.close()
  } catch (error) {
    return error instanceof Error && 'code' in error ? `${String(error.code)} ${error.message}` : String(error)
  }
  return 'opened'
}

describe('the file', () => {
  test('a second open of the same file in this process is STORAGE_IN_USE', async () => {
    await using notes = await openNotes()
    expect(await codeOf(sqlite(notes.file).open())).toBe('STORAGE_IN_USE')
  })

  test('another process that opens the file meets STORAGE_IN_USE, and a message that names the file', async () => {
    await using notes = await openNotes()
    const said = await inAnotherProcess(opener, notes.file)
    expect(said).toContain('STORAGE_IN_USE')
    expect(said).toContain(notes.file)
  })

  test('the lock outlives a second open in this process that was refused', async () => {
    await using notes = await openNotes()
    expect(await codeOf(sqlite(notes.file).open())).toBe('STORAGE_IN_USE')
    expect(await inAnotherProcess(opener, notes.file)).toContain('STORAGE_IN_USE')
  })

  test('a closed store gives the file free', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'everdraft.db')
    const store = await openStoreAt(file)
    await store.close()
    expect(await inAnotherProcess(opener, file)).toBe('opened')
  })

  test('only the owner may read the file, its log and what an earlier, laxer file held', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'everdraft.db')
    await writeFile(file, '', { mode: 0o666 })
    const store = await openStoreAt(file)
    await store.write(({ db }) => sql`create table note (text text) strict`.execute(db))
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await stat(`${file}-wal`)).mode & 0o777).toBe(0o600)
    await store.close()
  })

  test('a commit is made durable before it is acknowledged: WAL with synchronous=FULL', async () => {
    await using notes = await openNotes()
    const pragma = (name: string) =>
      notes.store.read(async (db) => {
        const { rows } = await sql.raw<Record<string, unknown>>(`pragma ${name}`).execute(db)
        return rows[0]?.[name]
      })
    expect(await pragma('synchronous')).toBe(2)
    expect(await pragma('journal_mode')).toBe('wal')
    expect(await pragma('foreign_keys')).toBe(1)
    expect(await pragma('locking_mode')).toBe('exclusive')
  })

  test('a word in a long text writes what it is, and not the text', async () => {
    await using device = await openFakeDevice()
    const { drafts } = device.engine
    const text = 'a line of a long letter\n'.repeat(8_000)
    const { id } = await drafts.create({ text })
    const logged = async (): Promise<number> => (await stat(`${device.file}-wal`)).size
    const before = await logged()
    const saves = 16
    for (let word = 1; word <= saves; word += 1) await drafts.save(id, { text: `${'word '.repeat(word)}${text}` })
    const each = ((await logged()) - before) / saves
    expect(each).toBeGreaterThan(0)
    expect(each).toBeLessThan(text.length / 2)
  })

  test('data of a newer everdraft is STORAGE_TOO_NEW, and stays as it is', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'everdraft.db')
    const store = await openStoreAt(file)
    await store.close()
    const raw = new Database(file)
    raw.exec(`update meta set value = '9999' where key = 'schema_version'; create table of_tomorrow (thing text)`)
    const before = dump(raw)
    raw.close()
    expect(await codeOf(openStoreAt(file))).toBe('STORAGE_TOO_NEW')
    // Also the lock is given back: who asked may use the newer program at once.
    const after = new Database(file)
    expect(dump(after)).toBe(before)
    after.close()
  })

  test('a reopened store finds the tables and the data of before', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'everdraft.db')
    const first = await openStoreAt(file)
    await first.write(({ db }) => db.insertInto('meta').values({ key: 'epoch', value: 'kept' }).execute())
    await first.close()
    const second = await openStoreAt(file)
    const row = await second.read((db) =>
      db.selectFrom('meta').select('value').where('key', '=', 'epoch').executeTakeFirst(),
    )
    expect(row?.value).toBe('kept')
    await second.close()
  })
})

describe('what cannot be a store is a STORAGE_ERROR that names the file', () => {
  test('a folder: refused, and its rights stay', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'some-folder')
    await mkdir(path, { mode: 0o755 })
    const before = (await stat(path)).mode
    const said = await refusal(path)
    expect(said).toContain('STORAGE_ERROR')
    expect(said).toContain(path)
    expect((await stat(path)).mode).toBe(before)
  })

  test('a file that is no database: refused, and its bytes stay', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'letter.txt')
    const text = 'Dear Bob, this is a letter and no database.\n'.repeat(100)
    await writeFile(path, text)
    const said = await refusal(path)
    expect(said).toContain('STORAGE_ERROR')
    expect(said).toContain(path)
    expect(await readFile(path, 'utf8')).toBe(text)
  })

  test('a path in a folder that is not there: refused, and nothing is made', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'missing', 'everdraft.db')
    const said = await refusal(path)
    expect(said).toContain('STORAGE_ERROR')
    expect(said).toContain(path)
    expect(existsSync(join(folder.path, 'missing'))).toBe(false)
  })

  test('a path below a file: refused', async () => {
    await using folder = await temporaryFolder()
    await writeFile(join(folder.path, 'file'), '')
    const path = join(folder.path, 'file', 'everdraft.db')
    expect(await refusal(path)).toContain('STORAGE_ERROR')
  })

  test('a link to nowhere: refused', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'link.db')
    await symlink(join(folder.path, 'nowhere', 'target.db'), path)
    const said = await refusal(path)
    expect(said).toContain('STORAGE_ERROR')
    expect(said).toContain(path)
  })

  test('a file of another user: refused in words', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'theirs.db')
    const store = await openStoreAt(path)
    await store.close()
    // Rights do not bind root: the process becomes nobody once it has loaded its modules, the file is root's.
    const asNobody = opener.replace('try {', 'if (process.getuid() === 0) process.setuid(65534)\n  try {')
    const said =
      process.getuid?.() === 0 ? await inAnotherProcess(asNobody, path) : await refusal('/dev/null/everdraft')
    expect(said).toContain('STORAGE_ERROR')
  })

  test('a damaged file: refused, and not replaced by an empty one', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'everdraft.db')
    const store = await openStoreAt(path)
    await store.close()
    const bytes = await readFile(path)
    bytes.fill(0x5a, 100)
    await writeFile(path, bytes)
    const said = await refusal(path)
    expect(said).toContain('STORAGE_ERROR')
    expect(said).toContain(path)
    expect(Buffer.compare(await readFile(path), bytes)).toBe(0)
  })
})
