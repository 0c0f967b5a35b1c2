import { blobsOf } from '../../draft/content.ts'
import type { DraftContent } from '../../draft/draft.ts'
import type { SendEvent } from '../../draft/send-state.ts'
import type { SendId, Sha256 } from '../../ids.ts'
import {
  type Blob,
  deleteBlob,
  holdBytes,
  inlineBytes,
  missingBlobs,
  readBlob,
  referBlob,
  releaseBlobs,
  storeBlob,
} from '../../storage/blobs.ts'
import { getDraft, type StoredDraft } from '../../storage/drafts.ts'
import {
  type AppliedSend,
  applySendEvent,
  applySendEvents,
  type FrozenMail,
  type FrozenPart,
  type SendFacts,
  type StoredSend,
} from '../../storage/sends.ts'
import type { Write } from '../../storage/store.ts'
import type { ComposedMessage } from '../../wire/message-format.ts'
import type { ExecuteContext } from '../task.ts'

export interface Frozen {
  readonly kind: 'frozen'
  readonly send: StoredSend
  readonly mail: FrozenMail
  /** What is small and was made just now: `storeFrozen` is still to store it. Null: it is stored. */
  readonly bytes: Uint8Array | null
}

export type Freezing =
  | Frozen
  /** It was undone meanwhile, or cannot go as it is. */
  | { readonly kind: 'stopped'; readonly send: StoredSend }

/**
 * Fixes the exact bytes of a mail, with its Date (hazard 40), and holds them until its copy in Sent is confirmed (hazard 25).
 * What may have gone once keeps its bytes: only what nobody can have is made anew. What is small is not stored yet: nothing of
 * it goes before the server has answered to RCPT, and one transaction is enough for both.
 */
export async function freezeMail(
  context: ExecuteContext,
  send: StoredSend,
  /** What the server holds until then is dated then; null: now. */
  releaseAt: number | null,
): Promise<Freezing> {
  const { id, state, facts, accountId } = send
  if (facts.frozen !== null && facts.dottedAt !== null) {
    return { kind: 'frozen', send, mail: facts.frozen, bytes: null }
  }
  const { draft, missing } = await context.store.read(async (db) => {
    const found = await getDraft(db, send.draftId)
    return { draft: found, missing: await missingBlobs(db, accountId, blobsOf(found.content)) }
  })
  // Only what was consented to goes (hazard 33).
  if (draft.version !== state.version) {
    const message = `the draft is at version ${draft.version}, the consent is to version ${state.version}`
    return await blocked(context, id, 'VERSION_MISMATCH', message)
  }
  if (missing.size > 0) {
    return await blocked(context, id, 'MISSING_BLOB', 'an attachment is not here in whole: its bytes are missing')
  }
  const date = releaseAt ?? context.environment.now()
  const message = await composeMail(context, draft, send, date)
  const blob = await fixBytes(context, draft, message, context.environment.now())
  const mail: FrozenMail = {
    sha256: blob.sha256,
    size: blob.size,
    parts: partsOf(message),
    eightBit: message.eightBit,
    ...(message.utf8Header === true ? { utf8Header: true } : {}),
    bccField: await bccFieldOf(context, draft.content, send),
    date,
  }
  if ('bytes' in blob) return { kind: 'frozen', send, mail, bytes: blob.bytes }
  return await froze(context, send, mail, blob)
}

/** Those of a small mail are at hand, and are stored with what says that they are frozen. */
type FixedBytes = Blob & ({ readonly bytes: Uint8Array } | { readonly id: number })

async function fixBytes(
  context: ExecuteContext,
  draft: StoredDraft,
  message: ComposedMessage,
  now: number,
): Promise<FixedBytes> {
  const hasher = context.environment.createSha256()
  const size = message.segments.reduce((sum, segment) => sum + sizeOf(segment), 0)
  if (size > inlineBytes) {
    return await storeBlob(context.store, draft.accountId, bytesOf(context, draft, message), { hasher, now })
  }
  const bytes = new Uint8Array(size)
  let at = 0
  for await (const piece of bytesOf(context, draft, message)) {
    bytes.set(piece, at)
    at += piece.length
  }
  hasher.update(bytes)
  return { bytes, size, sha256: hasher.digest() as Sha256 }
}

