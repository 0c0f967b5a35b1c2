import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'

import {
  type AccountId,
  type AttachmentPlace,
  type BlobName,
  type BlobWriter,
  type ByteRange,
  EverdraftError,
  type OpenBlobStore,
  type Sha256,
} from '@everdraft/core'

import { makePrivate } from './private-file.ts'
import { named } from './sqlite-errors.ts'
import { pragma, setPragmas, type SqliteHandle } from './sqlite-handle.ts'
import { synchronise } from './synchronise.ts'

/** After so many bytes the disk begins to write them, while more come: the commit then waits for few. */
const flushEvery = 2 * 1024 * 1024
/** Rows that are taken away at once: 1 MiB, as each is 256 KiB. */
const removedAtOnce = 4
const listedAtOnce = 1_000
/** `evDa`: says in the file's header whose it is. */
const applicationId = 0x65764461

/**
 * Large attachments in an SQLite file of their own, made when the first one comes. With a rollback journal, as what is added
 * at the end of a file needs no journal: each byte is written once, where a log writes it twice; and with long pages.
 * Nothing here is part of a transaction of the other file: bytes are durable before that names them, and go after it does not.
 */
export function attachmentFile(
  openHandle: (file: string) => SqliteHandle | Promise<SqliteHandle>,
  file: string,
): AttachmentPlace {
  let opened: Promise<OpenFile> | null = null
  let isClosed = false
  return {
    isThere: () => opened !== null || existsSync(file),
    async open(owner) {
      if (isClosed) throw closed()
      opened ??= named(file, () => openFile(openHandle, file, owner))
      try {
        return (await opened).blobs
      } catch (error) {
        // The disk may have room again.
        opened = null
        throw error
      }
    },
    async close() {
      isClosed = true
      await (await opened?.catch(() => null))?.close()
    },
  }
}

interface OpenFile {
  readonly blobs: OpenBlobStore
  close(): Promise<void>
}

async function openFile(
  openHandle: (file: string) => SqliteHandle | Promise<SqliteHandle>,
  file: string,
  owner: string,
): Promise<OpenFile> {
  const isNew = !existsSync(file)
  makePrivate(file)
  const handle = await openHandle(file)
  try {
    prepareFile(handle, file, owner)
    if (isNew) await synchronise(dirname(file))
  } catch (error) {
    handle.close()
    throw error
  }
  // Closed after SQLite has closed its own: any close of a file ends all locks that the process has on it.
  const descriptor = await open(file, 'r+')
  const changes = createChanges(handle, () => descriptor.datasync())
  const blobs = createBlobs(handle, file, changes)
  const close = async (): Promise<void> => {
    await changes.close()
    handle.close()
    await descriptor.close()
  }
  try {
    await blobs.dropNameless()
  } catch (error) {
    await close()
    throw error
  }
  return { blobs, close }
}

/** @throws {EverdraftError} STORAGE_ERROR for another program's file, or another store's */
function prepareFile(handle: SqliteHandle, file: string, owner: string): void {
  setPragmas(handle, ['page_size = 65536', 'locking_mode = EXCLUSIVE'])
  // Before anything is changed in it.
  const tables = handle.prepare(`select name from sqlite_master where type = 'table'`).all([])
  if (tables.length > 0 && pragma(handle, 'application_id') !== applicationId) {
    throw new EverdraftError('STORAGE_ERROR', `${file}: this is another program's database`)
  }
  setPragmas(handle, [
    'journal_mode = TRUNCATE',
    'synchronous = FULL',
    'fullfsync = 1',
    'cache_size = -2048',
    'temp_store = MEMORY',
  ])
  handle.exec(`pragma application_id = ${applicationId}; begin immediate;
    create table if not exists owner (id text primary key) strict;
    create table if not exists body (id integer primary key, size integer not null) strict;
    create table if not exists name (
      id integer primary key, account_id text not null, sha256 text not null, body_id integer not null references body (id)
    ) strict;
    create index if not exists name_of_body on name (body_id);
    create table if not exists piece (
      body_id integer not null, start integer not null, bytes blob not null, primary key (body_id, start)
    ) strict, without rowid;
    insert into owner (id) select '${owner.replaceAll("'", "''")}' where not exists (select 1 from owner);
    commit`)
  const [found] = handle.prepare('select id from owner').all([]) as readonly { readonly id: string }[]
  if (found?.id !== owner) {
    throw new EverdraftError('STORAGE_ERROR', `${file}: these attachments belong to another store, move the file away`)
  }
}

