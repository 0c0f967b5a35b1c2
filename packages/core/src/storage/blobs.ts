import { EverdraftError } from '../errors.ts'
import type { Hasher } from '../environment.ts'
import type { AccountId, Sha256, Umid } from '../ids.ts'
import type { Db } from './db.ts'
import type { Store } from './store.ts'

/** One transaction each: larger ones would block the event loop, smaller ones cost more commits. */
const chunkBytes: number = 256 * 1024

export interface Blob {
  readonly sha256: Sha256
  readonly size: number
}

/**
 * Streams bytes into the store, chunk by chunk, each durable before the next is read (so the source is slowed down to
 * the disk's pace). The blob is kept only once something refers to it: see `referBlob`.
 */
export async function storeBlob(
  store: Store,
  accountId: AccountId,
  source: AsyncIterable<Uint8Array>,
  options: { readonly hasher: Hasher; readonly now: number },
): Promise<Blob & { readonly id: number }> {
  const id = await store.write(async ({ db }) => {
    const row = await db
      .insertInto('blob')
      .values({ account_id: accountId, sha256: '', size: 0, complete: 0, created_at: options.now })
      .returning('id')
      .executeTakeFirstOrThrow()
    return row.id
  })
  try {
    let size = 0
    let seq = 0
    for await (const chunk of inChunks(source, chunkBytes)) {
      options.hasher.update(chunk)
      size += chunk.length
      const row = { blob_id: id, seq, bytes: chunk }
      await store.write(async ({ db }) => {
        const there = await db.selectFrom('blob').select('id').where('id', '=', id).executeTakeFirst()
        if (there === undefined) throw new EverdraftError('NOT_FOUND', 'the account was removed meanwhile')
        await db.insertInto('blob_chunk').values(row).execute()
      })
      seq += 1
    }
    return { id, sha256: options.hasher.digest() as Sha256, size }
  } catch (error) {
    await store.write(({ db }) => deleteBlob(db, id))
    throw error
  }
}

/**
 * Makes a stored blob complete and held by a draft, in the same transaction as the revision that names it. Where the
 * account has these bytes already, the earlier blob is held and the new one goes.
 */
export async function referBlob(
  db: Db,
  blob: Blob & { readonly id: number },
  accountId: AccountId,
  draftId: Umid,
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
  await db
    .insertInto('blob_ref')
    .values({ holder: draftId, blob_id: earlier ?? blob.id })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

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
  const id = await store.read((db) => completeBlob(db, accountId, sha256))
  if (id === null) throw missing(sha256)
  let position = Math.floor(range.start / chunkBytes) * chunkBytes
  while (position < range.end) {
    const seq = position / chunkBytes
    const row = await store.read((db) =>
      db.selectFrom('blob_chunk').select('bytes').where('blob_id', '=', id).where('seq', '=', seq).executeTakeFirst(),
    )
    // Never a short file for the whole one: who reads it may be about to send it (hazard 14).
    if (row === undefined) throw missing(sha256)
    const from = Math.max(0, range.start - position)
    const to = Math.min(row.bytes.length, range.end - position)
    if (to > from) yield row.bytes.subarray(from, to)
    position += chunkBytes
  }
}

function missing(sha256: Sha256): EverdraftError {
  return new EverdraftError('STORAGE_ERROR', `the attachment ${sha256.slice(0, 12)}… is not in the store`)
}

/** The draft holds only the attachments named; what nobody holds any more is collected later. */
export async function releaseBlobs(db: Db, draftId: Umid, kept: ReadonlySet<string>): Promise<void> {
  const held = await db
    .selectFrom('blob_ref')
    .innerJoin('blob', 'blob.id', 'blob_ref.blob_id')
    .select(['blob.id', 'blob.sha256'])
    .where('blob_ref.holder', '=', draftId)
    .execute()
  for (const { id, sha256 } of held) {
    if (kept.has(sha256)) continue
    await db.deleteFrom('blob_ref').where('holder', '=', draftId).where('blob_id', '=', id).execute()
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
    .select(['blob.id', 'blob.sha256', 'blob.size'])
    .where('blob_ref.holder', '=', draftId)
    .execute()
  for (const blob of held) {
    const there = (await completeBlob(db, to, blob.sha256 as Sha256)) ?? (await copyBlob(db, blob, to, now))
    await db.deleteFrom('blob_ref').where('holder', '=', draftId).where('blob_id', '=', blob.id).execute()
    await db.insertInto('blob_ref').values({ holder: draftId, blob_id: there }).execute()
  }
}

async function copyBlob(
  db: Db,
  blob: { readonly id: number; readonly sha256: string; readonly size: number },
  to: AccountId,
  now: number,
): Promise<number> {
  const { id } = await db
    .insertInto('blob')
    .values({ account_id: to, sha256: blob.sha256, size: blob.size, complete: 1, created_at: now })
    .returning('id')
    .executeTakeFirstOrThrow()
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
  await db.deleteFrom('blob').where('complete', '=', 0).execute()
}

async function completeBlob(db: Db, accountId: AccountId, sha256: Sha256): Promise<number | null> {
  const row = await db
    .selectFrom('blob')
    .select('id')
    .where('account_id', '=', accountId)
    .where('sha256', '=', sha256)
    .where('complete', '=', 1)
    .executeTakeFirst()
  return row?.id ?? null
}

/** Of a blob that nothing refers to. */
export async function deleteBlob(db: Db, id: number): Promise<void> {
  await db.deleteFrom('blob').where('id', '=', id).execute()
}

/** Chunks of exactly `size` bytes, the last one shorter; none for an empty source. */
async function* inChunks(source: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  let buffer = new Uint8Array(size)
  let filled = 0
  for await (const piece of source) {
    let offset = 0
    while (offset < piece.length) {
      const taken = Math.min(size - filled, piece.length - offset)
      buffer.set(piece.subarray(offset, offset + taken), filled)
      filled += taken
      offset += taken
      if (filled === size) {
        yield buffer
        buffer = new Uint8Array(size)
        filled = 0
      }
    }
  }
  if (filled > 0) yield buffer.subarray(0, filled)
}
