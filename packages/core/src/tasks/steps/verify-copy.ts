import type { Receipt } from '../../draft/draft-state.ts'
import type { Uid, UidValidity } from '../../ids.ts'
import { type Attempt, noMessageId } from '../../storage/attempts.ts'
import { contentDigest } from '../../sync/recognise.ts'
import type { MailboxSession, MessageIdentity } from '../../wire/mailbox.ts'
import type { ExecuteContext } from '../task.ts'

/** Fetches the message and compares what it says with what the attempt was to store. */
export async function hasContentOf(
  context: ExecuteContext,
  session: MailboxSession,
  uid: Uid,
  attempt: Attempt,
): Promise<boolean> {
  const raw = await session.fetchRaw(uid)
  if (raw === null) return false
  const parsed = await context.format.parse(raw, context.environment.createSha256)
  return contentDigest(parsed, context.environment.createSha256()) === attempt.digest
}

/** By what its header says, as far as that goes: two messages without a Message-ID say the same. */
export function isMessage(identity: MessageIdentity, { messageId }: Pick<Receipt, 'messageId'>): boolean {
  return (identity.messageId ?? noMessageId) === messageId
}

/** The proof of a copy that was found and verified. Its identity is what the server gave back. */
export function receiptFor(attempt: Attempt, uidValidity: UidValidity, identity: MessageIdentity): Receipt {
  return {
    accountId: attempt.accountId,
    folder: attempt.folder,
    uidValidity,
    uid: identity.uid,
    messageId: identity.messageId ?? attempt.messageId,
    version: attempt.version,
    attemptId: attempt.id,
  }
}