/** Changes of all who write at the same time are one transaction: a commit is everybody's. */
interface Changes {
  /** Begins one where there is none. What fails takes all with it that is not committed. */
  change<Result>(make: () => Result): Result
  /** Another number after each transaction that was lost. */
  lost(): number
  /** After each piece: where much was written since, the disk begins to write it. */
  wrote(bytes: number): Promise<void>
  /** All that was changed until now is durable when it resolves, or is lost. @returns `lost()` at that time */
  commit(): Promise<number>
  /** What is asked for afterwards fails with CLOSED, and what was not committed is gone. */
  close(): Promise<void>
  /** @throws {EverdraftError} CLOSED */
  checkOpen(): void
}

function closed(): EverdraftError {
  return new EverdraftError('CLOSED', 'the engine is closed')
}

function createChanges(handle: SqliteHandle, writeOut: () => Promise<void>): Changes {
  const statements = { begin: handle.prepare('begin immediate'), commit: handle.prepare('commit') }
  let isOpen = false
  let lost = 0
  let flushing: Promise<void> = Promise.resolve()
  let unflushed = 0
  let committing: Promise<number> | null = null
  let isClosed = false

  function checkOpen(): void {
    if (isClosed) throw closed()
  }

  function loseOn<Result>(act: () => Result): Result {
    try {
      return act()
    } catch (error) {
      lost += 1
      isOpen = false
      try {
        handle.exec('rollback')
      } catch {
        // SQLite rolls back by itself on some errors (disk full).
      }
      throw error
    }
  }

  async function flush(): Promise<void> {
    unflushed = 0
    await flushing
    // What fails here fails at the commit's own synchronising, too.
    flushing = writeOut().catch(() => {})
  }

  async function commitAll(): Promise<number> {
    // What is little is synchronised by the commit itself in no time; it waits a turn for others all the same.
    if (unflushed > flushEvery / 4) await flush()
    else await nextTurn()
    await flushing
    committing = null
    if (!isOpen) return lost
    checkOpen()
    loseOn(() => statements.commit.run([]))
    isOpen = false
    return lost
  }

  return {
    change(make) {
      checkOpen()
      return loseOn(() => {
        if (!isOpen) statements.begin.run([])
        isOpen = true
        return make()
      })
    },
    lost: () => lost,
    async wrote(bytes) {
      unflushed += bytes
      await (unflushed >= flushEvery ? flush() : nextTurn())
    },
    commit: () => (committing ??= commitAll()),
    async close() {
      await committing?.catch(() => {})
      isClosed = true
      await flushing
    },
    checkOpen,
  }
}

interface Blobs extends OpenBlobStore {
  /** What a crash left half written, or half removed. */
  dropNameless(): Promise<void>
}

