import type { AccountId, Sha256 } from '../ids.ts'
import type { Db } from './db.ts'

/**
 * Where the bytes of large attachments lie when they are not to lie in the database: a folder, say. Which of them are
 * held, and by whom, stands in the database alone.
 *
 * What an adapter promises: bytes that were kept survive power loss; what is read are all of them or an error; two
 * stores never share one place.
 */
export interface BlobStore {
  /**
   * Takes away what a crash left half written. `owner` names the store: a place that has another owner is refused.
   * @throws {EverdraftError} STORAGE_ERROR
   */
  open(owner: string): Promise<OpenBlobStore>
}

/** Errors are EverdraftErrors with STORAGE_ERROR. */
export interface OpenBlobStore {
  /** Begins with no bytes. */
  create(): Promise<BlobWriter>
  /**
   * The bytes from `start` up to `end`. Fails where there is none of that name, or one of another size. Each piece is memory
   * of its own, which whoever reads it may do away with.
   */
  read(name: BlobName, size: number, range: ByteRange): AsyncIterable<Uint8Array>
  /** The same bytes under another name, without copying them where that can be. Durable when it resolves. */
  link(from: BlobName, to: BlobName): Promise<void>
  remove(name: BlobName): Promise<void>
  /** All that were kept. */
  list(): AsyncIterable<BlobName>
}

/** An id is given once: what takes a blob away is never in the way of who stores the same bytes anew. */
export interface BlobName {
  readonly accountId: AccountId
  readonly sha256: Sha256
  readonly id: number
}

export interface ByteRange {
  readonly start: number
  readonly end: number
}

export interface BlobWriter {
  /** The bytes may change once it resolves. */
  write(bytes: Uint8Array): Promise<void>
  /** Durable under its name when it resolves. */
  keep(name: BlobName): Promise<void>
  /** After any failure; harmless after `keep`. */
  discard(): Promise<void>
}

/** By Kysely's adapter: that is one object for a database and all its transactions. */
const blobStores = new WeakMap<object, OpenBlobStore>()

export function declareBlobStore(db: Db, blobStore: OpenBlobStore): void {
  blobStores.set(db.getExecutor().adapter, blobStore)
}

/** Null: all bytes are in the database. */
export function blobStoreOf(db: Db): OpenBlobStore | null {
  return blobStores.get(db.getExecutor().adapter) ?? null
}
