import { type SendEvent, workOf } from '../draft/send-state.ts'
import type { MessageId, SendId, Umid } from '../ids.ts'
import { attemptMessageIds } from '../storage/attempts.ts'
import { getDraft } from '../storage/drafts.ts'
import { seenFolder } from '../storage/folders.ts'
import { applySendEvent, getSend, hasSuccessorSince, setSendFacts, type StoredSend } from '../storage/sends.ts'
import { hasSentMark, sentMark } from '../sync/message-ids.ts'
import type { MailboxSession } from '../wire/mailbox.ts'
import { resolveAttempts } from './steps/resolve-attempts.ts'
import { sendFollowUps } from './steps/send-follow-ups.ts'
import { draftsFolder, findSpecialFolder } from './steps/special-folders.ts'
import { done, type ExecuteContext, type FollowUp, type Outcome, syncAfter, type WireTask } from './task.ts'

/** The newest few: older copies were replaced long before anybody could send them. */
const copiesLookedFor = 3

/** Of Sent, where no server can be asked for a part of a Message-ID alone. */
const newestLookedAt = 200

/** Between two looks, while the round that they wait for does not come. */
const firstLookMs = 1_000
const longestLookMs = 60_000

/**
 * Before a mail goes: nobody else has edited the draft, and nobody has sent it. It is in the mailbox's lane, after the
 * round that it asks for: an upload of the draft is over before it, and none begins after it (hazard 20).
 */
export const outboxCheck: WireTask = {
  name: 'outbox_check',
  lane: 'mailbox',
  // After the round over the folder, which it asks for; before uploads.
  priority: 15,
  async execute(context, key) {
    const send = await context.store.read((db) => getSend(db, key as SendId))
    const { releaseAt } = workOf(send.state)
    if (releaseAt === null) return done()
    // A new request, and no pause of this one: the user may want it sooner meanwhile.
    if (releaseAt > context.environment.now()) return done(...sendFollowUps(send, context.environment.now()))
    // Somebody has it already: for those who are left there is nothing to be found out.
    if (send.state.filing !== null) return await release(context, send)
    const messageIds = await context.store.read((db) => attemptMessageIds(db, send.draftId))
    // What was never on a server can be nowhere else, unless there was a time that is not known here.
    if (messageIds.length === 0 && send.facts.restoredAt === null) return await release(context, send)
    const session = await context.session()
    await resolveAttempts(context, session, send.draftId)
    const look = await lookIntoDrafts(context, session, send)
    if (look !== null) return look
    const objection = await objectionTo(context, session, send)
    return objection === null ? await release(context, send) : await hold(context, send, objection)
  },
}

/** Null: a round over Drafts has ended since it was asked for, or there is no such folder. */
async function lookIntoDrafts(
  context: ExecuteContext,
  session: MailboxSession,
  { id, accountId, facts }: StoredSend,
): Promise<Outcome | null> {
  if ((await draftsFolder(session)) === null) return null
  const seen = await context.store.read((db) => seenFolder(db, accountId, 'drafts'))
  const { roundAskedAt, looks } = facts
  if (roundAskedAt !== null && seen !== null && seen.seenAt >= roundAskedAt) return null
  const now = context.environment.now()
  await context.write((write) => setSendFacts(write, id, { roundAskedAt: roundAskedAt ?? now, looks: looks + 1 }, now))
  // The round goes first, by its priority. One that backs off is waited for.
  const delayMs = looks === 0 ? 0 : Math.min(longestLookMs, firstLookMs * 2 ** Math.min(looks - 1, 10))
  const again: FollowUp = { task: 'outbox_check', accountId, key: id, delayMs, join: 'sooner' }
  return done(syncAfter(accountId, 0), again)
}

/** What the user must know before it goes. Null: nothing. */
async function objectionTo(
  context: ExecuteContext,
  session: MailboxSession,
  { draftId, createdAt, facts, messageId: sentAs }: StoredSend,
): Promise<SendEvent | null> {
  const since = Math.max(createdAt, facts.overruledAt ?? 0)
  if (await context.store.read((db) => hasSuccessorSince(db, draftId, since))) {
    const message = 'another program has edited this draft meanwhile: its text is a draft of its own'
    return { type: 'held', reason: { code: 'SUCCESSOR', message } }
  }
  if (facts.overruledAt !== null) return null
  const sent = findSpecialFolder(await session.folders(), 'sent')
  if (sent === null || (await session.select(sent)) === null) return null
  const messageIds = await context.store.read((db) => attemptMessageIds(db, draftId))
  const ownIds = facts.restoredAt === null ? [] : [sentAs]
  for (const messageId of [...ownIds, ...messageIds.slice(0, copiesLookedFor)]) {
    if ((await session.findByMessageId(messageId)).length === 0) continue
    return { type: 'found-sent', at: context.environment.now() }
  }
  return (await wasSentElsewhere(context, session, draftId, sentAs))
    ? { type: 'found-sent', at: context.environment.now() }
    : null
}

/**
 * Whether another device, which has a store of its own, has sent the draft: then its copies are gone from Drafts, and Sent has a
 * Message-ID with the draft's mark (hazard 35). Sent is selected.
 */
async function wasSentElsewhere(
  context: ExecuteContext,
  session: MailboxSession,
  draftId: Umid,
  sentAs: MessageId,
): Promise<boolean> {
  const { token, syncState } = await context.store.read((db) => getDraft(db, draftId))
  if (syncState !== 'local-only') return false
  const mark = sentMark(token, context.environment.createSha256())
  const newest = await session.identities((await session.uids()).slice(-newestLookedAt), 'brief')
  return newest.some(({ messageId }) => messageId !== null && messageId !== sentAs && hasSentMark(messageId, mark))
}

async function release(context: ExecuteContext, { id }: StoredSend): Promise<Outcome> {
  const now = context.environment.now()
  const checked = { checkedAt: now, roundAskedAt: null, looks: 0 }
  const { send } = await context.write((write) => applySendEvent(write, id, { type: 'released' }, now, checked))
  return done(...sendFollowUps(send, now))
}

async function hold(context: ExecuteContext, { id }: StoredSend, objection: SendEvent): Promise<Outcome> {
  const now = context.environment.now()
  const unseen = { roundAskedAt: null, looks: 0 }
  const { send } = await context.write((write) => applySendEvent(write, id, objection, now, unseen))
  return done(...sendFollowUps(send, now))
}
