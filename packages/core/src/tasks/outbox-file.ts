import { workOf } from '../draft/send-state.ts'
import type { SendId, Uid } from '../ids.ts'
import { applyDraftEvent } from '../storage/draft-states.ts'
import { getDraft } from '../storage/drafts.ts'
import { outcomeOfDraft } from '../storage/email-outcomes.ts'
import {
  applySendEvent,
  getSend,
  type SendFacts,
  journalOf,
  type SentCopy,
  setSendFacts,
  type StoredSend,
} from '../storage/sends.ts'
import { type SentHabit, sentHabit, setSentHabit } from '../storage/sent-habits.ts'
import type { MailboxSession } from '../wire/mailbox.ts'
import { lookForBounces } from './steps/bounce-watch.ts'
import { findSentCopies, saysTheSame, sentCopiesBeside } from './steps/find-sent-copies.ts'
import { lookNow } from './steps/folder-reset.ts'
import { lookIntoSent } from './steps/look-into-sent.ts'
import { removeMessages } from './steps/remove-messages.ts'
import { resolveAttempts } from './steps/resolve-attempts.ts'
import { sendFollowUps } from './steps/send-follow-ups.ts'
import { selectSent } from './steps/sent-folder.ts'
import { settleDebts } from './steps/settle-debts.ts'
import { isAt, storeSentCopy } from './steps/store-sent-copy.ts'
import { done, type ExecuteContext, type FollowUp, type Outcome, type WireTask } from './task.ts'

/** When evidence is looked for again, in milliseconds after the last look. Absence proves nothing, so it ends some time. */
const inquiriesMs: readonly number[] = [5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400].map(
  (seconds) => seconds * 1_000,
)

/** How often it is looked again whether a server has filed a copy after ours, in multiples of the first time. */
const looksAgain: readonly number[] = [1, 5, 30, 720]

/** A server that files by itself may be slower than it was. */
const patience = 4
const leastPatienceMs = 30_000

/**
 * The copy in Sent: one, whoever files it (hazards 26 and 27). Only when it was seen there, the draft's copies in Drafts go.
 * For a mail of which nobody knows whether it was taken, Sent is where evidence is looked for.
 */
export const outboxFile: WireTask = {
  name: 'outbox_file',
  lane: 'mailbox',
  priority: 12,
  async execute(context, key) {
    const send = await context.store.read((db) => getSend(db, key as SendId))
    const { filing, evidence } = workOf(send.state)
    if (filing) return await file(context, send)
    // Once somebody was accepted there is a copy in Sent anyway: it says nothing of those who are in doubt.
    if (evidence && send.state.filing === null) return await inquire(context, send)
    return await lookAgain(context, send)
  },
}

async function file(context: ExecuteContext, send: StoredSend): Promise<Outcome> {
  const session = await context.session()
  if (send.state.phase === 'accepted' || send.state.phase === 'filed') {
    const filed = await findOrStore(context, session, send)
    if ('outcome' in filed) return filed.outcome
    await verified(context, send, filed.copy)
  }
  return await cleanDrafts(context, session, send.id)
}

type Filed = { readonly copy: SentCopy } | { readonly outcome: Outcome }

async function findOrStore(context: ExecuteContext, session: MailboxSession, send: StoredSend): Promise<Filed> {
  const { id, accountId, facts, state } = send
  const now = context.environment.now()
  const folder = await selectSent(session)
  const [found] = await findSentCopies(context, session, send)
  if (found !== undefined) {
    // After a cut in mid-filing it may be ours.
    const filedBy = facts.filing === null ? 'server' : 'us'
    if (filedBy === 'server') {
      const afterMs = Math.max(0, now - (state.sentAt ?? now))
      await context.write(({ db }) => setSentHabit(db, accountId, { filesItself: true, afterMs, seenAt: now }))
    }
    return { copy: { folder: folder.path, uidValidity: folder.uidValidity, uid: found.uid, filedBy, seenAt: now } }
  }
  const wait = await nextLookAt(context, send)
  if (facts.filing === null && wait > now) return { outcome: later(send, wait - now) }
  if (facts.frozen === null) return { outcome: await complain(context, id, 'NOT_HELD', 'its bytes are not held here') }
  const stored = await storeSentCopy(context, session, send, facts.frozen)
  if (stored.kind === 'filed') return { copy: stored.copy }
  if (stored.kind === 'refused') return { outcome: await complain(context, id, stored.code, stored.message) }
  const words = 'the server said that it filed the copy in Sent, and does not show it'
  return { outcome: { kind: 'ambiguous', error: { code: 'NOT_SHOWN', message: words, at: now } } }
}

