import { closeSync, existsSync, openSync, realpathSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'

import { EverdraftError, type OpenStorage, type Storage } from '@everdraft/core'
import { type Dialect, SqliteDialect } from 'kysely'

import { attachmentFile } from './attachment-file.ts'
import { epochFile } from './epoch-file.ts'
import { makePrivate } from './private-file.ts'
import { createSha256 } from './sha256.ts'
import { describeSqliteError, isBusy } from './sqlite-errors.ts'
import { pragma, setPragmas, type SqliteHandle } from './sqlite-handle.ts'
import { withStatementCache } from './statement-cache.ts'
import { synchronise } from './synchronise.ts'

export interface SqliteOptions {
  /** `PRAGMA wal_autocheckpoint`: pages in the log before they are moved into the file. Default 4,000. */
  readonly checkpointPages?: number
  /**
   * Where attachments of 256 KiB and more lie: in a second file beside this one, `FILE-attachments`, which takes a
   * third of the time, or in this one. What was put into either is read from there. Default `beside`.
   */
  readonly attachments?: 'beside' | 'inside'
}

/**
 * The engine's store in an SQLite file (WAL, synchronous=FULL: what was acknowledged survives power loss), by one of
 * the drivers. The file is readable by its owner alone, and locked for this process while it is open.
 */
export function sqliteStorage(
  openHandle: (file: string) => SqliteHandle | Promise<SqliteHandle>,
  path: string,
  { checkpointPages = 4_000, attachments = 'beside' }: SqliteOptions,
): Storage {
  const file = resolve(path)
  return {
    async open(): Promise<OpenStorage> {
      const handle = await openLocked(openHandle, file, checkpointPages)
      // By whatever link it is opened.
      const realFile = realpathSync(file)
      const beside = attachmentFile(openHandle, `${realFile}-attachments`)
      const database = withStatementCache(handle)
      return {
        family: 'sqlite',
        dialect: new SqliteDialect({ database }),
        // Also where no more is to come: some may be there.
        attachments: { ...beside, isForNew: attachments === 'beside' },
        answer: database.answer,
        commitDurably: durably(handle),
        flushLog: () => flush(`${realFile}-wal`),
        checkpoint: () => void pragma(handle, 'wal_checkpoint(passive)'),
        createSha256,
        checkIntegrity: async () => checkIntegrity(handle, file),
        backup: (destination, complete) => backUp(handle, resolve(destination), { openHandle, complete }),
        epochFile: epochFile(realFile),
        describeError: (error) => describeSqliteError(error, file),
      }
    },
  }
}

/**
 * Filled only as pages are used. SQLite's own 2 MiB hold some hundred drafts: where more are at work, pages are read again
 * and again, and changed ones written to the log before their commit.
 */
const pageCacheKiB = 16 * 1024

/** @throws {EverdraftError} STORAGE_IN_USE, STORAGE_ERROR */
async function openLocked(
  openHandle: (file: string) => SqliteHandle | Promise<SqliteHandle>,
  file: string,
  checkpointPages: number,
): Promise<SqliteHandle> {
  let handle: SqliteHandle | null = null
  try {
    makePrivate(file)
    handle = await openHandle(file)
    // Before the first access, so that the lock is taken for good and the log's index stays in this process's memory.
    setPragmas(handle, [
      'locking_mode = EXCLUSIVE',
      'journal_mode = WAL',
      // better-sqlite3 is built to fall back to NORMAL in WAL: that loses acknowledged saves at a power cut.
      'synchronous = FULL',
      // What was a password is not left between the rows; where that costs more writing it is not done.
      'secure_delete = FAST',
      'fullfsync = 1',
    ])
    claim(handle, file)
    setPragmas(handle, [
      'foreign_keys = ON',
      `wal_autocheckpoint = ${checkpointPages}`,
      // What a savepoint may have to undo is else written to a file as soon as it is 64 KiB: about what one save changes.
      'temp_store = MEMORY',
      `cache_size = ${-pageCacheKiB}`,
    ])
    // The lock is taken by the first write, not by the pragma.
    handle.exec('begin immediate; commit')
    expectPragma(handle, 'synchronous', 2)
    expectPragma(handle, 'journal_mode', 'wal')
    return handle
  } catch (error) {
    handle?.close()
    if (isBusy(error)) {
      throw new EverdraftError('STORAGE_IN_USE', `${file} is in use by another process`, { cause: error })
    }
    const description = describeSqliteError(error, file)
    throw description === null ? error : new EverdraftError('STORAGE_ERROR', description, { cause: error })
  }
}

/**
 * synchronous=NORMAL writes a commit to the log, and leaves it to the system when that gets to the disk. The next commit at
 * FULL synchronises the log with all that stands before it, and each checkpoint does at either before it changes the file:
 * what a power loss may cut off is the log's end, after the last commit at FULL.
 */
function durably(handle: SqliteHandle): (durable: boolean) => void {
  let isFull = true
  return (durable) => {
    if (durable === isFull) return
    // Acts as it is compiled: remembered by the cache of statements it would do nothing the second time.
    handle.exec(`pragma synchronous = ${durable ? 'FULL' : 'NORMAL'}`)
    isFull = durable
  }
}

/**
 * From another thread, so that the event loop goes on. SQLite holds no locks on its log, so that closing it ends none. What
 * fails here fails at SQLite's own synchronising, too: a file tells each who has it open.
 */
async function flush(log: string): Promise<void> {
  try {
    const handle = await open(log, 'r+')
    try {
      await handle.datasync()
    } finally {
      await handle.close()
    }
  } catch {
    // The log is made anew, or the disk fails: SQLite's own says so.
  }
}

function checkIntegrity(handle: SqliteHandle, file: string): readonly string[] {
  try {
    return integrityErrors(handle)
  } catch (error) {
    // Damage can also stop the check itself.
    return [describeSqliteError(error, file) ?? 'the check of the database failed']
  }
}

function integrityErrors(handle: SqliteHandle): readonly string[] {
  const pages = handle.prepare('pragma integrity_check').all([]) as readonly { readonly integrity_check: string }[]
  const keys = handle.prepare('pragma foreign_key_check').all([]) as readonly Record<'table' | 'parent', string>[]
  return [
    ...pages.map((row) => row.integrity_check).filter((message) => message !== 'ok'),
    ...keys.map((row) => `a row of ${row.table} refers to one of ${row.parent} that is not there`),
  ]
}

/**
 * Page by page beside the running work, into a file that nobody else may read. The copy is one file: attachments that lie beside
 * this one lie in it.
 */
async function backUp(
  handle: SqliteHandle,
  destination: string,
  {
    openHandle,
    complete,
  }: {
    readonly openHandle: (file: string) => SqliteHandle | Promise<SqliteHandle>
    readonly complete: (dialect: Dialect) => Promise<void>
  },
): Promise<void> {
  if (existsSync(destination)) {
    throw new EverdraftError('STORAGE_ERROR', `${destination} is there already: a backup writes over nothing`)
  }
  try {
    closeSync(openSync(destination, 'wx', 0o600))
    while (!(await handle.backup(destination))) await nextTurn()
    // Who uses the dialect closes it.
    await complete(new SqliteDialect({ database: withStatementCache(await openHandle(destination)) }))
    await synchronise(destination)
  } catch (error) {
    for (const ending of ['', '-wal', '-shm']) rmSync(`${destination}${ending}`, { force: true })
    const description = describeSqliteError(error, destination)
    throw description === null ? error : new EverdraftError('STORAGE_ERROR', description, { cause: error })
  }
}

/** `evDr`: says in the file's header whose it is. */
const applicationId = 0x65764472

/** @throws {EverdraftError} STORAGE_ERROR for another program's database */
function claim(handle: SqliteHandle, file: string): void {
  const found = pragma(handle, 'application_id')
  if (found === applicationId) return
  const tables = handle.prepare(`select name from sqlite_master where type = 'table'`).all([]) as readonly {
    readonly name: string
  }[]
  // The first schema did not sign its files.
  if (found !== 0 || (tables.length > 0 && !tables.some(({ name }) => name === 'meta'))) {
    throw new EverdraftError('STORAGE_ERROR', `${file}: this is another program's database`)
  }
  handle.exec(`pragma application_id = ${applicationId}`)
}

function expectPragma(handle: SqliteHandle, name: string, expected: unknown): void {
  const found = pragma(handle, name)
  if (found !== expected) {
    throw new EverdraftError(
      'STORAGE_ERROR',
      `SQLite does not keep ${name} = ${String(expected)}: it says ${String(found)}`,
    )
  }
}