function createBlobs(handle: SqliteHandle, file: string, changes: Changes): Blobs {
  const statements = {
    addBody: handle.prepare('insert into body (id, size) values (?, 0)'),
    lastBody: handle.prepare('select coalesce(max(id), 0) as id from body'),
    setSize: handle.prepare('update body set size = ? where id = ?'),
    addPiece: handle.prepare('insert into piece (body_id, start, bytes) values (?, ?, ?)'),
    addName: handle.prepare('insert or replace into name (id, account_id, sha256, body_id) values (?, ?, ?, ?)'),
    findName: handle.prepare(
      `select body_id, size from name join body on body.id = body_id
       where name.id = ? and account_id = ? and sha256 = ?`,
    ),
    pieceAt: handle.prepare(
      'select start, bytes from piece where body_id = ? and start <= ? order by start desc limit 1',
    ),
    removeName: handle.prepare('delete from name where id = ? and account_id = ? and sha256 = ?'),
    nameless: handle.prepare('select id from body where not exists (select 1 from name where body_id = body.id)'),
    hasName: handle.prepare('select 1 from name where body_id = ?'),
    somePieces: handle.prepare(`select start from piece where body_id = ? order by start limit ${removedAtOnce}`),
    removePieces: handle.prepare('delete from piece where body_id = ? and start <= ?'),
    removeBody: handle.prepare('delete from body where id = ?'),
    names: handle.prepare(`select id, account_id, sha256 from name where id > ? order by id limit ${listedAtOnce}`),
  }
  let lastBody = (statements.lastBody.all([])[0] as { readonly id: number }).id

  function find({ id, accountId, sha256 }: BlobName): { readonly body_id: number; readonly size: number } | null {
    changes.checkOpen()
    const [row] = statements.findName.all([id, accountId, sha256]) as readonly { body_id: number; size: number }[]
    return row ?? null
  }

  function checkKept(before: number, after: number): void {
    if (before === after) return
    throw new EverdraftError('STORAGE_ERROR', `${file}: another change failed, and took this attachment with it`)
  }

  /** Step by step, as pages are read for it. */
  async function removeBody(body: number): Promise<void> {
    for (;;) {
      const rows = statements.somePieces.all([body]) as readonly { readonly start: number }[]
      const last = rows.at(-1)
      if (last === undefined) break
      changes.change(() => statements.removePieces.run([body, last.start]))
      await nextTurn()
    }
    changes.change(() => statements.removeBody.run([body]))
  }

  async function create(): Promise<BlobWriter> {
    // Given once, also where the change that it was given in is lost: whoever takes one away takes no other's.
    lastBody += 1
    const body = lastBody
    changes.change(() => statements.addBody.run([body]))
    const lost = changes.lost()
    let size = 0
    let isEnded = false
    const check = (lostBy = changes.lost()): void => checkKept(lost, lostBy)
    return {
      write: (bytes) =>
        named(file, async () => {
          check()
          changes.change(() => statements.addPiece.run([body, size, bytes]))
          size += bytes.length
          await changes.wrote(bytes.length)
        }),
      keep: ({ id, accountId, sha256 }) =>
        named(file, async () => {
          check()
          changes.change(() => {
            statements.setSize.run([size, body])
            statements.addName.run([id, accountId, sha256, body])
          })
          check(await changes.commit())
          isEnded = true
        }),
      discard: () =>
        named(file, async () => {
          if (isEnded) return
          isEnded = true
          await removeBody(body)
          await changes.commit()
        }),
    }
  }

  return {
    create: () => named(file, create),
    read: (name, size, range) => readFrom(name, size, range),
    link: (from, to) =>
      named(file, async () => {
        const found = find(from)
        if (found === null) throw missing(file, from)
        const lost = changes.lost()
        changes.change(() => statements.addName.run([to.id, to.accountId, to.sha256, found.body_id]))
        checkKept(lost, await changes.commit())
      }),
    remove: (name) =>
      named(file, async () => {
        const found = find(name)
        if (found === null) return
        changes.change(() => statements.removeName.run([name.id, name.accountId, name.sha256]))
        if (statements.hasName.all([found.body_id]).length === 0) await removeBody(found.body_id)
        await changes.commit()
      }),
    list,
    dropNameless: () =>
      named(file, async () => {
        const bodies = statements.nameless.all([]) as readonly { readonly id: number }[]
        for (const { id } of bodies) await removeBody(id)
        if (bodies.length > 0) await changes.commit()
      }),
  }

  /** Never a short attachment for the whole one: who reads it may be about to send it (hazard 14). */
  async function* readFrom(
    name: BlobName,
    size: number,
    { start, end }: ByteRange,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const found = await named(file, async () => find(name))
    if (found?.size !== size) throw missing(file, name)
    for (let position = start; position < end;) {
      const at = position
      const [piece] = await named(file, async () => {
        changes.checkOpen()
        return statements.pieceAt.all([found.body_id, at]) as readonly { start: number; bytes: Uint8Array }[]
      })
      const from = position - (piece?.start ?? position)
      if (piece === undefined || from >= piece.bytes.length) throw missing(file, name)
      const bytes = piece.bytes.subarray(from, from + end - position)
      position += bytes.length
      yield bytes
    }
  }

  async function* list(): AsyncGenerator<BlobName, void, undefined> {
    for (let after = 0; ;) {
      const last = after
      const rows = await named(
        file,
        async () => statements.names.all([last]) as readonly { id: number; account_id: AccountId; sha256: Sha256 }[],
      )
      for (const { id, account_id: accountId, sha256 } of rows) {
        after = id
        yield { accountId, sha256, id }
      }
      if (rows.length < listedAtOnce) return
    }
  }
}

function missing(file: string, { sha256 }: BlobName): EverdraftError {
  return new EverdraftError('STORAGE_ERROR', `${file} lacks the attachment ${sha256.slice(0, 12)}…, or some of it`)
}
