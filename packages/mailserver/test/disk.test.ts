import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { createDiskJournal, createMailStore, JournalError, type StoreJournal } from '../src/index.ts'
import { append, createWorld, message, text, uidsOf, type World } from './harness.ts'
import { connectTo } from './sockets.ts'

let folder = ''
const children = new Set<ChildProcess>()
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailserver-'))
})
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  children.clear()
  rmSync(folder, { recursive: true })
})

const onDisk = (): World => createWorld({ journal: createDiskJournal(folder) })

/** All that a client could see of a store. */
const contents = (world: World): unknown =>
  world.store.mailboxes('alice').map((mailbox) => ({
    name: mailbox.name,
    uidValidity: mailbox.uidValidity,
    uidNext: mailbox.uidNext,
    specialUse: mailbox.specialUse,
    messages: mailbox
      .messages()
      .map(({ uid, flags, internalDateMs, bytes }) => [uid, flags, internalDateMs, text(bytes)]),
  }))

test('a store in a folder is the same after it is opened again', () => {
  const world = onDisk()
  const client = world.selected()
  for (const subject of ['one', 'two', 'three']) append(client, 'Drafts', message(subject), '(key)')
  client.run('a STORE 2 +FLAGS (\\Seen \\Deleted)')
  client.run('b COPY 1:2 Sent')
  client.run('c UID EXPUNGE 2')
  client.run('d MOVE 2 Trash')
  client.runWithLiterals('e UID REPLACE 1 Drafts ', message('new'), '')
  client.run('f CREATE a/b (USE (\\Archive))')
  client.run('g RENAME a/b c')
  client.run('h SUBSCRIBE c')
  client.run('i UNSUBSCRIBE Trash')
  const sent = world.store.find('alice', 'Sent')
  if (sent !== undefined) world.store.resetUidValidity(sent)
  const again = onDisk()
  expect(contents(again)).toEqual(contents(world))
  expect(again.store.subscriptions('alice')).toEqual(world.store.subscriptions('alice'))
  // And once more, from the snapshot that opening has made.
  expect(contents(onDisk())).toEqual(contents(world))
})

test('UIDs, UIDVALIDITYs and the names of octets are not used again after a restart', () => {
  const world = onDisk()
  const client = world.selected()
  append(client, 'Drafts', message('one'), '(\\Deleted)')
  client.run('a EXPUNGE')
  const { uidValidity = 0 } = world.store.find('alice', 'Trash') ?? {}
  client.run('b DELETE Trash')
  const again = onDisk()
  expect(append(again.login(), 'Drafts', message('two'))).toMatch(/APPENDUID \d+ 2\]/u)
  again.login().run('c CREATE Trash')
  expect(again.store.find('alice', 'Trash')?.uidValidity).toBeGreaterThan(uidValidity)
})

test('octets that no message has any more leave the disk, and copies share theirs', () => {
  const world = onDisk()
  const client = world.selected()
  append(client, 'Drafts', message('one'))
  client.run('a COPY 1 Sent')
  expect(readdirSync(join(folder, 'blobs'))).toHaveLength(1)
  client.run('b STORE 1 +FLAGS (\\Deleted)')
  client.run('c EXPUNGE')
  expect(readdirSync(join(folder, 'blobs'))).toHaveLength(1)
  client.run('d DELETE Sent')
  expect(readdirSync(join(folder, 'blobs'))).toEqual([])
})

test('a transaction that was being written when the process died never happened', () => {
  const world = onDisk()
  append(world.login(), 'Drafts', message('one'))
  const journal = join(folder, 'journal.jsonl')
  const complete = readFileSync(journal).length
  append(world.login(), 'Drafts', message('two'))
  for (let length = readFileSync(journal).length - 1; length >= complete; length -= 7) {
    truncateSync(journal, length)
    const copy = readFileSync(journal)
    expect(uidsOf(onDisk())).toEqual([1])
    writeFileSync(journal, copy)
    // The octets of the second message went with the reopening: nothing named them.
    expect(readdirSync(join(folder, 'blobs'))).toEqual(['1.eml'])
  }
})

