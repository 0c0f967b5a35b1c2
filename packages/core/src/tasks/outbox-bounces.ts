import type { FolderPath, Sha256, Uid } from '../ids.ts'
import { sendOfBounce } from '../storage/bounces.ts'
import { seenFolder, setSeenFolder } from '../storage/folders.ts'
import { applySendEvent, getSend, setSendFacts } from '../storage/sends.ts'
import { bouncePlan } from '../sync/bounce-plan.ts'
import type { Bounce, BounceReader } from '../wire/bounce.ts'
import type { FolderState, MailboxSession } from '../wire/mailbox.ts'
import { lookForBounces, oldestSend } from './steps/bounce-watch.ts'
import { sendFollowUps } from './steps/send-follow-ups.ts'
import { newestBelow, seenUntil, unseenUids } from './steps/unseen-uids.ts'
import { done, type ExecuteContext, type FollowUp, type WireTask } from './task.ts'

/** RFC 3501 §5.1: by that name everywhere. */
const inbox = 'INBOX' as FolderPath

/** How much older than the send the clock of its server may make what came back. */
const clockSkewMs = 24 * 3_600_000

const headersAtOnce = 200

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
    const seen = await context.store.read((db) => seenFolder(db, context.accountId, 'inbox'))
    const since = oldest - clockSkewMs
    const unseen = await unseenUids(context, session, { folder, seen, since, sinceAnew: since })
    const { uids, after } = unseen
    for (let at = 0; at < uids.length; at += headersAtOnce) {
      const page = uids.slice(at, at + headersAtOnce)
      for (const { uid, bytes } of await session.headerFields(page, reader.fields)) {
        if (!reader.mayBe(bytes)) continue
        const told = await tell(context, session, reader, uid)
        followUps.push(...told.followUps)
        if (told.kind === 'told') continue
        await remember(context, session, folder, uid)
        return done(...followUps, lookForBounces(context.accountId, inFlightWaitMs))
      }
      if (at + headersAtOnce < uids.length) await remember(context, session, folder, uids[at + headersAtOnce] ?? after)
    }
    if (uids.length > 0) await remember(context, session, folder, after)
    else if (unseen.isTouched) await remember(context, session, folder, after, unseen.newestAt)
    return done(...followUps)
  },
}

async function remember(
  context: ExecuteContext,
  session: MailboxSession,
  folder: FolderState,
  uidNext: Uid,
  known: number | null = null,
): Promise<void> {
  const { accountId, environment } = context
  const newestAt = known ?? (await newestBelow(context, session, uidNext))
  const seen = seenUntil(folder, { uidNext, newestAt, seenAt: environment.now() })
  await context.write(({ db }) => setSeenFolder(db, accountId, 'inbox', seen))
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