async function froze(
  context: ExecuteContext,
  { id, accountId }: StoredSend,
  mail: FrozenMail,
  blob: Blob & { readonly id: number },
): Promise<Freezing> {
  const now = context.environment.now()
  return await context.write(async (write): Promise<Freezing> => {
    const applied = await applySendEvent(write, id, { type: 'froze' }, now, { frozen: mail })
    if (applied.rule === 'refuse') {
      await deleteBlob(write.db, blob.id)
      return { kind: 'stopped', send: applied.send }
    }
    await referBlob(write.db, blob, accountId, id)
    if (applied.before.facts.frozen !== null) await releaseBlobs(write.db, id, new Set([mail.sha256]))
    return { kind: 'frozen', send: applied.send, mail, bytes: null }
  })
}

/** That its bytes are fixed, and what happened to it since: each is in the journal, or nothing is stored. Before DATA. */
export async function storeFrozen(
  write: Write,
  { send: known, mail, bytes }: Frozen,
  events: readonly SendEvent[],
  now: number,
  found: Partial<SendFacts> = {},
): Promise<AppliedSend> {
  const { id, accountId } = known
  const applied = await applySendEvents(write, known, [{ type: 'froze' }, ...events], now, { ...found, frozen: mail })
  if (applied.rule === 'refuse' || applied.send.facts.frozen === null || bytes === null) return applied
  const { sha256, size } = mail
  await holdBytes(write.db, { sha256, size, bytes }, { accountId, holder: id, now })
  if (applied.before.facts.frozen !== null) await releaseBlobs(write.db, id, new Set([sha256]))
  return applied
}

/** Without Bcc and without what copies in Drafts are known by (hazards 38 and 39). */
async function composeMail(
  context: ExecuteContext,
  draft: StoredDraft,
  { messageId }: StoredSend,
  date: number,
): Promise<ComposedMessage> {
  return await context.format.compose({
    content: draft.content,
    messageId,
    date,
    headers: [],
    includeBcc: false,
    utf8Addresses: true,
    open: ({ sha256, size }) => attachment(context, draft, sha256, size),
  })
}

/** As the copy in Sent has it. Made by the same hand as the header, from a message that says nothing else. */
async function bccFieldOf(context: ExecuteContext, content: DraftContent, { messageId }: StoredSend): Promise<string> {
  if (content.bcc.length === 0) return ''
  const { from, bcc } = content
  const bare: DraftContent = {
    from,
    to: [],
    cc: [],
    bcc,
    subject: '',
    text: '',
    html: null,
    inReplyTo: null,
    references: [],
    attachments: [],
    metadata: {},
    tags: [],
  }
  const { segments } = await context.format.compose({
    content: bare,
    messageId,
    date: 0,
    headers: [],
    includeBcc: true,
    utf8Addresses: true,
  })
  const [first] = segments
  const text = first?.kind === 'bytes' ? new TextDecoder().decode(first.bytes) : ''
  const header = text.slice(0, text.indexOf('\r\n\r\n') + 2)
  return /^Bcc:.*\r\n(?:[ \t].*\r\n)*/im.exec(header)?.[0] ?? ''
}

async function* bytesOf(
  context: ExecuteContext,
  draft: StoredDraft,
  message: ComposedMessage,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (const segment of message.segments) {
    if (segment.kind === 'bytes') yield segment.bytes
    else yield* segment.encode(attachment(context, draft, segment.sha256, segment.size))
  }
}

function attachment(
  context: ExecuteContext,
  { accountId }: StoredDraft,
  sha256: Sha256,
  size: number,
): AsyncIterable<Uint8Array> {
  return readBlob(context.store, accountId, sha256, { start: 0, end: size })
}

function partsOf(message: ComposedMessage): readonly FrozenPart[] {
  let from = 0
  const parts: FrozenPart[] = []
  for (const segment of message.segments) {
    const size = sizeOf(segment)
    if (segment.kind === 'attachment') {
      parts.push({ sha256: segment.sha256, section: segment.section, from, encodedSize: size })
    }
    from += size
  }
  return parts
}

function sizeOf(segment: ComposedMessage['segments'][number]): number {
  return segment.kind === 'bytes' ? segment.bytes.length : segment.encodedSize
}

async function blocked(context: ExecuteContext, id: SendId, code: string, message: string): Promise<Freezing> {
  const now = context.environment.now()
  const event = { type: 'blocked', reason: { code, message } } as const
  const { send } = await context.write((write) => applySendEvent(write, id, event, now))
  return { kind: 'stopped', send }
}
