import type { Dialect } from 'kysely'

import type { Hasher } from '../environment.ts'
import type { BlobStore } from './blob-store.ts'
import type { Family } from './family.ts'

/**
 * Where the engine keeps everything: a database behind Kysely.
 *
 * What an adapter promises: one process at a time (a second `open` fails with STORAGE_IN_USE); a transaction whose
 * COMMIT returned survives power loss; a statement sees what was committed before it.
 */
export interface Storage {
  /** @throws {EverdraftError} STORAGE_IN_USE, STORAGE_ERROR: the message names the file and what is wrong with it */
  open(): Promise<OpenStorage>
}

/**
 * A short text beside the database, where a copy of the database is without it. What the two say of each other tells a store that
 * was put back from a backup.
 */
export interface EpochFile {
  /** Null: there is none. @throws {EverdraftError} STORAGE_ERROR */
  read(): Promise<string | null>
  /** The old text or the new one is there at any instant, and durably the new one when it resolves. @throws {EverdraftError} STORAGE_ERROR */
  write(text: string): Promise<void>
}

/** What a statement has done that gives no rows. */
export interface Changed {
  /** Rows; 0 for a statement of another kind. */
  readonly changes: number | bigint
  /** The number of the row that was added last; null where the database does not say. */
  readonly lastInsertRowid: number | bigint | null
}

/** Made when the first one comes. */
export interface AttachmentPlace extends BlobStore {
  isThere(): boolean
  /** Frees it; nobody reads or writes any more. */
  close(): Promise<void>
}

export interface OpenStorage {
  /** Which SQL the dialect speaks, where Kysely does not bridge it. */
  readonly family: Family
  /**
   * One connection, used by one at a time: what is asked for meanwhile waits. Numbers come as numbers up to 2^53 - 1,
   * bytes as `Uint8Array`. After a failed statement a COMMIT stores all of the others or fails.
   */
  readonly dialect: Dialect
  /**
   * Answers a statement at once, on the dialect's one connection: for a database within the process, where what lies
   * between a compiled query and its answer costs more than the answer. Called only while that connection is held. A
   * statement that has no rows to give answers by one `Changed`.
   */
  readonly answer?: (statement: string, parameters: readonly unknown[]) => readonly unknown[]
  /**
   * Whether commits return when they are durable, as they do until this is called; no transaction is open. Those that
   * return earlier become durable, in their order, with the next that is durable, or with a checkpoint.
   */
  commitDurably?(durable: boolean): void
  /** Has the log of changes written to the disk, while it is written on. What fails here the next durable commit says. */
  flushLog?(): Promise<void>
  /**
   * Moves what a log of changes holds to where it belongs, which a database does by itself only now and then, and then
   * all at once. Called while much is stored, so that nobody waits long.
   */
  checkpoint?(): void
  /** The platform's own SHA-256, where it is faster than the portable one. */
  readonly createSha256?: () => Hasher
  /** What the database says of its own pages and references; empty: nothing is wrong. */
  checkIntegrity?(): Promise<readonly string[]>
  /**
   * A consistent copy, while the store is in use. It does not write over a file that is there. `complete` is given the copy,
   * brings into it what lies in `attachments`, and closes it.
   * @throws {EverdraftError} STORAGE_ERROR
   */
  backup?(destination: string, complete: (copy: Dialect) => Promise<void>): Promise<void>
  /** Where large attachments lie, if nobody names another place. Absent: in the database. Closed with the database. */
  readonly attachments?: AttachmentPlace & {
    /** False: what is there is read, and what is new goes into the database. */
    readonly isForNew: boolean
  }
  /** Absent: nobody here can tell whether the store was restored. */
  readonly epochFile?: EpochFile
  /** Brings a driver's error into ours: disk full, read-only, damaged. Null: not an error of the storage. */
  describeError(error: unknown): string | null
}
