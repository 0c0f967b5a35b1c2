import type { Uid } from '../../ids.ts'
import {
  type CommandOutcome,
  type FolderState,
  type MailboxSession,
  type MessageDetails,
  WireError,
} from '../../wire/mailbox.ts'
import { findSpecialFolder } from './special-folders.ts'

export interface Removed {
  /** Not there any more; without UIDPLUS also what is marked `\Deleted` and waits for somebody's EXPUNGE. */
  readonly gone: readonly Uid[]
  /** Not to be removed: on Gmail the message has become a sent one. */
  readonly spared: readonly Uid[]
}

/**
 * Removes exactly these messages from the selected folder, each of which the caller has just read and knows for ours. What
 * is in neither list is still there.
 */
export async function removeMessages(
  session: MailboxSession,
  folder: FolderState,
  uids: readonly Uid[],
): Promise<Removed> {
  if (session.capabilities.gmail) return await removeByTrash(session, folder, uids)
  if (!session.capabilities.uidPlus) return await removeWithoutUidPlus(session, uids)
  const removed = await session.removeUids(uids)
  if (removed.kind === 'refused') throw refusal(removed)
  // Some servers answer OK to a STORE right after an APPEND and do nothing: only what is told or seen to be done is done.
  if (uids.every((uid) => removed.told.includes(uid))) return { gone: uids, spared: [] }
  const left = new Set(await session.uids())
  return { gone: uids.filter((uid) => !left.has(uid)), spared: [] }
}

/**
 * EXPUNGE takes every message that is marked: it is only sent when all of them are `ours`, read again in this session. What
 * we know of other debts may be of another UIDVALIDITY, or from before a backup (hazards 6, 10).
 */
async function removeWithoutUidPlus(session: MailboxSession, ours: readonly Uid[]): Promise<Removed> {
  expectOk(await session.markDeleted(ours))
  const before = await session.deletedUids()
  if (before.every((uid) => ours.includes(uid))) expectOk(await session.expungeAllDeleted())
  const left = new Set(await session.uids())
  const marked = new Set(await session.deletedUids())
  return { gone: ours.filter((uid) => !left.has(uid) || marked.has(uid)), spared: [] }
}

/**
 * On Gmail folders are labels, and EXPUNGE takes a label away: the message would stay in All Mail. It goes by way of the
 * trash; one that has been sent is the sent mail itself, and is not touched (hazard 8).
 */
async function removeByTrash(session: MailboxSession, folder: FolderState, uids: readonly Uid[]): Promise<Removed> {
  const details = await session.details(uids)
  const sent = await sentOnes(session, folder, details)
  if (sent === null) return { gone: [], spared: [] }
  const spared = details.filter((one) => hasLabel(one, '\\sent') || sent.has(one.uid)).map(({ uid }) => uid)
  const drafts = details.filter((one) => !spared.includes(one.uid) && hasLabel(one, '\\draft')).map(({ uid }) => uid)
  const seen = new Set(details.map(({ uid }) => uid))
  const gone = uids.filter((uid) => !seen.has(uid))
  const trash = (await session.folders()).find(({ specialUse, selectable }) => specialUse === 'trash' && selectable)
  if (trash === undefined || !session.capabilities.move || drafts.length === 0) return { gone, spared }
  const before = new Map((await session.identities(drafts)).map((one) => [one.uid, one.messageId]))
  for (const uid of drafts) {
    const moved = await session.moveUids([uid], trash.path)
    if (moved.kind === 'refused') throw refusal(moved)
    gone.push(uid)
    const [there] = moved.to?.uids ?? []
    if (moved.to === null || there === undefined) continue
    // Where it is not exactly what was moved it is left to the trash, which Gmail empties by itself.
    const state = await session.select(trash.path)
    if (state?.uidValidity === moved.to.uidValidity) {
      const [identity] = await session.identities([there])
      if (identity !== undefined && identity.messageId === before.get(uid)) {
        expectOk(await session.markDeleted([there]))
        if (session.capabilities.uidPlus) expectOk(await session.expungeUids([there]))
      }
    }
    const again = await session.select(folder.path)
    // The UIDs that are left mean nothing there any more.
    if (again?.uidValidity !== folder.uidValidity) break
  }
  return { gone, spared }
}

/**
 * Which of these lie in Sent, too, as the very same message: labels may say so only later. Null: what was selected is not
 * what it was.
 */
async function sentOnes(
  session: MailboxSession,
  folder: FolderState,
  details: readonly MessageDetails[],
): Promise<ReadonlySet<Uid> | null> {
  const found = new Set<Uid>()
  const sent = findSpecialFolder(await session.folders(), 'sent')
  if (sent === null || sent === folder.path || details.length === 0) return found
  if ((await session.select(sent)) !== null) {
    for (const { uid, gmailMessageId } of details) {
      if (gmailMessageId !== null && (await session.findByGmailMessageId(gmailMessageId)).length > 0) found.add(uid)
    }
  }
  // Also after a SELECT that failed: that one has unselected the folder (RFC 3501 §6.3.1).
  const again = await session.select(folder.path)
  return again?.uidValidity === folder.uidValidity ? found : null
}

function hasLabel({ gmailLabels }: MessageDetails, label: string): boolean {
  return gmailLabels.some((one) => one.toLowerCase() === label)
}

function expectOk(outcome: CommandOutcome): void {
  if (outcome.kind === 'refused') throw refusal(outcome)
}

function refusal({ text }: Extract<CommandOutcome, { kind: 'refused' }>): WireError {
  return new WireError('REFUSED', `the server did not remove an old copy: ${text}`)
}
