import type { FolderPath, Sha256, Uid } from '../ids.ts'
import { sendOfBounce } from '../storage/bounces.ts'
import { seenFolder, type SeenFolder, setSeenFolder } from '../storage/folders.ts'
import { applySendEvent, getSend, setSendFacts } from '../storage/sends.ts'
import { bouncePlan } from '../sync/bounce-plan.ts'
import type { Bounce, BounceReader } from '../wire/bounce.ts'
import type { FolderState, MailboxSession } from '../wire/mailbox.ts'
import { lookForBounces, oldestSend } from './steps/bounce-watch.ts'
import { sendFollowUps } from './steps/send-follow-ups.ts'
import { done, type ExecuteContext, type FollowUp, type WireTask } from './task.ts'

/** RFC 3501 §5.1: by that name everywhere. */
const inbox = 'INBOX' as FolderPath

/** How much older than the send the clock of its server may make what came back. */
const clockSkewMs = 24 * 3_600_000

const headersAtOnce = 200

/** UIDs that are given out a second time are the latest ones: a few of them tell. */
const uidsProbed = 20

/** What a report says stands in its beginning; what came back whole may be long. */
const readBytes = 1024 * 1024

/** A transmission that runs ends soon. */
const inFlightWaitMs = 5_000

const reportsRemembered = 20

/**
 * Looks into INBOX for what came back of the mails of the last days. Nothing there is changed, not even what is unread, and of what
 * is no report only some header fields are read. After a cut it goes on where it was.
 */
export const outboxBounces: WireTask = {
  name: 'outbox_bounces',
  lane: 'mailbox',
  // Nobody waits for it.
  priority: 4,
  async execute(context) {
    const { reader } = context.bounces
    const oldest = await oldestSend(context)
    if (reader === null || oldest === null) return done()
    const session = await context.session()
    const folder = await session.select(inbox, 'read-only')
    if (folder === null) return done()
    const followUps: FollowUp[] = []
    const news = await unread(context, session, folder, oldest - clockSkewMs)
    if (news === null) return done()
    const { uids, after } = news
    for (let at = 0; at < uids.length; at += headersAtOnce) {
      const page = uids.slice(at, at + headersAtOnce)
      for (const { uid, bytes } of await session.headerFields(page, reader.fields)) {
        if (!reader.mayBe(bytes)) continue
        const told = await tell(context, session, reader, uid)
        followUps.push(...told.followUps)
        if (told.kind === 'told') continue
        await remember(context, folder, await placeBefore(context, session, uid))
        return done(...followUps, lookForBounces(context.accountId, inFlightWaitMs))
      }
      if (at + headersAtOnce < uids.length)
        await remember(context, folder, await placeBefore(context, session, uids[at + headersAtOnce] ?? after))
    }
    await remember(context, folder, await placeBefore(context, session, after))
    return done(...followUps)
  },
}

/** Where to go on, and what tells whether UIDs below it are still those that were looked at. */
interface Place {
  readonly uidNext: Uid
  /**
   * When the newest of the messages right below came, by the clock of their server; 0: there is none. UIDs grow, and INTERNALDATE
   * stays (RFC 3501 §2.3.1.1, §2.3.3): a later one there means that UIDs were given out again.
   */
  readonly newestAt: number
}

async function placeBefore({ environment }: ExecuteContext, session: MailboxSession, uidNext: Uid): Promise<Place> {
  const first = Math.max(1, uidNext - uidsProbed)
  const below = Array.from({ length: uidNext - first }, (_, index) => (first + index) as Uid)
  // Who files a message may give it a date that is to come.
  const latest = environment.now() + clockSkewMs
  const dates = (await session.details(below)).flatMap(({ internalDate }) => internalDate ?? [])
  return { uidNext, newestAt: dates.filter((at) => at <= latest).reduce((newest, at) => Math.max(newest, at), 0) }
}

interface Unread {
  /** Ascending. */
  readonly uids: readonly Uid[]
  /** Where to go on after them. */
  readonly after: Uid
}

/**
 * What came after the last that was looked at; where that says nothing, or was long ago, what came `since` then (epoch
 * milliseconds). Null: nothing has come.
 */
