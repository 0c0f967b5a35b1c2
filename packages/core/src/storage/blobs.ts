import { CompiledQuery, type Dialect, Kysely, type Selectable, sql } from 'kysely'

import { EverdraftError } from '../errors.ts'
import type { Hasher } from '../environment.ts'
import type { AccountId, SendId, Sha256, Umid } from '../ids.ts'
import {
  type BlobName,
  type BlobPlaces,
  blobPlacesOf,
  type BlobStore,
  blobStoreAt,
  type BlobWriter,
  declareBlobPlaces,
  type OpenBlobStore,
  type Place,
} from './blob-store.ts'
import { inChunks } from './chunks.ts'
import type { Db } from './db.ts'
import { answerTo } from './direct.ts'
import { prepared } from './prepared.ts'
import type { BlobRow, Schema } from './schema.ts'
import type { OpenStorage } from './storage.ts'
import type { Store } from './store.ts'

/** One transaction each: larger ones would block the event loop, smaller ones cost more commits. */
const chunkBytes: number = 256 * 1024

export interface Blob {
  readonly sha256: Sha256
  readonly size: number
}

/** Large ones that are stored from here on lie where the app says, else where the storage has a place for them. */
export async function useBlobPlaces(
  store: Store,
  {
    given,
    own,
    owner,
  }: {
    readonly given: BlobStore | undefined
    readonly own: OpenStorage['attachments']
    /** Null: nothing was ever stored. */
    readonly owner: string | null
  },
): Promise<void> {
  if (owner === null) return
  const opened = given === undefined ? null : await given.open(owner)
  const places: BlobPlaces = {
    forNew: opened !== null ? 'store' : own?.isForNew === true ? 'beside' : 'database',
    store: opened,
    beside: own === undefined ? null : () => own.open(owner),
    isBesideThere: () => own?.isThere() === true,
  }
  await store.read(async (db) => declareBlobPlaces(db, places))
}

/** Smaller ones lie in the database also where there is a `BlobStore`: a row is written faster than a file. */
export const inlineBytes: number = 64 * 1024

interface BlobOptions {
  readonly hasher: Hasher
  readonly now: number
}

/**
 * Streams bytes into the store, chunk by chunk, each written before the next is read (so the source is slowed down to
 * the disk's pace). The blob is kept only once something refers to it: see `referBlob`.
 */
export async function storeBlob(
  store: Store,
  accountId: AccountId,
  source: AsyncIterable<Uint8Array>,
  options: BlobOptions,
): Promise<Blob & { readonly id: number }> {
  const { forNew, ...places } = await store.read(async (db) => blobPlacesOf(db))
  const chunks = inChunks(source, chunkBytes)
  try {
    const first = await chunks.next()
    const bytes = first.done === true ? new Uint8Array() : first.value
    // Less than a chunk is all of it. Another file's commit takes longer than a row of that length.
    const longestRow = forNew === 'beside' ? chunkBytes - 1 : inlineBytes
    if (bytes.length <= longestRow) return await storeSmall(store, accountId, bytes, options)
    const all = startingWith(bytes, chunks)
    const blobStore = forNew === 'store' ? places.store : forNew === 'beside' ? await places.beside?.() : null
    if (!blobStore) return await storeInRows(store, accountId, all, options)
    return await storeOutside(store, accountId, all, { ...options, place: forNew, blobStore })
  } finally {
    await chunks.return()
  }
}

async function* startingWith(
  first: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield first
  yield* rest
}

/** All in one transaction. */
async function storeSmall(
  store: Store,
  accountId: AccountId,
  bytes: Uint8Array,
  { hasher, now }: BlobOptions,
): Promise<Blob & { readonly id: number }> {
  hasher.update(bytes)
  const sha256 = hasher.digest() as Sha256
  const id = await store.write(async ({ db }) => {
    const added = await addBlob(db, { accountId, place: 'database', now })
    if (bytes.length > 0) await addChunk(db, { id: added, seq: 0, bytes })
    return added
  })
  return { id, sha256, size: bytes.length }
}

