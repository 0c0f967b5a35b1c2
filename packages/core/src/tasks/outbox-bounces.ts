import type { FolderPath, Sha256, Uid } from '../ids.ts'
import { sendOfBounce } from '../storage/bounces.ts'
import { seenFolder, setSeenFolder } from '../storage/folders.ts'
import { applySendEvent, getSend, setSendFacts } from '../storage/sends.ts'
import { bouncePlan } from '../sync/bounce-plan.ts'
import type { Bounce, BounceReader } from '../wire/bounce.ts'
import type { FolderState, MailboxSession } from '../wire/mailbox.ts'
import { lookForBounces, oldestSend } from './steps/bounce-watch.ts'
import { firstUidSince } from './steps/first-uid-since.ts'
import { sendFollowUps } from './steps/send-follow-ups.ts'
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
    const end = folder.uidNext ?? ((((await session.uids()).at(-1) ?? 0) + 1) as Uid)
    for (let from = await firstUid(context, session, folder, { oldest, end }); from < end;) {
      const next = Math.min(end, from + headersAtOnce) as Uid
      const page = Array.from({ length: next - from }, (_, index) => (from + index) as Uid)
      for (const { uid, bytes } of await session.headerFields(page, reader.fields)) {
        if (!reader.mayBe(bytes)) continue
        const told = await tell(context, session, reader, uid)
        followUps.push(...told.followUps)
        if (told.kind === 'told') continue
        await remember(context, folder, uid)
        return done(...followUps, lookForBounces(context.accountId, inFlightWaitMs))
      }
      from = next
      await remember(context, folder, from)
    }
    return done(...followUps)
  },
}

/** After the last that was looked at; where that says nothing, the first that is not older than the oldest send. */
async function firstUid(
  context: ExecuteContext,
  session: MailboxSession,
  folder: FolderState,
  { oldest, end }: { readonly oldest: number; readonly end: Uid },
): Promise<Uid> {
  const { accountId, store } = context
  const seen = await store.read((db) => seenFolder(db, accountId, 'inbox'))
  const since = oldest - clockSkewMs
  // A server that was restored from a backup gives UIDs out again.
  const goesOn = seen?.uidValidity === folder.uidValidity && seen.uidNext <= end && seen.seenAt >= since
  if (goesOn) return seen.uidNext
  const first = await firstUidSince(session, since, end)
  await remember(context, folder, first)
  return first
}

async function remember(context: ExecuteContext, folder: FolderState, uidNext: Uid): Promise<void> {
  const { accountId, environment } = context
  const { path, uidValidity, highestModseq } = folder
  const seen = { path, uidValidity, uidNext, highestModseq, others: new Set<Uid>(), losses: 'apply' as const }
  await context.write(({ db }) => setSeenFolder(db, accountId, 'inbox', { ...seen, seenAt: environment.now() }))
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
