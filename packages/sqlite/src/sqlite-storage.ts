import { createHash } from 'node:crypto'
import { chmodSync, closeSync, existsSync, openSync, rmSync, statSync } from 'node:fs'
import { resolve } from 'node:path'

import { EverdraftError, type Hasher, type OpenStorage, type Storage } from '@everdraft/core'
import Database from 'better-sqlite3'
import { SqliteDialect } from 'kysely'

import { describeSqliteError, isBusy } from './sqlite-errors.ts'
import { withStatementCache } from './statement-cache.ts'

export interface SqliteOptions {
  /** `PRAGMA wal_autocheckpoint`: pages in the log before they are moved into the file. Default 4,000. */
  readonly checkpointPages?: number
}

/**
 * The engine's store in one SQLite file (WAL, synchronous=FULL: what was acknowledged survives power loss). The file is
 * readable by its owner alone, and locked for this process while it is open.
 */
export function sqlite(path: string, { checkpointPages = 4_000 }: SqliteOptions = {}): Storage {
  const file = resolve(path)
  return {
    async open(): Promise<OpenStorage> {
      const database = openLocked(file, checkpointPages)
      return {
        family: 'sqlite',
        dialect: new SqliteDialect({ database: withStatementCache(database) }),
        createSha256,
        checkIntegrity: async () => checkIntegrity(database, file),
        backup: (destination) => backUp(database, resolve(destination)),
        describeError: (error) => describeSqliteError(error, file),
      }
    },
  }
}

/** @throws {EverdraftError} STORAGE_IN_USE, STORAGE_ERROR */
function openLocked(file: string, checkpointPages: number): Database.Database {
  let database: Database.Database | null = null
  try {
    makePrivate(file)
    database = new Database(file, { timeout: 0 })
    // Before the first access, so that the lock is taken for good and the log's index stays in this process's memory.
    database.pragma('locking_mode = EXCLUSIVE')
    database.pragma('journal_mode = WAL')
    // better-sqlite3 is built to fall back to NORMAL in WAL: that loses acknowledged saves at a power cut.
    database.pragma('synchronous = FULL')
    database.pragma('fullfsync = 1')
    claim(database, file)
    database.pragma('foreign_keys = ON')
    database.pragma(`wal_autocheckpoint = ${checkpointPages}`)
    // The lock is taken by the first write, not by the pragma.
    database.exec('begin immediate; commit')
    expectPragma(database, 'synchronous', 2)
    expectPragma(database, 'journal_mode', 'wal')
    return database
  } catch (error) {
    database?.close()
    if (isBusy(error)) {
      throw new EverdraftError('STORAGE_IN_USE', `${file} is in use by another process`, { cause: error })
    }
    const description = describeSqliteError(error, file)
    throw description === null ? error : new EverdraftError('STORAGE_ERROR', description, { cause: error })
  }
}

/**
 * Before SQLite makes the file: it, its log and its index take over these rights.
 *
 * A file that is there is never opened: closing it again would take away the locks that this process may hold on it
 * through another connection (POSIX: any close of a file ends all locks of the process), and another process would then
 * write into an open store.
 */
function makePrivate(file: string): void {
  const found = statSync(file, { throwIfNoEntry: false })
  if (found === undefined) closeSync(openSync(file, 'ax', 0o600))
  else if (found.isFile()) chmodSync(file, 0o600)
  else throw new EverdraftError('STORAGE_ERROR', `${file} is not a file`)
}

function checkIntegrity(database: Database.Database, file: string): readonly string[] {
  try {
    return integrityErrors(database)
  } catch (error) {
    // Damage can also stop the check itself.
    return [describeSqliteError(error, file) ?? 'the check of the database failed']
  }
}

function integrityErrors(database: Database.Database): readonly string[] {
  const pages = database.pragma('integrity_check') as { readonly integrity_check: string }[]
  const keys = database.pragma('foreign_key_check') as { readonly table: string; readonly parent: string }[]
  return [
    ...pages.map((row) => row.integrity_check).filter((message) => message !== 'ok'),
    ...keys.map((row) => `a row of ${row.table} refers to one of ${row.parent} that is not there`),
  ]
}

/** Page by page beside the running work, into a file that nobody else may read. */
async function backUp(database: Database.Database, destination: string): Promise<void> {
  if (existsSync(destination)) {
    throw new EverdraftError('STORAGE_ERROR', `${destination} is there already: a backup writes over nothing`)
  }
  try {
    closeSync(openSync(destination, 'wx', 0o600))
    await database.backup(destination)
  } catch (error) {
    rmSync(destination, { force: true })
    const description = describeSqliteError(error, destination)
    throw description === null ? error : new EverdraftError('STORAGE_ERROR', description, { cause: error })
  }
}

/** `evDr`: says in the file's header whose it is. */
const applicationId = 0x65764472

/** @throws {EverdraftError} STORAGE_ERROR for another program's database */
function claim(database: Database.Database, file: string): void {
  const found = database.pragma('application_id', { simple: true })
  if (found === applicationId) return
  const tables = database.prepare(`select name from sqlite_master where type = 'table'`).pluck().all()
  // The first schema did not sign its files.
  if (found !== 0 || (tables.length > 0 && !tables.includes('meta'))) {
    throw new EverdraftError('STORAGE_ERROR', `${file}: this is another program's database`)
  }
  database.pragma(`application_id = ${applicationId}`)
}

function expectPragma(database: Database.Database, name: string, expected: unknown): void {
  const found: unknown = database.pragma(name, { simple: true })
  if (found !== expected) {
    throw new EverdraftError(
      'STORAGE_ERROR',
      `SQLite does not keep ${name} = ${String(expected)}: it says ${String(found)}`,
    )
  }
}

function createSha256(): Hasher {
  const hash = createHash('sha256')
  return {
    update: (bytes) => void hash.update(bytes),
    digest: () => hash.digest('hex'),
  }
}
