import type { Uid } from '../../ids.ts'
import type { SeenFolder } from '../../storage/folders.ts'
import type { FolderState, MailboxSession } from '../../wire/mailbox.ts'
import type { ExecuteContext } from '../task.ts'

/** UIDs that are given out a second time are the latest ones: a few of them tell. */
const uidsProbed = 20

/** So many are looked at whatever they are. */
const fewUids = 200

/** Of more the newest are looked at. */
const mostUids = 10_000

/** How far the clock of the server may be ahead of ours. */
const clockSkewMs = 24 * 3_600_000

/** What of a folder was not looked at yet. */
export interface Unseen {
  /** Ascending; some may have gone. */
  readonly uids: readonly Uid[]
  /** Where to go on after them. */
  readonly after: Uid
  /** The place where to go on said nothing: what was looked at long ago may be among them. */
  readonly isAnew: boolean
  /** Something happened there, or how it was is not known: to be written down. */
  readonly isTouched: boolean
  /** What is right below the first of them came then or before; null: that is not known. */
  readonly newestAt: number | null
}

interface Look {
  readonly folder: FolderState
  readonly seen: SeenFolder | null
  /** Of many new ones only those that came then (epoch milliseconds) or later, and some that are a day or two older. */
  readonly since: number
  /** Where the place says nothing; it may be later than `since`. */
  readonly sinceAnew: number
}

/** In the selected folder, what came after the last that was looked at; where that says nothing, what came since a time. */
export async function unseenUids(
  context: ExecuteContext,
  session: MailboxSession,
  { folder, seen, since, sinceAnew }: Look,
): Promise<Unseen> {
  const after = folder.uidNext ?? ((((await session.uids()).at(-1) ?? 0) + 1) as Uid)
  if (seen !== null && (await isPlaceOf(context, session, { folder, seen, after }))) {
    const { uidNext: from, newestAt } = seen
    const isTouched = newestAt === null || from !== after || seen.highestModseq !== folder.highestModseq
    const uids = after - from <= fewUids ? uidRange(from, after) : await young(session, since, { from, after })
    return { uids, after, isAnew: false, isTouched, newestAt }
  }
  const uids = await young(session, sinceAnew, { from: 1 as Uid, after })
  return { uids, after, isAnew: true, isTouched: true, newestAt: null }
}

/**
 * When the newest of these came, by the clock of their server; 0: none is there. UIDs grow, and INTERNALDATE stays (RFC 3501 §2.3.1.1,
 * §2.3.3): what came later than that and lies below has been given a UID for the second time.
 */
export async function newestOf(
  { environment }: Pick<ExecuteContext, 'environment'>,
  session: MailboxSession,
  uids: readonly Uid[],
): Promise<number> {
  // Who files a message may give it a date that is to come.
  const latest = environment.now() + clockSkewMs
  const dates = (await session.details(uids)).flatMap(({ internalDate }) => internalDate ?? [])
  return dates.filter((at) => at <= latest).reduce((newest, at) => Math.max(newest, at), 0)
}

/** The same of the messages right below that UID. */
export async function newestBelow(
  context: Pick<ExecuteContext, 'environment'>,
  session: MailboxSession,
  uid: Uid,
): Promise<number> {
  return await newestOf(context, session, uidRange(Math.max(1, uid - uidsProbed) as Uid, uid))
}

/** What is to be written down where all below `uidNext` was looked at. */
export function seenUntil(
  { path, uidValidity, highestModseq }: FolderState,
  { uidNext, newestAt, seenAt }: Pick<SeenFolder, 'uidNext' | 'newestAt' | 'seenAt'>,
): SeenFolder {
  return { path, uidValidity, uidNext, highestModseq, others: new Set(), seenAt, newestAt, losses: 'apply' }
}

interface Place {
  readonly folder: FolderState
  readonly seen: SeenFolder
  readonly after: Uid
}

/** Whether the UIDs below are those that were looked at. A server that was restored from a backup gives UIDs out again. */
async function isPlaceOf(
  context: ExecuteContext,
  session: MailboxSession,
  { folder, seen, after }: Place,
): Promise<boolean> {
  if (seen.path !== folder.path || seen.uidValidity !== folder.uidValidity) return false
  if (seen.uidNext > after || wentBack(seen, folder)) return false
  if (seen.newestAt === null || isUnchanged(seen, folder, after)) return true
  return (await newestBelow(context, session, seen.uidNext)) <= seen.newestAt
}

/** RFC 7162 §3.1: whatever happens to a folder, its HIGHESTMODSEQ grows. */
function wentBack({ highestModseq: before }: SeenFolder, { highestModseq: now }: FolderState): boolean {
  return before !== null && now !== null && BigInt(now) < BigInt(before)
}

function isUnchanged(seen: SeenFolder, { highestModseq }: FolderState, after: Uid): boolean {
  return after === seen.uidNext && highestModseq !== null && highestModseq === seen.highestModseq
}

/** UIDs of messages that lie behind much that is older, or before it. */
async function young(
  session: MailboxSession,
  since: number,
  { from, after }: { readonly from: Uid; readonly after: Uid },
): Promise<readonly Uid[]> {
  const uids = await session.uidsSince(since)
  return uids.filter((uid) => uid >= from && uid < after).slice(-mostUids)
}

function uidRange(from: Uid, to: Uid): readonly Uid[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, index) => (from + index) as Uid)
}
