import type { FolderPath, MessageId, Umid } from '../../ids.ts'
import { noMessageId } from '../../storage/attempts.ts'
import type { KnownCopy } from '../../storage/draft-states.ts'
import { getDraft } from '../../storage/drafts.ts'
import { markOfSent, sentMark } from '../../sync/message-ids.ts'
import type { FolderState, MailboxSession, MessageIdentity } from '../../wire/mailbox.ts'
import type { ExecuteContext } from '../task.ts'
import { findSpecialFolder } from './special-folders.ts'

/** Of Sent, the newest: two for each draft, should the server have filed a second one, and some that have nothing to do with them. */
const besides = 50
const mostLookedAt = 1_000

/** Older ones are asked for by name, a command each. */
const mostAskedFor = 10

/** What a look at Sent of this connection saw last: as long as it is the same, it says the same of the same drafts. */
const lastLooks = new WeakMap<MailboxSession, { readonly sent: FolderState; readonly unsent: ReadonlySet<Umid> }>()

/**
 * Of drafts whose copies are gone, those that somebody has sent, each with the Message-ID of the mail in Sent: another program, which
 * kept the Message-ID of the copy, or another device of ours, whose mail has the mark of the draft. `drafts` is selected again.
 */
export async function sentElsewhere(
  context: ExecuteContext,
  session: MailboxSession,
  drafts: FolderPath,
  gone: readonly KnownCopy[],
): Promise<ReadonlyMap<Umid, MessageId>> {
  const path = findSpecialFolder(await session.folders(), 'sent')
  if (path === null) return new Map()
  const folder = await session.select(path)
  const found = folder === null ? new Map<Umid, MessageId>() : await lookIntoSent(context, session, folder, gone)
  // Also after a SELECT that failed: that one has unselected the folder (RFC 3501 §6.3.1).
  await session.select(drafts)
  return found
}

async function lookIntoSent(
  context: ExecuteContext,
  session: MailboxSession,
  folder: FolderState,
  gone: readonly KnownCopy[],
): Promise<ReadonlyMap<Umid, MessageId>> {
  const last = lastLooks.get(session)
  if (last !== undefined && isSame(last.sent, folder) && gone.every(({ draftId }) => last.unsent.has(draftId))) {
    return new Map()
  }
  const wanted = await namesOf(context, gone)
  const found = new Map<Umid, MessageId>()
  for (const { messageId } of await newestIn(session, folder, gone.length * 2 + besides)) {
    const draftId = messageId === null ? undefined : wanted.get(markOfSent(messageId) ?? messageId)
    if (messageId !== null && draftId !== undefined) found.set(draftId, messageId)
  }
  const left = gone.filter(({ draftId, receipt }) => !found.has(draftId) && receipt.messageId !== noMessageId)
  if (left.length <= mostAskedFor) {
    for (const { draftId, receipt } of left) {
      if ((await session.findByMessageId(receipt.messageId)).length > 0) found.set(draftId, receipt.messageId)
    }
  }
  const unsent = new Set(gone.map(({ draftId }) => draftId).filter((draftId) => !found.has(draftId)))
  lastLooks.set(session, { sent: folder, unsent })
  return found
}

/** What a mail in Sent may be named by: the Message-ID of the copy that is gone, or the mark. */
async function namesOf(
  { store, environment }: ExecuteContext,
  gone: readonly KnownCopy[],
): Promise<ReadonlyMap<string, Umid>> {
  return await store.read(async (db) => {
    const names = new Map<string, Umid>()
    for (const { draftId, receipt } of gone) {
      if (receipt.messageId !== noMessageId) names.set(receipt.messageId, draftId)
      names.set(sentMark((await getDraft(db, draftId)).token, environment.createSha256()), draftId)
    }
    return names
  })
}

async function newestIn(
  session: MailboxSession,
  { exists, uidNext }: FolderState,
  count: number,
): Promise<readonly MessageIdentity[]> {
  if (exists === 0) return []
  const most = Math.min(mostLookedAt, count)
  // By number, as it asks for no list of all: where many are gone, they are fewer than that, and those are the newest still.
  if (uidNext !== null) return await session.identitiesFrom(Math.max(1, uidNext - most) as typeof uidNext)
  return await session.identities((await session.uids()).slice(-most), 'brief')
}

function isSame(a: FolderState, b: FolderState): boolean {
  return a.path === b.path && a.uidValidity === b.uidValidity && a.uidNext === b.uidNext && a.exists === b.exists
}
