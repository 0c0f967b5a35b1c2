import type { Uid } from '../../ids.ts'
import type { MailboxSession } from '../../wire/mailbox.ts'

const messagesAtOnce = 200
/** The beginning is looked for among so many of the newest messages. */
const pagesLookedBack = 50

/** In the selected folder, the first message that came then or later, in epoch milliseconds; `end` where none did. */
export async function firstUidSince(session: MailboxSession, since: number, end: Uid): Promise<Uid> {
  const uids = await session.uids()
  let first = end
  for (let page = 1; page <= pagesLookedBack; page += 1) {
    const details = await session.details(uids.slice(-page * messagesAtOnce, uids.length - (page - 1) * messagesAtOnce))
    const young = details.filter(({ internalDate }) => internalDate === null || internalDate >= since)
    first = young[0]?.uid ?? first
    if (young.length === 0 || page * messagesAtOnce >= uids.length) break
  }
  return first
}
