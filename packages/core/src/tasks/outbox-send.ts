import type { SendEvent, SendReason } from '../draft/send-state.ts'
import { lostRetryAt, nextRetryAt } from '../draft/retry-schedule.ts'
import type { SendId } from '../ids.ts'
import { getDraft } from '../storage/drafts.ts'
import {
  type AppliedSend,
  applySendEvents,
  getSend,
  type SendFacts,
  setSendFacts,
  type StoredSend,
} from '../storage/sends.ts'
import { sentHabit } from '../storage/sent-habits.ts'
import { holdPlan } from '../sync/hold-plan.ts'
import { WireError } from '../wire/mailbox.ts'
import {
  type CommitOutcome,
  type OpenOutcome,
  type SubmissionReply,
  type SubmissionSession,
  TransmissionError,
} from '../wire/submission.ts'
import { type Frozen, freezeMail, storeFrozen } from './steps/freeze-mail.ts'
import { mailBody, worthQuotingBytes } from './steps/mail-body.ts'
import { sendFollowUps } from './steps/send-follow-ups.ts'
import { done, type ExecuteContext, type Outcome, type WireTask } from './task.ts'

type Closing = Extract<Outcome, { readonly kind: 'closing' }>

/** A look into Drafts and Sent counts for that long. */
const checkedForMs = 60_000

/** What only the user can mend: it is not tried again by itself. */
const blocking: ReadonlySet<string> = new Set(['AUTH_FAILED', 'CERTIFICATE'])

/**
 * Brings one mail to the server that takes it. Each step is in the journal before the next begins; after a cut or a crash the
 * journal says whether the final dot may have gone, and if so nothing is sent again (hazards 21, 23, 24).
 */
export const outboxSend: WireTask = {
  name: 'outbox_send',
  lane: 'submission',
  priority: 30,
  async execute(context, key) {
    const id = key as SendId
    const started = await context.store.read((db) => getSend(db, id))
    const { phase } = started.state
    // One run at a time, under the lane's fence: whoever was on the wire with this is gone (hazards 34 and 35).
    if (phase === 'transmitting' || phase === 'dotting') return end(context, started, { type: 'recovered' })
    if (phase !== 'checked' && phase !== 'frozen') return done(...sendFollowUps(started, context.environment.now()))
    if (isStale(started, context.environment.now())) return backToQueue(context, started)
    const session = await connect(context, started)
    if ('outcome' in session) return session.outcome
    const hold = holdPlan(
      started.facts.holdUntil,
      session.session.capabilities.futureRelease,
      context.environment.now(),
    )
    if (hold.kind === 'wait') return end(context, started, { type: 'postponed', until: hold.until })
    const asked = await askForQuotes(context, session.session, started)
    if (asked !== null) return asked
    const frozen = await freezeMail(context, started, hold.until)
    if (frozen.kind === 'stopped') return done(...sendFollowUps(frozen.send, context.environment.now()))
    return await transmit(context, session.session, frozen, hold.until)
  },
}

/** It waited for the network: what was found out before that may be true no more, and the Date would be old (hazard 40). */
function isStale({ state, facts }: StoredSend, now: number): boolean {
  return state.filing === null && facts.checkedAt !== null && now - facts.checkedAt > checkedForMs
}

function backToQueue(context: ExecuteContext, send: StoredSend): Outcome {
  const reason: SendReason = { code: 'OFFLINE', message: 'the server that takes mail could not be reached for a while' }
  return end(context, send, { type: 'lost-before-dot', reason, retryAt: context.environment.now() })
}

async function connect(
  context: ExecuteContext,
  send: StoredSend,
): Promise<{ readonly session: SubmissionSession } | { readonly outcome: Outcome }> {
  try {
    return { session: await context.submission() }
  } catch (error) {
    if (!(error instanceof WireError) || !blocking.has(error.code)) throw error
    const reason = { code: error.code, message: error.message }
    return { outcome: end(context, send, { type: 'blocked', reason }) }
  }
}

/** How long it waits for that: a mailbox that does not answer holds no mail back. */
const quotesWaitMs = 20_000

/** Where the server can fetch attachments from the draft's copy by itself: which, and by which URLs. Null: it goes now. */
async function askForQuotes(
  context: ExecuteContext,
  { capabilities }: SubmissionSession,
  { id, accountId, draftId, state, facts }: StoredSend,
): Promise<Outcome | null> {
  const [server] = capabilities.burlServers
  const isAsked = facts.quotes !== null && facts.quotes.askedAt >= (facts.checkedAt ?? 0)
  if (!capabilities.burl || !capabilities.chunking || server === undefined) return null
  // What may have gone once keeps its bytes, and the copies in Drafts go after the first acceptance.
  if (isAsked || !facts.mayQuote || state.filing !== null || state.phase !== 'checked') return null
  const { content } = await context.store.read((db) => getDraft(db, draftId))
  if (!content.attachments.some(({ size }) => size >= worthQuotingBytes)) return null
  const now = context.environment.now()
  await context.write((write) => setSendFacts(write, id, { quotes: { askedAt: now, server, parts: null } }, now))
  const task = { accountId, key: id, join: 'sooner' } as const
  return done({ ...task, task: 'outbox_quote', delayMs: 0 }, { ...task, task: 'outbox_send', delayMs: quotesWaitMs })
}