/** 2 MiB: as much as is moved in a few milliseconds. */
const chunksPerCheckpoint = 8

/**
 * A transaction for each chunk, which need not be durable: nobody is told of the blob before the one commits that makes it
 * complete, and with that all before it are (docs/adr/0030).
 */
async function storeInRows(
  store: Store,
  accountId: AccountId,
  chunks: AsyncIterable<Uint8Array>,
  { hasher, now }: BlobOptions,
): Promise<Blob & { readonly id: number }> {
  const id = await store.write(({ db }) => addBlob(db, { accountId, place: 'database', now }))
  let moved: Promise<void> = Promise.resolve()
  try {
    let size = 0
    let seq = 0
    for await (const bytes of chunks) {
      hasher.update(bytes)
      size += bytes.length
      const chunk = { id, seq, bytes }
      await store.writeAhead(async ({ db }) => {
        await checkThere(db, id)
        await addChunk(db, chunk)
      })
      await moved
      seq += 1
      if (seq % chunksPerCheckpoint !== 0) continue
      // While the disk is at work, one chunk more is hashed and written. It must not fail unheard if that does.
      moved = store.checkpoint()
      moved.catch(() => {})
    }
    await moved
    return { id, sha256: hasher.digest() as Sha256, size }
  } catch (error) {
    await store.write(({ db }) => deleteBlob(db, id))
    throw error
  }
}

/** The row comes first: what lies outside without one was left by a crash. */
async function storeOutside(
  store: Store,
  accountId: AccountId,
  chunks: AsyncIterable<Uint8Array>,
  { hasher, now, place, blobStore }: BlobOptions & { readonly place: Place; readonly blobStore: OpenBlobStore },
): Promise<Blob & { readonly id: number }> {
  const id = await store.write(({ db }) => addBlob(db, { accountId, place, now }))
  let writer: BlobWriter | null = null
  try {
    writer = await blobStore.create()
    let size = 0
    for await (const bytes of chunks) {
      const written = writer.write(bytes)
      // While the disk is at work. It must not fail unheard if this does.
      hasher.update(bytes)
      size += bytes.length
      await written
    }
    const sha256 = hasher.digest() as Sha256
    await writer.keep({ accountId, sha256, id })
    await store.read((db) => checkThere(db, id))
    return { id, sha256, size }
  } catch (error) {
    await writer?.discard()
    await store.write(({ db }) => deleteBlob(db, id))
    throw error
  }
}

