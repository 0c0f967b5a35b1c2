import { messageIdsIn } from '../../draft/threading.ts'
import type { MessageId, Uid } from '../../ids.ts'
import { inOnePiece } from '../../storage/chunks.ts'
import type { Db } from '../../storage/db.ts'
import { seenFolder, type SeenFolder, setSeenFolder } from '../../storage/folders.ts'
import { setWeighingDue } from '../../storage/outcome-traces.ts'
import { forgetSentMails, keepSentMail, type KeptSentMail } from '../../storage/sent-mails.ts'
import type { FolderState, MailboxSession, MessageIdentity } from '../../wire/mailbox.ts'
import type { ParsedMessage } from '../../wire/message-format.ts'
import type { ExecuteContext } from '../task.ts'
import { forget } from './outcome-memory.ts'
import { placeOf } from './read-message.ts'
import { readTextOnly } from './read-text-only.ts'
import { findSpecialFolder } from './special-folders.ts'
import { newestBelow, newestOf, seenUntil, unseenUids } from './unseen-uids.ts'

/** Of what is larger the text alone is read, and of a longer text its beginning. */
const wholeBytes = 256 * 1024

/** How much older than here the clock of the server may make a mail. */
const clockSkewMs = 24 * 3_600_000

const mailsAtOnce = 100

/** Of more that are new at once, those that say that they were written long before are not read. */
const fewMails = 20

/** Fields in which providers keep the Message-ID that they have replaced. */
const originalFields = ['X-Google-Original-Message-ID', 'X-Microsoft-Original-Message-ID'] as const

/**
 * Reads the mails that have come into Sent since the last look, at first since `since` (epoch milliseconds), and keeps them here.
 * Nothing there is changed. Each is written down with the place where to go on, and with that it is to be weighed. Where UIDs mean
 * nothing any more, what was kept is let go, and read anew.
 */
export async function readSent(context: ExecuteContext, session: MailboxSession, since: number): Promise<void> {
  const { accountId } = context
  const path = findSpecialFolder(await session.folders(), 'sent')
  const folder = path === null ? null : await session.select(path, 'read-only')
  if (folder === null) return
  const seen = await context.store.read((db) => seenFolder(db, accountId, 'sent'))
  const earliest = since - clockSkewMs
  const unseen = await unseenUids(context, session, { folder, seen, since: earliest, sinceAnew: earliest })
  const { uids, after } = unseen
  if (unseen.isAnew) {
    forget(context)
    await context.write(async ({ db }) => {
      await forgetSentMails(db, accountId)
      await remember(context, db, folder, { uidNext: uids[0] ?? after, newestAt: null })
    })
  }
  let newestAt = unseen.newestAt ?? (await newestBelow(context, session, uids[0] ?? after))
  let uidNext = uids[0] ?? after
  for (let at = 0; at < uids.length; at += mailsAtOnce) {
    const page = uids.slice(at, at + mailsAtOnce)
    newestAt = Math.max(newestAt, await newestOf(context, session, page))
    for (const identity of await writtenSince(context, session, page, earliest)) {
      const mail = await readMail(context, session, identity)
      uidNext = (identity.uid + 1) as Uid
      await context.write(async ({ db }) => {
        if (mail !== null) {
          await keepSentMail(db, placeOf(context, folder, identity), mail)
          await setWeighingDue(db, accountId)
        }
        await remember(context, db, folder, { uidNext, newestAt })
      })
    }
  }
  // Also that nothing came: since then Drafts and Sent were looked at.
  if (uids.length === 0 || uidNext !== after)
    await context.write(({ db }) => remember(context, db, folder, { uidNext: after, newestAt }))
}

/** Of few all that are there: who wrote them may have a clock that is wrong. */
async function writtenSince(
  { format, environment }: ExecuteContext,
  session: MailboxSession,
  uids: readonly Uid[],
  since: number,
): Promise<readonly MessageIdentity[]> {
  const there = (await session.identities(uids)).filter(({ deleted }) => !deleted)
  if (there.length <= fewMails) return there
  const old = new Set<Uid>()
  const asked = there.map((identity) => identity.uid)
  for (const { uid, bytes } of await session.headerFields(asked, ['Date'])) {
    const { date } = await format.parse(inOnePiece(bytes), environment.createSha256)
    if (date !== null && date < since) old.add(uid)
  }
  return there.filter((identity) => !old.has(identity.uid))
}

async function remember(
  { accountId, environment }: ExecuteContext,
  db: Db,
  folder: FolderState,
  place: Pick<SeenFolder, 'uidNext' | 'newestAt'>,
): Promise<void> {
  await setSeenFolder(db, accountId, 'sent', seenUntil(folder, { ...place, seenAt: environment.now() }))
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
