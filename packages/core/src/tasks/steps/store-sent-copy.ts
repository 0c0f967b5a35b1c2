import { newestCopy } from '../../draft/draft-state.ts'
import type { Uid, UidValidity } from '../../ids.ts'
import { attemptById } from '../../storage/attempts.ts'
import { readBlob } from '../../storage/blobs.ts'
import { loadDraftState } from '../../storage/draft-states.ts'
import { type FrozenMail, type SentCopy, setSendFacts, type StoredSend } from '../../storage/sends.ts'
import { spending } from '../../storage/spent-pieces.ts'
import { type UploadQuestion, uploadPlan } from '../../sync/upload-plan.ts'
import type { MailboxSession, MessageIdentity, MessageSegment, Refusal } from '../../wire/mailbox.ts'
import type { ExecuteContext } from '../task.ts'
import { selectSent } from './sent-folder.ts'
import { isMessage } from './verify-copy.ts'

export type StoredInSent =
  | { readonly kind: 'filed'; readonly copy: SentCopy }
  /** The server said OK, and which message it is cannot be told yet. */
  | { readonly kind: 'unsure' }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }

/**
 * Files the mail in Sent, with its Bcc (hazard 39). Attachments are quoted from the draft's copy where the server can do that
 * (RFC 4469), so that none crosses the wire a third time.
 */
export async function storeSentCopy(
  context: ExecuteContext,
  session: MailboxSession,
  send: StoredSend,
  mail: FrozenMail,
): Promise<StoredInSent> {
  const older = await quotableCopy(context, session, send)
  const folder = await selectSent(session)
  const now = context.environment.now()
  const { path, uidValidity, uidNext } = folder
  // The record comes before the network: after a cut the copy is looked for before another is filed.
  const filing = { folder: path, uidValidity, uidNext, startedAt: now }
  await context.write((write) => setSendFacts(write, send.id, { filing }, now))
  const bcc = new TextEncoder().encode(mail.bccField)
  for (const mayQuote of [true, false]) {
    const plan = uploadPlan({
      size: mail.size + bcc.length,
      parts: mail.parts,
      older,
      // Nothing in Sent is ever replaced.
      capabilities: { ...session.capabilities, replace: false },
      mayQuote,
    })
    if (plan.kind === 'refuse') return { kind: 'refused', code: plan.code, message: plan.message }
    const outcome = await session.append({
      folder: path,
      segments: segmentsOf(context, send, mail, bcc, plan.quotes, older),
      flags: ['\\Seen'],
      internalDate: send.state.sentAt ?? now,
    })
    if (outcome.kind === 'refused') {
      if (plan.quotes.size > 0) continue
      return { kind: 'refused', code: outcome.responseCode ?? outcome.status, message: wordsOf(outcome) }
    }
    const stored = await identityOf(session, send, outcome.uid, outcome.uidValidity === uidValidity)
    if (stored === null) return { kind: 'unsure' }
    if (plan.quotes.size > 0 && stored.size !== plan.storedSize) {
      // A quoted part is missing although the server said OK: this one is ours, by its APPENDUID, and goes.
      await removeSpoilt(session, stored.uid)
      continue
    }
    return { kind: 'filed', copy: { folder: path, uidValidity, uid: stored.uid, filedBy: 'us', seenAt: now } }
  }
  return { kind: 'refused', code: 'NOT_STORED', message: 'the server did not keep the copy in Sent as it was stored' }
}

function wordsOf({ text }: Refusal): string {
  return `the server refused the copy in Sent: ${text}`
}

/** The draft's newest copy, as this session shows it. */
async function quotableCopy(
  context: ExecuteContext,
  session: MailboxSession,
  { draftId, accountId }: StoredSend,
): Promise<UploadQuestion['older']> {
  const { copies } = await context.store.read((db) => loadDraftState(db, draftId))
  const receipt = newestCopy(copies)
  if (receipt === null || receipt.accountId !== accountId || !session.capabilities.catenate) return null
  const folder = await session.select(receipt.folder)
  if (folder?.uidValidity !== receipt.uidValidity) return null
  const [identity] = await session.identities([receipt.uid])
  if (identity === undefined || !isMessage(identity, receipt)) return null
  const attempt = await context.store.read((db) => attemptById(db, receipt.attemptId))
  return { receipt, parts: attempt?.parts ?? [] }
}

function segmentsOf(
  context: ExecuteContext,
  { accountId }: StoredSend,
  mail: FrozenMail,
  bcc: Uint8Array,
  quotes: Extract<ReturnType<typeof uploadPlan>, { kind: 'upload' }>['quotes'],
  older: UploadQuestion['older'],
): readonly MessageSegment[] {
  const between = (start: number, end: number): readonly MessageSegment[] =>
    start === end
      ? []
      : [
          {
            kind: 'stream',
            size: end - start,
            open: () => spending(readBlob(context.store, accountId, mail.sha256, { start, end })),
          },
        ]
  const segments: MessageSegment[] = bcc.length === 0 ? [] : [{ kind: 'bytes', bytes: bcc }]
  let at = 0
  for (const [index, part] of mail.parts.entries()) {
    const quote = quotes.get(index)
    if (quote === undefined || older === null) continue
    const { folder, uidValidity, uid } = older.receipt
    segments.push(...between(at, part.from))
    segments.push({ kind: 'part', folder, uidValidity, uid, section: quote.section, size: quote.encodedSize })
    at = part.from + part.encodedSize
  }
  return [...segments, ...between(at, mail.size)]
}

/** By APPENDUID, if that is the message; else by its Message-ID, if there is one. */
async function identityOf(
  session: MailboxSession,
  { messageId }: StoredSend,
  uid: Uid | null,
  isSameFolder: boolean,
): Promise<MessageIdentity | null> {
  await selectSent(session)
  if (uid !== null && isSameFolder) {
    const [identity] = await session.identities([uid])
    if (identity?.messageId === messageId) return identity
  }
  const found = await session.findByMessageId(messageId)
  return found.at(-1) ?? null
}

async function removeSpoilt(session: MailboxSession, uid: Uid): Promise<void> {
  if (!session.capabilities.uidPlus) return
  await session.markDeleted([uid])
  await session.expungeUids([uid])
}

/** The same message still lies there. */
export function isAt(copy: SentCopy, folder: { readonly path: string; readonly uidValidity: UidValidity }): boolean {
  return copy.folder === folder.path && copy.uidValidity === folder.uidValidity
}