async function transmit(
  context: ExecuteContext,
  session: SubmissionSession,
  frozen: Frozen,
  holdUntil: number | null,
): Promise<Outcome> {
  const { send, mail } = frozen
  const { environment } = context
  // As it was stored last.
  let stored = send
  try {
    const opened = await session.open({
      from: send.sender,
      recipients: send.state.recipients.filter(isLeft).map(({ address }) => address),
      size: mail.size,
      eightBit: mail.eightBit,
      utf8Header: mail.utf8Header ?? false,
      envid: send.id,
      holdUntil,
    })
    if (opened.kind === 'refused' && holdUntil !== null) return holdHere(context, send)
    if (opened.kind !== 'ready') return await notOpened(context, frozen, opened)
    const transmitting = await storeOpened(context, session, frozen, verdictsOf(context, send, opened))
    if (transmitting.rule === 'refuse') {
      // Undone meanwhile: nothing was said to the server that it would act on.
      await session.reset()
      return done(...sendFollowUps(transmitting.send, environment.now()))
    }
    stored = transmitting.send
    const outcome = await session.commit(mailBody(context, send, frozen), {
      beforeFinalDot: async () => {
        const dottedAt = environment.now()
        const marked = await context.write((write) =>
          applySendEvents(write, transmitting.send, [{ type: 'dot-marked' }], dottedAt, { dottedAt }),
        )
        stored = marked.send
        if (marked.rule === 'refuse') throw new WireError('ABORTED', 'the send was taken back')
      },
    })
    return committed(context, stored, outcome, holdUntil)
  } catch (error) {
    if (!(error instanceof TransmissionError)) throw error
    return await lost(context, send, error)
  }
}

/** The bytes that were fixed and who is to get them are durable together, before the first of them goes. */
async function storeOpened(
  context: ExecuteContext,
  session: SubmissionSession,
  frozen: Frozen,
  opened: SendEvent,
): Promise<AppliedSend> {
  const now = context.environment.now()
  const firstTriedAt = frozen.send.facts.firstTriedAt ?? now
  try {
    return await context.write((write) => storeFrozen(write, frozen, [opened], now, { firstTriedAt, losses: 0 }))
  } catch (error) {
    // The next mail over this line is to find no transaction open. Where that fails the line has ended.
    await session.reset().catch(() => {})
    throw error
  }
}

function isLeft({ status }: StoredSend['state']['recipients'][number]): boolean {
  return status === 'pending' || status === 'temporary'
}

function verdictsOf(
  context: ExecuteContext,
  send: StoredSend,
  { recipients }: Extract<OpenOutcome, { recipients: unknown }>,
): SendEvent {
  const verdicts = recipients.map(({ address, kind, reply }) => ({ address, kind, reason: reasonOf(reply) }))
  return { type: 'opened', verdicts, retryAt: retryAt(context, send) ?? context.environment.now() }
}

/** A server that says FUTURERELEASE may still not do it for this user, or for so long. */
function holdHere(context: ExecuteContext, send: StoredSend): Outcome {
  const until = send.facts.holdUntil ?? context.environment.now()
  return end(context, send, { type: 'postponed', until }, null, { holdUntil: null })
}

async function notOpened(
  context: ExecuteContext,
  frozen: Frozen,
  opened: Exclude<OpenOutcome, { kind: 'ready' }>,
): Promise<Outcome> {
  // An answer is about what is frozen.
  const now = context.environment.now()
  const stored = await context.write((write) => storeFrozen(write, frozen, [], now))
  if (stored.rule === 'refuse') return done(...sendFollowUps(stored.send, now))
  const { send } = stored
  switch (opened.kind) {
    case 'no-recipients': {
      const event = verdictsOf(context, send, opened)
      const isPassing = opened.recipients.some(({ kind }) => kind === 'temporary')
      const last = opened.recipients.findLast(({ kind }) => kind === 'temporary') ?? opened.recipients.at(-1)
      return end(context, send, event, isPassing && last ? reasonOf(last.reply) : null)
    }
    case 'refused':
      return end(context, send, { type: 'answered-refused', reason: reasonOf(opened.reply) })
    case 'temporary':
      return later(context, send, opened.reply)
    case 'too-large': {
      const message = `the mail is larger than the ${opened.limitBytes} bytes that the server takes`
      return end(context, send, { type: 'answered-refused', reason: { code: 'TOO_LARGE', message } })
    }
    case 'unsupported': {
      const message = `the server lacks ${opened.needs}, which ${opened.addresses.join(', ') || 'the message'} needs`
      return end(context, send, { type: 'answered-refused', reason: { code: 'UNSUPPORTED', message } })
    }
  }
}

