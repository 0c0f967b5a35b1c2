import type { Sha256, Umid } from '../../ids.ts'
import { deleteBlob, referBlob, storeBlob } from '../../storage/blobs.ts'
import { inChunks } from '../../storage/chunks.ts'
import { addDownloaded, downloaded, downloadedPiece, dropDownload, type MessagePlace } from '../../storage/imports.ts'
import type { Db } from '../../storage/db.ts'
import type { MailboxSession, MessageIdentity } from '../../wire/mailbox.ts'
import type { ParsedMessage } from '../../wire/message-format.ts'
import type { ExecuteContext } from '../task.ts'

/** A message as it is on the server, with all its parts durable here; nobody holds them yet. */
export interface ReadMessage {
  readonly parsed: ParsedMessage
  readonly parts: readonly { readonly id: number; readonly sha256: Sha256; readonly size: number }[]
}

/** What is larger is fetched piece by piece into the store first, so that a cut loses one piece. */
const atOnceBytes = 1024 * 1024

const pieceBytes = 256 * 1024

/**
 * Reads a message of the selected folder. Null: it went meanwhile. The parts that come with it are to be held by
 * `holdParts` or dropped by `dropParts`.
 */
export async function readMessage(
  context: ExecuteContext,
  session: MailboxSession,
  place: MessagePlace,
  size: number,
): Promise<ReadMessage | null> {
  const raw = size <= atOnceBytes ? await session.fetchRaw(place.uid) : await fetchStaged(context, session, place)
  if (raw === null) return null
  const read = await readRaw(context, raw)
  if (size > atOnceBytes) await context.store.write(({ db }) => dropDownload(db, place))
  return read
}

/** As `readMessage`, of a message that is here. */
export async function readRaw(context: ExecuteContext, raw: AsyncIterable<Uint8Array>): Promise<ReadMessage> {
  const parts: ReadMessage['parts'][number][] = []
  try {
    const parsed = await context.format.parse(raw, context.environment.createSha256, {
      onPart: async (_part, bytes) => {
        const options = { hasher: context.environment.createSha256(), now: context.environment.now() }
        parts.push(await storeBlob(context.store, context.accountId, bytes, options))
      },
    })
    return { parsed, parts }
  } catch (error) {
    await dropParts(context, { parts })
    throw error
  }
}

/** Brings what is missing of the message here, then reads it from here. */
async function fetchStaged(
  context: ExecuteContext,
  session: MailboxSession,
  place: MessagePlace,
): Promise<AsyncIterable<Uint8Array> | null> {
  const { store, environment } = context
  const here = await store.read((db) => downloaded(db, place))
  let seq = here.pieces
  for await (const bytes of inChunks(session.fetchPart(place.uid, '', { start: here.bytes }), pieceBytes)) {
    await context.write(({ db }) => addDownloaded(db, place, { seq, bytes, now: environment.now() }))
    seq += 1
  }
  // The pieces end where the message does, and also where it went in the middle.
  if (seq === 0 || (await session.identities([place.uid])).length === 0) {
    await store.write(({ db }) => dropDownload(db, place))
    return null
  }
  return (async function* stored() {
    for (let piece = 0; piece < seq; piece += 1) {
      const bytes = await store.read((db) => downloadedPiece(db, place, piece))
      if (bytes !== null) yield bytes
    }
  })()
}

/** In the transaction that makes the revision that names them. */
export async function holdParts(
  db: Db,
  { parts }: Pick<ReadMessage, 'parts'>,
  context: Pick<ExecuteContext, 'accountId'>,
  draftId: Umid,
): Promise<void> {
  for (const part of parts) await referBlob(db, part, context.accountId, draftId)
}

export async function dropParts(context: ExecuteContext, { parts }: Pick<ReadMessage, 'parts'>): Promise<void> {
  await context.store.write(async ({ db }) => {
    for (const { id } of parts) await deleteBlob(db, id)
  })
}

export function placeOf(
  context: Pick<ExecuteContext, 'accountId'>,
  folder: { readonly path: MessagePlace['folder']; readonly uidValidity: MessagePlace['uidValidity'] },
  { uid }: Pick<MessageIdentity, 'uid'>,
): MessagePlace {
  return { accountId: context.accountId, folder: folder.path, uidValidity: folder.uidValidity, uid }
}