async function unread(
  context: ExecuteContext,
  session: MailboxSession,
  folder: FolderState,
  since: number,
): Promise<Unread | null> {
  const { accountId, store } = context
  const after = folder.uidNext ?? ((((await session.uids()).at(-1) ?? 0) + 1) as Uid)
  const seen = await store.read((db) => seenFolder(db, accountId, 'inbox'))
  const goesOn = seen !== null && (await isPlaceOf(context, session, { seen, folder, after }))
  if (goesOn && seen.uidNext === after) {
    const isTouched = folder.highestModseq !== seen.highestModseq
    if (isTouched) await remember(context, folder, { uidNext: after, newestAt: seen.seenAt })
    return null
  }
  const from = goesOn ? seen.uidNext : (1 as Uid)
  if (goesOn && after - from <= headersAtOnce) {
    return { uids: Array.from({ length: after - from }, (_, index) => (from + index) as Uid), after }
  }
  const young = await session.uidsSince(since)
  return { uids: young.filter((uid) => uid >= from && uid < after), after }
}

/** Whether the UIDs below are those that were looked at. A server that was restored from a backup gives UIDs out again. */
async function isPlaceOf(
  context: ExecuteContext,
  session: MailboxSession,
  { seen, folder, after }: { readonly seen: SeenFolder; readonly folder: FolderState; readonly after: Uid },
): Promise<boolean> {
  if (seen.uidValidity !== folder.uidValidity || seen.uidNext > after) return false
  if (isUnchanged(seen, folder)) return true
  const { newestAt } = await placeBefore(context, session, seen.uidNext)
  return newestAt <= seen.seenAt
}

/** RFC 7162 §3.1: whatever happens to a folder, its HIGHESTMODSEQ grows. */
function isUnchanged(seen: SeenFolder, { uidNext, highestModseq }: FolderState): boolean {
  return uidNext === seen.uidNext && highestModseq !== null && highestModseq === seen.highestModseq
}

async function remember(context: ExecuteContext, folder: FolderState, { uidNext, newestAt }: Place): Promise<void> {
  const { accountId } = context
  const { path, uidValidity, highestModseq } = folder
  const seen = { path, uidValidity, uidNext, highestModseq, others: new Set<Uid>(), losses: 'apply' as const }
  await context.write(({ db }) => setSeenFolder(db, accountId, 'inbox', { ...seen, seenAt: newestAt }))
}

interface Told {
  readonly kind: 'told' | 'wait'
  readonly followUps: readonly FollowUp[]
}

const nothingToTell: Told = { kind: 'told', followUps: [] }

async function tell(context: ExecuteContext, session: MailboxSession, reader: BounceReader, uid: Uid): Promise<Told> {
  const pieces: Uint8Array[] = []
  for await (const piece of session.fetchPart(uid, '', { length: readBytes })) pieces.push(piece)
  const hasher = context.environment.createSha256()
  for (const piece of pieces) hasher.update(piece)
  const digest = hasher.digest() as Sha256
  const bounce = reader.read(joined(pieces))
  return bounce === null ? nothingToTell : await tellSend(context, bounce, digest)
}

async function tellSend(context: ExecuteContext, bounce: Bounce, digest: Sha256): Promise<Told> {
  const { accountId, environment } = context
  const now = environment.now()
  return await context.write(async (write): Promise<Told> => {
    const send = await sendOfBounce(write.db, accountId, bounce)
    // Somebody else's mail, one that another program sent, or one that was made up.
    if (send === null || send.facts.reports.includes(digest)) return nothingToTell
    const plan = bouncePlan(send.state, bounce, now)
    if (plan.kind === 'wait') return { kind: 'wait', followUps: [] }
    const { id, draftId } = send
    for (const event of plan.events) {
      const applied = await applySendEvent(write, id, event, now)
      if (event.type !== 'bounced' || applied.rule === 'refuse' || applied.send.state === applied.before.state) continue
      write.emit({ type: 'send-bounced', accountId, draftId, sendId: id, reason: event.reason })
    }
    const { facts } = await getSend(write.db, id)
    await setSendFacts(write, id, { reports: [...facts.reports, digest].slice(-reportsRemembered) }, now)
    return { kind: 'told', followUps: sendFollowUps(await getSend(write.db, id), now) }
  })
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((size, { length }) => size + length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}
