import { messageIdsIn } from '../../draft/threading.ts'
import type { MessageId, Uid } from '../../ids.ts'
import type { Db } from '../../storage/db.ts'
import { seenFolder, setSeenFolder } from '../../storage/folders.ts'
import { setWeighingDue } from '../../storage/outcome-traces.ts'
import { forgetSentMails, keepSentMail, type KeptSentMail } from '../../storage/sent-mails.ts'
import type { FolderState, MailboxSession, MessageIdentity } from '../../wire/mailbox.ts'
import type { ParsedMessage } from '../../wire/message-format.ts'
import type { ExecuteContext } from '../task.ts'
import { firstUidSince } from './first-uid-since.ts'
import { placeOf } from './read-message.ts'
import { readTextOnly } from './read-text-only.ts'
import { findSpecialFolder } from './special-folders.ts'

/** Of what is larger the text alone is read, and of a longer text its beginning. */
const wholeBytes = 256 * 1024

/** How much older than here the clock of the server may make a mail. */
const clockSkewMs = 24 * 3_600_000

/** Fields in which providers keep the Message-ID that they have replaced. */
const originalFields = ['X-Google-Original-Message-ID', 'X-Microsoft-Original-Message-ID'] as const

/**
 * Reads the mails that have come into Sent since the last look, at first since `since`, and keeps them here. Nothing there is
 * changed. Each is written down with the place where to go on, and with that it is to be weighed.
 * @returns whether it began anew, and what was kept was let go
 */
export async function readSent(context: ExecuteContext, session: MailboxSession, since: number): Promise<boolean> {
  const path = findSpecialFolder(await session.folders(), 'sent')
  const folder = path === null ? null : await session.select(path, 'read-only')
  if (folder === null) return false
  const end = folder.uidNext ?? ((((await session.uids()).at(-1) ?? 0) + 1) as Uid)
  const { from, isAnew } = await placeToGoOn(context, session, { folder, end, since })
  const added = from < end ? await session.identitiesFrom(from) : []
  for (const identity of added) {
    const mail = identity.deleted ? null : await readMail(context, session, identity)
    await context.write(async ({ db }) => {
      if (mail !== null) {
        await keepSentMail(db, placeOf(context, folder, identity), mail)
        await setWeighingDue(db, context.accountId)
      }
      await remember(context, db, folder, (identity.uid + 1) as Uid)
    })
  }
  const after = ((added.at(-1)?.uid ?? 0) + 1) as Uid
  // Also that nothing came: since then Drafts and Sent were looked at.
  if (added.length === 0 || after < end)
    await context.write(({ db }) => remember(context, db, folder, Math.max(end, after) as Uid))
  return isAnew
}

async function placeToGoOn(
  context: ExecuteContext,
  session: MailboxSession,
  { folder, end, since }: { readonly folder: FolderState; readonly end: Uid; readonly since: number },
): Promise<{ readonly from: Uid; readonly isAnew: boolean }> {
  const { accountId, store } = context
  const seen = await store.read((db) => seenFolder(db, accountId, 'sent'))
  // A server that was restored from a backup gives UIDs out again.
  const goesOn = seen?.path === folder.path && seen.uidValidity === folder.uidValidity && seen.uidNext <= end
  if (goesOn) return { from: seen.uidNext, isAnew: false }
  const first = await firstUidSince(session, since - clockSkewMs, end)
  await context.write(async ({ db }) => {
    await forgetSentMails(db, accountId)
    await remember(context, db, folder, first)
  })
  return { from: first, isAnew: true }
}

async function remember(
  { accountId, environment }: ExecuteContext,
  db: Db,
  { path, uidValidity, highestModseq }: FolderState,
  uidNext: Uid,
): Promise<void> {
  const seenAt = environment.now()
  const seen = { path, uidValidity, uidNext, highestModseq, others: new Set<Uid>(), losses: 'apply' as const, seenAt }
  await setSeenFolder(db, accountId, 'sent', seen)
}

/** Null: it went meanwhile. */
async function readMail(
  context: ExecuteContext,
  session: MailboxSession,
  { uid, size, everdraftId }: MessageIdentity,
): Promise<KeptSentMail | null> {
  const { format, environment } = context
  const raw = size > wholeBytes ? null : await session.fetchRaw(uid)
  const parsed =
    raw === null
      ? await readTextOnly(context, session, { uid }, 'cut')
      : await format.parse(raw, environment.createSha256, { lookIntoSigned: true })
  if (parsed === null) return null
  const { objectId, gmail } = session.capabilities
  // Of what was read its Date says when it went; the server's own time is asked for where it does not.
  const [details] = objectId || gmail || parsed.date === null ? await session.details([uid]) : []
  const [fields] = await session.headerFields([uid], originalFields)
  return {
    messageId: parsed.messageId,
    originalIds: idsIn(fields?.bytes ?? new Uint8Array()),
    everdraftId,
    serverIds: [details?.emailId, details?.gmailMessageId].filter((id) => typeof id === 'string'),
    sentAt: parsed.date ?? details?.internalDate ?? environment.now(),
    content: contentOf(parsed, raw !== null),
  }
}

function contentOf(parsed: ParsedMessage, isWhole: boolean): KeptSentMail['content'] {
  const { from, sender, to, cc, bcc, subject, text, html, inReplyTo, references } = parsed
  const attachments = isWhole ? parsed.attachments.map(({ sha256 }) => ({ sha256 })) : null
  return { from: from ?? sender, to, cc, bcc, subject, text, html, inReplyTo, references, attachments }
}

function idsIn(fields: Uint8Array): readonly MessageId[] {
  return messageIdsIn(new TextDecoder('latin1').decode(fields))
}