async function addBlob(
  db: Db,
  { accountId, place, now }: { readonly accountId: AccountId; readonly place: Place; readonly now: number },
): Promise<number> {
  const { id } = await db
    .insertInto('blob')
    .values({ account_id: accountId, sha256: '', size: 0, complete: 0, place, created_at: now })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

/** @throws {EverdraftError} NOT_FOUND */
async function checkThere(db: Db, id: number): Promise<void> {
  const [there] = await blobOfId(db, { id })
  if (there === undefined) throw new EverdraftError('NOT_FOUND', 'the account was removed meanwhile')
}

const blobOfId = prepared((db, input: { readonly id: number }) =>
  db.selectFrom('blob').select('id').where('id', '=', input.id),
)

/**
 * Makes a stored blob complete and held by a draft or a send, in the same transaction as what names it. Where the
 * account has these bytes already, the earlier blob is held and the new one goes.
 */
export async function referBlob(
  db: Db,
  blob: Blob & { readonly id: number },
  accountId: AccountId,
  holder: Umid | SendId,
): Promise<void> {
  const earlier = await completeBlob(db, accountId, blob.sha256)
  if (earlier === null) {
    await db
      .updateTable('blob')
      .set({ sha256: blob.sha256, size: blob.size, complete: 1 })
      .where('id', '=', blob.id)
      .execute()
  } else {
    await deleteBlob(db, blob.id)
  }
  await addRef(db, { holder, id: earlier?.id ?? blob.id })
}

/** Holds the bytes that the account has under this name. @returns whether it has them */
export async function holdBlob(db: Db, accountId: AccountId, sha256: Sha256, holder: Umid | SendId): Promise<boolean> {
  const known = await completeBlob(db, accountId, sha256)
  if (known === null) return false
  await addRef(db, { holder, id: known.id })
  return true
}

/** The same for bytes that are here in whole, at most `inlineBytes` of them: stored, complete and held in the caller's transaction. */
export async function holdBytes(
  db: Db,
  blob: Blob & { readonly bytes: Uint8Array },
  of: { readonly accountId: AccountId; readonly holder: Umid | SendId; readonly now: number },
): Promise<void> {
  const { accountId, holder, now } = of
  const { sha256, size, bytes } = blob
  const [added] = await addComplete(db, { accountId, sha256, size, now })
  if (added !== undefined) await addChunk(db, { id: added.id, seq: 0, bytes })
  // Else the account has these bytes already.
  const id = added?.id ?? (await completeBlob(db, accountId, sha256))?.id
  if (id === undefined) throw new EverdraftError('STORAGE_ERROR', 'the store took no blob')
  await addRef(db, { holder, id })
}

const addComplete = prepared(
  (
    db,
    input: { readonly accountId: AccountId; readonly sha256: Sha256; readonly size: number; readonly now: number },
  ) =>
    db
      .insertInto('blob')
      .values({
        account_id: input.accountId,
        sha256: input.sha256,
        size: input.size,
        complete: sql.lit(1),
        place: sql.lit('database' satisfies Place),
        created_at: input.now,
      })
      .onConflict((conflict) =>
        conflict.columns(['account_id', 'sha256']).where('complete', '=', sql.lit(1)).doNothing(),
      )
      .returning('id'),
)

const addChunk = prepared((db, input: { readonly id: number; readonly seq: number; readonly bytes: Uint8Array }) =>
  db.insertInto('blob_chunk').values({ blob_id: input.id, seq: input.seq, bytes: input.bytes }),
)

const addRef = prepared((db, input: { readonly holder: Umid | SendId; readonly id: number }) =>
  db
    .insertInto('blob_ref')
    .values({ holder: input.holder, blob_id: input.id })
    .onConflict((conflict) => conflict.doNothing()),
)

/**
 * The bytes from `start` up to `end`, which is at most the blob's size, chunk by chunk: never whole in memory.
 * @throws {EverdraftError} STORAGE_ERROR where the blob is not there, or not all of it
 */
export async function* readBlob(
  store: Store,
  accountId: AccountId,
  sha256: Sha256,
  range: { readonly start: number; readonly end: number },
): AsyncGenerator<Uint8Array, void, undefined> {
  const { blob, places } = await store.read(async (db) => ({
    blob: await completeBlob(db, accountId, sha256),
    places: blobPlacesOf(db),
  }))
  if (blob === null) throw missing(sha256)
  const blobStore = await blobStoreAt(places, blob.place, sha256)
  const { id } = blob
  if (blobStore !== null) {
    yield* blobStore.read({ accountId, sha256, id }, blob.size, range)
    return
  }
  let position = Math.floor(range.start / chunkBytes) * chunkBytes
  while (position < range.end) {
    const seq = position / chunkBytes
    const row = await store.read((db) =>
      db.selectFrom('blob_chunk').select('bytes').where('blob_id', '=', id).where('seq', '=', seq).executeTakeFirst(),
    )
    // Never a short file for the whole one: who reads it may be about to send it (hazard 14).
    if (row === undefined || row.bytes.length !== Math.min(chunkBytes, blob.size - position)) throw missing(sha256)
    const from = Math.max(0, range.start - position)
    const to = Math.min(row.bytes.length, range.end - position)
    if (to > from) yield row.bytes.subarray(from, to)
    position += chunkBytes
  }
}

function missing(sha256: Sha256): EverdraftError {
  return new EverdraftError(
    'STORAGE_ERROR',
    `the attachment ${sha256.slice(0, 12)}… is not in the store, or not all of it`,
  )
}

/** Of these, what the account does not have, or not in whole (hazard 14). */
export async function missingBlobs(
  db: Db,
  accountId: AccountId,
  wanted: readonly Sha256[],
): Promise<ReadonlySet<Sha256>> {
  const missed = new Set<Sha256>()
  for (const sha256 of wanted) if ((await completeBlob(db, accountId, sha256)) === null) missed.add(sha256)
  return missed
}

/** The holder keeps only what is named; what nobody holds any more is collected later. */
export async function releaseBlobs(db: Db, holder: Umid | SendId, kept: ReadonlySet<string>): Promise<void> {
  const held = await db
    .selectFrom('blob_ref')
    .innerJoin('blob', 'blob.id', 'blob_ref.blob_id')
    .select(['blob.id', 'blob.sha256'])
    .where('blob_ref.holder', '=', holder)
    .execute()
  for (const { id, sha256 } of held) {
    if (kept.has(sha256)) continue
    await db.deleteFrom('blob_ref').where('holder', '=', holder).where('blob_id', '=', id).execute()
  }
}

/**
 * Collects what nobody refers to. In one transaction with the look: nothing can take hold of it in between (hazard 14).
 * @returns how many
 */
export async function dropUnreferredBlobs(db: Db): Promise<number> {
  const rows = await db
    .deleteFrom('blob')
    .where('complete', '=', 1)
    .where((where) =>
      where.not(
        where.exists(
          where.selectFrom('blob_ref').select('blob_ref.holder').whereRef('blob_ref.blob_id', '=', 'blob.id'),
        ),
      ),
    )
    .returning('id')
    .execute()
  return rows.length
}

/** The attachments of a draft go with it to another account: blobs are scoped by account. */
export async function moveBlobs(db: Db, draftId: Umid, to: AccountId, now: number): Promise<void> {
  const held = await db
    .selectFrom('blob_ref')
    .innerJoin('blob', 'blob.id', 'blob_ref.blob_id')
    .select(['blob.id', 'blob.account_id', 'blob.sha256', 'blob.size', 'blob.place'])
    .where('blob_ref.holder', '=', draftId)
    .execute()
  for (const blob of held) {
    const there = (await completeBlob(db, to, blob.sha256 as Sha256))?.id ?? (await copyBlob(db, blob, to, now))
    await db.deleteFrom('blob_ref').where('holder', '=', draftId).where('blob_id', '=', blob.id).execute()
    await db.insertInto('blob_ref').values({ holder: draftId, blob_id: there }).execute()
  }
}

async function copyBlob(
  db: Db,
  blob: Pick<Selectable<BlobRow>, 'id' | 'account_id' | 'sha256' | 'size' | 'place'>,
  to: AccountId,
  now: number,
): Promise<number> {
  const { id } = await db
    .insertInto('blob')
    .values({ account_id: to, sha256: blob.sha256, size: blob.size, complete: 1, place: blob.place, created_at: now })
    .returning('id')
    .executeTakeFirstOrThrow()
  const sha256 = blob.sha256 as Sha256
  const blobStore = await blobStoreAt(blobPlacesOf(db), blob.place as Place, sha256)
  if (blobStore !== null) {
    await blobStore.link(
      { accountId: blob.account_id as AccountId, sha256, id: blob.id },
      { accountId: to, sha256, id },
    )
    return id
  }
  await db
    .insertInto('blob_chunk')
    .columns(['blob_id', 'seq', 'bytes'])
    .expression((copy) =>
      copy
        .selectFrom('blob_chunk')
        .select((chunk) => [chunk.val(id).as('blob_id'), 'blob_chunk.seq', 'blob_chunk.bytes'])
        .where('blob_chunk.blob_id', '=', blob.id),
    )
    .execute()
  return id
}

/** What a crash in mid-attach left behind. Nobody was told that it is stored. */
export async function dropIncompleteBlobs(db: Db): Promise<void> {
  await answerTo(db, dropIncomplete)
}

// At each start, before anything is answered: Kysely would take longer to build it than the database to do it.
const dropIncomplete = CompiledQuery.raw('delete from "blob" where "complete" = 0')

async function completeBlob(
  db: Db,
  accountId: AccountId,
  sha256: Sha256,
): Promise<{ readonly id: number; readonly size: number; readonly place: Place } | null> {
  const [row] = await blobRow(db, { accountId, sha256 })
  return row === undefined ? null : { id: row.id, size: row.size, place: row.place as Place }
}

const blobRow = prepared((db, input: { readonly accountId: AccountId; readonly sha256: Sha256 }) =>
  db
    .selectFrom('blob')
    .select(['id', 'size', 'place'])
    .where('account_id', '=', input.accountId)
    .where('sha256', '=', input.sha256)
    .where('complete', '=', sql.lit(1)),
)

/** Of a blob that nothing refers to. What lies outside goes at the next sweep. */
export async function deleteBlob(db: Db, id: number): Promise<void> {
  await db.deleteFrom('blob').where('id', '=', id).execute()
}

/**
 * Takes away what lies outside the database and has no row there: what was collected, what its account took with it,
 * what a crash left. The look outside comes first, as every row is older than what it is about.
 */
export async function sweepBlobs(store: Store): Promise<void> {
  if (unswept.has(store)) return
  const { store: given, beside, isBesideThere } = await store.read(async (db) => blobPlacesOf(db))
  if (given !== null) await sweep(store, given, 'store')
  if (beside !== null && isBesideThere()) await sweep(store, await beside(), 'beside')
}

async function sweep(store: Store, blobStore: OpenBlobStore, place: Place): Promise<void> {
  const found: BlobName[] = []
  for await (const name of blobStore.list()) found.push(name)
  const held = await store.read(async (db) => {
    const rows = await db.selectFrom('blob').select('id').where('place', '=', place).execute()
    return new Set(rows.map(({ id }) => id))
  })
  for (const name of found) if (!held.has(name.id)) await blobStore.remove(name)
}

/** How many copies of each are being made. */
const unswept = new Map<Store, number>()

/** What the rows of a copy name stays while it is brought there. */
export async function whileUnswept<Result>(store: Store, act: () => Promise<Result>): Promise<Result> {
  unswept.set(store, (unswept.get(store) ?? 0) + 1)
  try {
    return await act()
  } finally {
    const others = (unswept.get(store) ?? 1) - 1
    if (others > 0) unswept.set(store, others)
    else unswept.delete(store)
  }
}

/**
 * Into a copy of the database, the bytes that lie beside the one it was made of: the copy is whole without the other file. What
 * cannot be read stays named, so that the doctor says so.
 */
export async function bringInside(dialect: Dialect, store: Store): Promise<void> {
  const copy = new Kysely<Schema>({ dialect })
  try {
    const rows = await copy
      .selectFrom('blob')
      .select(['id', 'account_id', 'sha256', 'size'])
      .where('place', '=', 'beside' satisfies Place)
      .where('complete', '=', 1)
      .execute()
    const places = await store.read(async (db) => blobPlacesOf(db))
    for (const blob of rows) {
      try {
        await copy.transaction().execute((db) => bringOneInside(db, places, blob))
      } catch (error) {
        if (!(error instanceof EverdraftError)) throw error
      }
    }
  } finally {
    await copy.destroy()
  }
}

async function bringOneInside(
  copy: Db,
  places: BlobPlaces,
  { id, size, ...blob }: Pick<Selectable<BlobRow>, 'id' | 'account_id' | 'sha256' | 'size'>,
): Promise<void> {
  const name = { accountId: blob.account_id as AccountId, sha256: blob.sha256 as Sha256, id }
  const blobStore = await blobStoreAt(places, 'beside', name.sha256)
  if (blobStore === null) return
  let seq = 0
  for await (const bytes of inChunks(blobStore.read(name, size, { start: 0, end: size }), chunkBytes)) {
    await addChunk(copy, { id, seq, bytes })
    seq += 1
  }
  const place: Place = 'database'
  await copy.updateTable('blob').set({ place }).where('id', '=', id).execute()
}