function committed(
  context: ExecuteContext,
  send: StoredSend,
  outcome: CommitOutcome,
  heldUntil: number | null,
): Outcome {
  switch (outcome.kind) {
    case 'accepted': {
      const at = context.environment.now()
      const { queueId, messageId } = outcome
      // The server may file a copy for each transmission: ours from an earlier one is looked at again.
      const isFiledByUs = send.facts.sentCopy?.filedBy === 'us'
      const again = isFiledByUs ? { lookAgainAt: at + context.sentCopy.lookAgainMs } : {}
      const found = { queueId, providerMessageId: messageId, heldUntil, ...again }
      return lookLater(context, end(context, send, { type: 'answered-ok', at }, null, found))
    }
    case 'refused':
      return end(context, send, { type: 'answered-refused', reason: reasonOf(outcome.reply) })
    case 'temporary':
      return later(context, send, outcome.reply)
    case 'not-fetched': {
      const message = 'the server could not fetch the attachments by itself: they are sent to it'
      const reason: SendReason = { code: 'NOT_FETCHED', message }
      const event: SendEvent = { type: 'lost-before-dot', reason, retryAt: context.environment.now() }
      return end(context, send, event, null, { mayQuote: false })
    }
  }
}

/** A server that files in Sent by itself needs a moment for it. */
const firstLookMs = 1_000

/** Of a server that nothing is known of there is nothing to be seen yet. */
function lookLater({ accountId, sentCopy }: ExecuteContext, { change }: Closing): Closing {
  return {
    kind: 'closing',
    async change(write) {
      const followUps = await change(write)
      if ((await sentHabit(write.db, accountId)) !== null) return followUps
      const waitMs = Math.min(firstLookMs, sentCopy.waitMs)
      return followUps.map((one) =>
        one.task === 'outbox_file' ? { ...one, delayMs: Math.max(waitMs, one.delayMs) } : one,
      )
    },
  }
}

function later(context: ExecuteContext, send: StoredSend, reply: SubmissionReply): Outcome {
  const reason = reasonOf(reply)
  const event: SendEvent = {
    type: 'answered-temporary',
    reason,
    retryAt: retryAt(context, send) ?? context.environment.now(),
  }
  return end(context, send, event, reason)
}

/** Null: it was tried for long enough. */
function retryAt({ environment }: ExecuteContext, { state, facts }: StoredSend): number | null {
  const now = environment.now()
  const tries = { failures: state.attempts + 1, firstTriedAt: facts.firstTriedAt ?? now, now }
  return nextRetryAt(tries, environment.random)
}

async function lost(context: ExecuteContext, send: StoredSend, error: TransmissionError): Promise<Outcome> {
  const reason: SendReason = { code: error.code, message: error.message }
  if (error.phase === 'after-dot') return end(context, send, { type: 'lost-after-dot', reason })
  const { environment } = context
  const { facts } = await context.store.read((db) => getSend(db, send.id))
  const losses = facts.losses + 1
  const at = lostRetryAt({ losses, now: environment.now() }, environment.random)
  return end(context, send, { type: 'lost-before-dot', reason, retryAt: at }, null, { losses })
}

/**
 * The last event of a run, stored as that ends. `passing`: why it is tried again for those who are left, unless that was done
 * for long enough.
 */
function end(
  context: ExecuteContext,
  send: StoredSend,
  event: SendEvent,
  passing: SendReason | null = null,
  found: Partial<SendFacts> = {},
): Closing {
  const now = context.environment.now()
  const givesUp = passing !== null && retryAt(context, send) === null
  return {
    kind: 'closing',
    async change(write) {
      const tried =
        passing === null ? {} : { firstTriedAt: (await getSend(write.db, send.id)).facts.firstTriedAt ?? now }
      const applied = await applySendEvents(write, send, [event], now, { quotes: null, ...found, ...tried })
      if (!givesUp || passing === null) return sendFollowUps(applied.send, now)
      const given = await applySendEvents(write, applied.send, [{ type: 'given-up', reason: passing }], now)
      return sendFollowUps(given.send, now)
    },
  }
}

function reasonOf({ code, enhanced, text }: SubmissionReply): SendReason {
  const codes = enhanced === null ? `${code}` : `${code} ${enhanced}`
  return { code: `SMTP_${code}`, message: text === '' ? codes : `${codes} ${text}` }
}
