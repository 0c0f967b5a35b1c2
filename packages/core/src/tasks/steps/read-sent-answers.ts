import { readMailHeader } from '../../responder/mail-header.ts'
import { answeringFields, type SentAnswer, sentAnswer } from '../../responder/answered-mail.ts'
import { seenFolder, type SeenFolder, setSeenFolder } from '../../storage/folders.ts'
import { noteSentAnswers } from '../../storage/mail-answers.ts'
import type { FolderState, MailboxSession } from '../../wire/mailbox.ts'
import type { ExecuteContext } from '../task.ts'
import { findSpecialFolder } from './special-folders.ts'
import { newestBelow, seenUntil, unseenUids } from './unseen-uids.ts'

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
  const seen = await context.store.read((db) => seenFolder(db, context.accountId, 'answers'))
  const young = since - clockSkewMs
  const unseen = await unseenUids(context, session, { folder, seen, since: young, sinceAnew: young })
  const { uids, after } = unseen
  for (let at = 0; at < uids.length; at += headersAtOnce) {
    const identities = await session.identities(uids.slice(at, at + headersAtOnce), 'brief')
    const fields = await session.headerFields(
      identities.filter(({ deleted }) => !deleted).map(({ uid }) => uid),
      answeringFields,
    )
    const answered = fields.flatMap(({ bytes }) => sentAnswer(readMailHeader(bytes)) ?? [])
    await remember(context, session, folder, { uidNext: uids[at + headersAtOnce] ?? after, answered })
  }
  const { isTouched, newestAt } = unseen
  if (uids.length === 0 && isTouched)
    await remember(context, session, folder, { uidNext: after, answered: [], newestAt })
}

async function remember(
  context: ExecuteContext,
  session: MailboxSession,
  folder: FolderState,
  {
    uidNext,
    answered,
    newestAt: known = null,
  }: Pick<SeenFolder, 'uidNext'> & {
    readonly answered: readonly SentAnswer[]
    readonly newestAt?: number | null
  },
): Promise<void> {
  const { accountId, environment } = context
  const newestAt = known ?? (await newestBelow(context, session, uidNext))
  const seenAt = environment.now()
  await context.write(async ({ db }) => {
    await noteSentAnswers(db, accountId, answered, seenAt)
    await setSeenFolder(db, accountId, 'answers', seenUntil(folder, { uidNext, newestAt, seenAt }))
  })
}
