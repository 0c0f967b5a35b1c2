import type { Uid } from '../../ids.ts'
import { readMailHeader } from '../../responder/mail-header.ts'
import { answeringFields, type SentAnswer, sentAnswer } from '../../responder/answered-mail.ts'
import { seenFolder, setSeenFolder } from '../../storage/folders.ts'
import { noteSentAnswers } from '../../storage/mail-answers.ts'
import type { FolderState, MailboxSession } from '../../wire/mailbox.ts'
import type { ExecuteContext } from '../task.ts'
import { firstUidSince } from './first-uid-since.ts'
import { findSpecialFolder } from './special-folders.ts'

const headersAtOnce = 200

/** How much older than here the clock of the server may make a mail. */
const clockSkewMs = 24 * 3_600_000

/**
 * Writes down which mails those in Sent answer, from `since` on (epoch milliseconds), and later from where it was: what somebody has
 * answered by hand needs no draft. Nothing there is changed.
 */
export async function readSentAnswers(context: ExecuteContext, session: MailboxSession, since: number): Promise<void> {
  const path = findSpecialFolder(await session.folders(), 'sent')
  const folder = path === null ? null : await session.select(path, 'read-only')
  if (folder === null) return
  const end = folder.uidNext ?? ((((await session.uids()).at(-1) ?? 0) + 1) as Uid)
  const { from, isKnown } = await placeToGoOn(context, session, { folder, end, since })
  if (from >= end && isKnown) return
  const added = from < end ? await session.identitiesFrom(from) : []
  for (let at = 0; at < added.length; at += headersAtOnce) {
    const page = added.slice(at, at + headersAtOnce)
    const fields = await session.headerFields(
      page.filter(({ deleted }) => !deleted).map(({ uid }) => uid),
      answeringFields,
    )
    const answered = fields.flatMap(({ bytes }) => sentAnswer(readMailHeader(bytes)) ?? [])
    await remember(context, folder, { uidNext: ((page.at(-1)?.uid ?? 0) + 1) as Uid, answered })
  }
  await remember(context, folder, { uidNext: Math.max(end, (added.at(-1)?.uid ?? 0) + 1) as Uid, answered: [] })
}

async function placeToGoOn(
  { accountId, store }: ExecuteContext,
  session: MailboxSession,
  { folder, end, since }: { readonly folder: FolderState; readonly end: Uid; readonly since: number },
): Promise<{ readonly from: Uid; readonly isKnown: boolean }> {
  const seen = await store.read((db) => seenFolder(db, accountId, 'answers'))
  const goesOn = seen?.path === folder.path && seen.uidValidity === folder.uidValidity && seen.uidNext <= end
  return goesOn
    ? { from: seen.uidNext, isKnown: true }
    : { from: await firstUidSince(session, since - clockSkewMs, end), isKnown: false }
}

async function remember(
  context: ExecuteContext,
  { path, uidValidity, highestModseq }: FolderState,
  { uidNext, answered }: { readonly uidNext: Uid; readonly answered: readonly SentAnswer[] },
): Promise<void> {
  const { accountId, environment } = context
  const seenAt = environment.now()
  const seen = { path, uidValidity, uidNext, highestModseq, others: new Set<Uid>(), losses: 'apply' as const, seenAt }
  await context.write(async ({ db }) => {
    await noteSentAnswers(db, accountId, answered, seenAt)
    await setSeenFolder(db, accountId, 'answers', seen)
  })
}