/** A new request, and no pause of this one: what the user says meanwhile is done at once. */
function later(send: StoredSend, delayMs: number): Outcome {
  return done(lookLater(send, delayMs))
}

function lookLater({ id, accountId }: StoredSend, delayMs: number): FollowUp {
  return { task: 'outbox_file', accountId, key: id, delayMs, join: 'sooner' }
}

/** How long the server has for filing by itself: learnt from what was seen, else a guess. */
async function nextLookAt(context: ExecuteContext, { accountId, state }: StoredSend): Promise<number> {
  const now = context.environment.now()
  const sentAt = state.sentAt ?? now
  const habit = await context.store.read((db) => sentHabit(db, accountId))
  const waitMs =
    habit === null
      ? context.sentCopy.waitMs
      : habit.filesItself
        ? Math.max(leastPatienceMs, habit.afterMs * patience)
        : 0
  // At once, after one second, after three, after nine: each look costs some commands.
  return Math.min(sentAt + waitMs, now + Math.max(1_000, (now - sentAt) * 2))
}

/** The mail is sent, and only its copy is in trouble: it is told, and tried again. */
async function complain(context: ExecuteContext, id: SendId, code: string, message: string): Promise<Outcome> {
  const now = context.environment.now()
  await context.write((write) => applySendEvent(write, id, { type: 'blocked', reason: { code, message } }, now))
  return { kind: 'retry', error: { code, message, at: now } }
}

/** It was looked for long enough in vain: for the mails that follow nobody looks. */
function filesNone({ sentCopy }: ExecuteContext, habit: SentHabit | null): boolean {
  return habit?.filesItself === false && habit.afterMs >= sentCopy.lookAgainMs * (looksAgain.at(-1) ?? 1)
}

async function verified(context: ExecuteContext, send: StoredSend, copy: SentCopy): Promise<void> {
  const { id, draftId, accountId, state } = send
  const now = context.environment.now()
  const isSettled = copy.filedBy === 'server'
  await context.write(async (write) => {
    const habit = await sentHabit(write.db, accountId)
    const lookAgainAt =
      isSettled || filesNone(context, habit) ? null : (state.sentAt ?? now) + context.sentCopy.lookAgainMs
    const found: Partial<SendFacts> = { sentCopy: copy, filing: null, lookAgainAt, verifiedAt: now }
    if (copy.filedBy === 'us') await applySendEvent(write, id, { type: 'filed' }, now)
    await applySendEvent(write, id, { type: 'copy-verified' }, now, found)
    // Not before the copy in Sent is confirmed: until then Drafts may be where the only one is.
    await applyDraftEvent(write, draftId, { type: 'filed' }, now)
  })
}

async function cleanDrafts(context: ExecuteContext, session: MailboxSession, id: SendId): Promise<Outcome> {
  const { draftId } = await context.store.read((db) => getSend(db, id))
  // A copy that shows up late is a debt, too (hazard 20).
  await resolveAttempts(context, session, draftId)
  const settled = await settleDebts(context, session, draftId)
  if (settled === 'reset') return done(lookNow(context), ...(await followUpsOf(context, id)))
  const now = context.environment.now()
  if (settled === 'left') {
    const message = 'the server said that it removed a copy in Drafts, and still shows it'
    return { kind: 'retry', error: { code: 'NOT_REMOVED', message, at: now } }
  }
  const { send } = await context.write((write) => applySendEvent(write, id, { type: 'copies-cleaned' }, now))
  // What we file ourselves is no news to who listens to the folder.
  const outcome = await context.store.read((db) => outcomeOfDraft(db, draftId))
  return done(...sendFollowUps(send, now), ...(outcome === null ? [] : [lookIntoSent(context.accountId, 0)]))
}

