import { EverdraftError } from '../errors.ts'
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

/** Where the bytes of a blob are, as `blob.place` has it: in rows, where the app said, or where the storage says. */
export type Place = 'database' | 'store' | 'beside'

/** Opened when it is first needed. */
export interface BlobPlaces {
  /** Where new ones go that are large. */
  readonly forNew: Place
  /** Null: the app named none. */
  readonly store: OpenBlobStore | null
  /** Null: the storage has none. */
  readonly beside: (() => Promise<OpenBlobStore>) | null
  /** Whether anything was ever put there. */
  readonly isBesideThere: () => boolean
}

const inRows: BlobPlaces = { forNew: 'database', store: null, beside: null, isBesideThere: () => false }

/** By Kysely's adapter: that is one object for a database and all its transactions. */
const blobPlaces = new WeakMap<object, BlobPlaces>()

export function declareBlobPlaces(db: Db, places: BlobPlaces): void {
  blobPlaces.set(db.getExecutor().adapter, places)
}

export function blobPlacesOf(db: Db): BlobPlaces {
  return blobPlaces.get(db.getExecutor().adapter) ?? inRows
}

/**
 * Null: its bytes are in rows. It may take a while where it is opened for it: whoever can, asks without holding the connection.
 * @throws {EverdraftError} STORAGE_ERROR where the engine was not given the place
 */
export async function blobStoreAt(
  { store, beside }: BlobPlaces,
  place: Place,
  sha256: Sha256,
): Promise<OpenBlobStore | null> {
  if (place === 'database') return null
  const found = place === 'store' ? store : await beside?.()
  if (found) return found
  const where = place === 'store' ? 'a folder of attachments' : 'a file of attachments'
  const message = `the attachment ${sha256.slice(0, 12)}… lies in ${where}, and the engine was given none`
  throw new EverdraftError('STORAGE_ERROR', message)
}