test('a damaged journal is an error that names its line, not an empty mailbox', () => {
  onDisk()
  appendFileSync(join(folder, 'journal.jsonl'), 'nonsense\n')
  expect(onDisk).toThrow(/journal\.jsonl: line \d+ is no transaction/u)
})

test('octets that are missing are an error, not an empty message', () => {
  append(onDisk().login(), 'Drafts', message('one'))
  rmSync(join(folder, 'blobs', '1.eml'))
  expect(onDisk).toThrow('ENOENT')
})

test('a journal that cannot be written refuses the command and changes nothing', () => {
  const disk = createDiskJournal(folder)
  let full = false
  const journal: StoreJournal = {
    ...disk,
    append: (entries) => {
      if (full) throw new JournalError('journal.jsonl', new Error('ENOSPC'))
      disk.append(entries)
    },
  }
  const world = createWorld({ journal })
  const client = world.selected()
  append(client, 'Drafts', message('one'))
  full = true
  expect(append(client, 'Drafts', message('two'))).toContain('app NO [UNAVAILABLE]')
  expect(client.run('a STORE 1 +FLAGS (\\Deleted)')).toContain('a NO [UNAVAILABLE]')
  expect(client.run('b CREATE new')).toContain('b NO [UNAVAILABLE]')
  full = false
  expect(client.run('c FETCH 1 (UID FLAGS)')).toContain('* 1 FETCH (UID 1 FLAGS (\\Recent))')
  expect(client.run('d CREATE new')).toContain('d OK')
  expect(contents(onDisk())).toEqual(contents(world))
})

const open = (...names: readonly string[]): ReturnType<typeof createMailStore> =>
  createMailStore({
    users: names.map((name) => ({ name, password: 'x' })),
    proposeUidValidity: () => 1,
    journal: createDiskJournal(folder),
  })

test('a user who is added later starts with the mailboxes, and one who is not listed any more keeps the mail', () => {
  open('alice')
  expect(open('bob').find('bob', 'Drafts')?.specialUse).toEqual(['\\Drafts'])
  expect(open('alice').find('alice', 'Drafts')?.name).toBe('Drafts')
})

async function startChild(): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  const script = new URL('disk-child.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.add(child)
  const { stdout } = child
  if (stdout === null) throw new Error('the child has no output')
  const [chunk] = (await once(stdout, 'data')) as readonly Buffer[]
  return { child, port: Number(String(chunk)) }
}

test('what was answered OK survives kill -9, and nothing is there in half', async () => {
  const acknowledged = new Set<number>()
  for (let round = 0; round < 3; round++) {
    const { child, port } = await startChild()
    const client = connectTo(port)
    await client.run('a LOGIN alice secret')
    const octets = message(`round-${round}`, 'x'.repeat(20_000))
    // All at once: the kill comes while they are being stored.
    for (let each = 0; each < 60; each++) client.write(`n${each} APPEND Drafts {${octets.length}+}\r\n${octets}\r\n`)
    await client.until(/n5 OK[^\n]*\n/u)
    child.kill('SIGKILL')
    await client.untilEnded()
    for (const [, uid] of client.received.matchAll(/OK \[APPENDUID \d+ (\d+)\] [^\n]*\n/gu))
      acknowledged.add(Number(uid))
    await once(child, 'exit')
    const world = onDisk()
    const stored = world.store.find('alice', 'Drafts')?.messages() ?? []
    expect(stored.map(({ uid }) => uid)).toEqual(expect.arrayContaining([...acknowledged]))
    for (const { bytes } of stored) expect(text(bytes)).toMatch(/^From: Alice[^]*\r\n\r\nx{20000}\r\n$/u)
    expect(new Set(stored.map(({ uid }) => uid)).size).toBe(stored.length)
  }
  expect(acknowledged.size).toBeGreaterThanOrEqual(18)
})