async function followUpsOf(context: ExecuteContext, id: SendId): Promise<ReturnType<typeof sendFollowUps>> {
  const send = await context.store.read((db) => getSend(db, id))
  return sendFollowUps(send, context.environment.now())
}

/** A copy in Sent proves that it was taken; that there is none proves nothing (hazard 21). */
async function inquire(context: ExecuteContext, { id }: StoredSend): Promise<Outcome> {
  const session = await context.session()
  await selectSent(session)
  const send = await context.store.read((db) => getSend(db, id))
  const [found] = await findSentCopies(context, session, send)
  const now = context.environment.now()
  if (found !== undefined) {
    const applied = await context.write((write) => applySendEvent(write, id, { type: 'found-sent', at: now }, now))
    return done(...sendFollowUps(applied.send, now))
  }
  const waitMs = inquiriesMs[send.facts.inquiries]
  // The user's two actions are left, and whatever is heard later.
  if (waitMs === undefined) return done()
  await context.write((write) => setSendFacts(write, id, { inquiries: send.facts.inquiries + 1 }, now))
  // What came back of it is evidence, too.
  const bounces = context.bounces.reader === null ? [] : [lookForBounces(send.accountId, 0)]
  return done(lookLater(send, waitMs), ...bounces)
}

/** We have filed a copy: has the server filed one, too? Then ours goes, and the next mail is left to the server. */
async function lookAgain(context: ExecuteContext, send: StoredSend): Promise<Outcome> {
  const { id, accountId, draftId, state, facts } = send
  const now = context.environment.now()
  const { sentCopy, lookAgainAt } = facts
  if (sentCopy === null || lookAgainAt === null) return done()
  if (lookAgainAt > now) return later(send, lookAgainAt - now)
  const session = await context.session()
  const folder = await selectSent(session)
  const ours = isAt(sentCopy, folder) ? await oursIn(session, send, sentCopy) : null
  const beside = ours === null ? [] : await sentCopiesBeside(context, session, send, ours)
  const theirs = beside.find(({ deleted }) => !deleted)
  const { content } = await context.store.read((db) => getDraft(db, draftId))
  const isDoubled = ours !== null && theirs !== undefined && (await saysTheSame(context, session, theirs.uid, content))
  // The only thing that we ever remove from Sent: what we stored there, by its receipt, where an equal one is beside it.
  if (isDoubled && session.capabilities.uidPlus && (await removeMessages(session, folder, [ours])).gone.length === 0) {
    const message = 'the server said that it removed our second copy in Sent, and still shows it'
    return { kind: 'retry', error: { code: 'NOT_REMOVED', message, at: now } }
  }
  const sentAt = state.sentAt ?? now
  const times = looksAgain.map((multiple) => sentAt + multiple * context.sentCopy.lookAgainMs)
  const next = theirs === undefined ? (times.find((at) => at > now) ?? null) : null
  await context.write(async (write) => {
    const habit = await sentHabit(write.db, accountId)
    // What only the user says that it was taken shows nothing.
    const isTaken = journalOf(await getSend(write.db, id)).some(({ type }) => type === 'answered-ok')
    // Another mail may have shown more meanwhile: that it files, or that it was looked for longer.
    if (theirs !== undefined || (isTaken && habit?.filesItself !== true)) {
      const afterMs = theirs === undefined ? Math.max(habit?.afterMs ?? 0, now - sentAt) : Math.max(0, now - sentAt)
      await setSentHabit(write.db, accountId, { filesItself: theirs !== undefined, afterMs, seenAt: now })
    }
    const copy: SentCopy = isDoubled ? { ...sentCopy, uid: theirs.uid, filedBy: 'server', seenAt: now } : sentCopy
    await setSendFacts(write, id, { lookAgainAt: next, sentCopy: copy }, now)
  })
  return next === null ? done() : later(send, next - now)
}

/** It may be another message by now, after a restore from a backup. */
async function oursIn(session: MailboxSession, { messageId }: StoredSend, { uid }: SentCopy): Promise<Uid | null> {
  const [identity] = await session.identities([uid])
  return identity?.messageId === messageId ? uid : null
}
