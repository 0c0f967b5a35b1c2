import type { Unmodelled } from '../draft/unmodelled.ts'
import type { LastError } from '../draft/draft.ts'
import { EverdraftError } from '../errors.ts'
import { type AttachmentId, type DeviceId, type InboxMarkId, type OutcomeId, type Umid, uuidv7 } from '../ids.ts'
import { whomToAnswer } from '../responder/answered-mail.ts'
import { hourMs, mayAsk } from '../responder/limits.ts'
import type { Outcome as DraftOutcome } from '../responder/outcome.ts'
import { readAnswer } from '../responder/read-answer.ts'
import { bytesOfPicture } from '../responder/kept-pictures.ts'
import { type ReplyContent, replyContent } from '../responder/reply-content.ts'
import type { EarlierMail, ResponderAnswer, ResponderRequest, ResponderSettings } from '../responder/responder.ts'
import { textOf } from '../draft/quote.ts'
import { getAccount, type StoredAccount } from '../storage/accounts.ts'
import { holdBytes } from '../storage/blobs.ts'
import type { Db } from '../storage/db.ts'
import { getDraft } from '../storage/drafts.ts'
import { insertOutcome, outcomesMadeSince, outcomesOfConversation } from '../storage/email-outcomes.ts'
import {
  endInboxMark,
  findInboxMark,
  type InboxMark,
  type InboxMarkEnd,
  inboxMarksOfConversation,
  setInboxMarkFailed,
} from '../storage/inbox-marks.ts'
import { isAnsweredInSent, rivalDrafts } from '../storage/mail-answers.ts'
import { metaValue } from '../storage/meta.ts'
import { findResponder } from '../storage/responders.ts'
import { lastSendOf } from '../storage/sends.ts'
import type { Write } from '../storage/store.ts'
import { ResponderError, type ResponderErrorCode } from '../wire/responder.ts'
import { answerMail } from './steps/answer-mail.ts'
import { beginDraft } from './steps/begin-draft.ts'
import { consent } from './steps/consent.ts'
import { sendFollowUps } from './steps/send-follow-ups.ts'
import { supersedeDrafts } from './steps/supersede-drafts.ts'
import { done, type ExecuteContext, type FollowUp, type Outcome, type WireTask } from './task.ts'

/** With the back-off between them about an hour: then somebody has to look at it. */
const mostTries = 12

const earlierMails = 20
const earlierTextLength = 20_000

/** It does not get better by itself. */
const hopeless: ReadonlySet<ResponderErrorCode> = new Set(['NOT_THERE', 'SECRETS_LOCKED', 'FORBIDDEN_ADDRESS'])

/** Another process answers the mail of this store, while it runs. */
const nobodyAsks = { code: 'RESPONDER_NOT_HERE', message: 'this program asks no responder' }

/** Nothing is wrong with the mail. */
const notNow: ReadonlySet<ResponderErrorCode> = new Set(['UNREACHABLE', 'BUSY'])

/**
 * Asks the responder about a mail, and makes a draft of what it answers: the draft, its outcome, and that the mail was answered are
 * one transaction. A crash before it asks once more, and leaves no draft.
 */
export const responderAnswer: WireTask = {
  name: 'responder_answer',
  // A slow responder keeps neither uploads nor sends waiting.
  lane: 'responder',
  priority: 10,
  async execute(context, key) {
    const { store, accountId, environment, responders } = context
    const asked = await store.read((db) => whatToAsk(db, key as InboxMarkId, environment.now()))
    if (asked === null) return done()
    const { mark, settings, account, facts } = asked
    if (settings === null)
      return await skip(context, mark, 'NO_RESPONDER', 'nothing answers the mail of this account any more')
    if (facts.answeredBy !== null) return await skip(context, mark, 'ANSWERED', answeredBy[facts.answeredBy])
    const { ask } = responders
    if (ask === null) return { kind: 'offline', error: { ...nobodyAsks, at: environment.now() } }
    const may = mayAsk(settings, { ...facts, draftOnly: responders.draftOnly, now: environment.now() })
    if (may.kind === 'skip')
      return await skip(context, mark, 'COOL_DOWN', 'the conversation was answered a short while ago')
    if (may.kind === 'wait') return { kind: 'snooze', untilMs: may.untilMs }
    try {
      const request: ResponderRequest = { accountId, message: messageOf(mark), conversation: facts.conversation }
      const read = readAnswer(await ask(settings, request, { deliveryId: mark.id, signal: context.signal }))
      if (read.kind === 'nonsense') throw new ResponderError('NONSENSE', read.message)
      if (read.kind === 'none')
        return { kind: 'closing', change: (write) => end(context, write, mark, { state: 'declined' }) }
      const reply = {
        mark,
        settings,
        account,
        answer: read.answer,
        ...contentOf(context, account, mark, read.answer),
      }
      return { kind: 'closing', change: (write) => answered(context, write, reply) }
    } catch (error) {
      if (error instanceof ResponderError) return await failed(context, mark, error)
      throw error
    }
  },
}

interface Asked {
  readonly mark: InboxMark
  readonly settings: ResponderSettings | null
  readonly account: StoredAccount
  readonly facts: {
    readonly lastSentAt: number | null
    readonly draftedAt: readonly number[]
    readonly answeredBy: keyof typeof answeredBy | null
    readonly conversation: readonly EarlierMail[]
  }
}

/** Null: it was answered already. */
async function whatToAsk(db: Db, id: InboxMarkId, now: number): Promise<Asked | null> {
  const mark = await findInboxMark(db, id)
  if (mark === null || (mark.state !== 'waiting' && mark.state !== 'parked')) return null
  const { accountId, conversationId } = mark
  const outcomes = await outcomesOfConversation(db, accountId, conversationId)
  const received = await inboxMarksOfConversation(db, accountId, conversationId, earlierMails + 1)
  return {
    mark,
    settings: await findResponder(db, accountId),
    account: await getAccount(db, accountId),
    facts: {
      lastSentAt: await lastSentAt(db, outcomes),
      draftedAt: await outcomesMadeSince(db, accountId, now - hourMs),
      answeredBy: await whoAnswered(db, mark),
      conversation: conversationBefore(mark, received, outcomes),
    },
  }
}

const answeredBy = {
  person: 'somebody has answered it meanwhile',
  device: 'another device has made a draft of it',
} as const

/** Null: nobody has, as far as was seen. */
async function whoAnswered(db: Db, { accountId, identity, mail }: InboxMark): Promise<keyof typeof answeredBy | null> {
  const { messageId } = mail
  const asked = messageId === null ? null : { mail: messageId, people: whomToAnswer(mail) }
  if (asked !== null && (await isAnsweredInSent(db, accountId, asked))) return 'person'
  return (await rivalDrafts(db, accountId, identity)).length > 0 ? 'device' : null
}

async function lastSentAt(db: Db, outcomes: readonly DraftOutcome[]): Promise<number | null> {
  const times: number[] = []
  for (const { messageId, sent } of outcomes) {
    const at = sent?.at ?? (await lastSendOf(db, messageId))?.state.sentAt ?? null
    if (at !== null) times.push(at)
  }
  return times.length === 0 ? null : Math.max(...times)
}

function conversationBefore(
  { id }: InboxMark,
  received: readonly InboxMark[],
  outcomes: readonly DraftOutcome[],
): readonly EarlierMail[] {
  const mails: readonly EarlierMail[] = received
    .filter((one) => one.id !== id)
    .map(({ mail, foundAt }) => ({
      kind: 'received',
      messageId: mail.messageId,
      subject: mail.subject,
      text: beginning(textOf(mail)),
      at: mail.date ?? foundAt,
    }))
  const drafts = outcomes.map(({ sent, ...draft }): EarlierMail => {
    const { draftSubject: subject, draftBody, createdAt: at } = draft
    if (sent === null) return { kind: 'draft', messageId: null, subject, text: beginning(draftBody), at }
    const { messageId, body } = sent
    return { kind: 'sent', messageId, subject: sent.subject, text: beginning(body), at: sent.at }
  })
  return [...mails, ...drafts].toSorted((a, b) => a.at - b.at).slice(-earlierMails)
}

function beginning(text: string): string {
  return text.slice(0, earlierTextLength).toWellFormed()
}

function messageOf({ mail }: InboxMark): ResponderRequest['message'] {
  const { messageId, from, sender, to, cc, subject, date, html, inReplyTo, references } = mail
  const text = textOf(mail)
  return { messageId, from: from ?? sender, to, cc, subject, date, text, html, inReplyTo, references }
}

/** RFC 3834 §3.1.7, of what goes without a person's word. */
const autoReplied: Unmodelled = {
  headers: [{ name: 'Auto-Submitted', raw: 'Auto-Submitted: auto-replied' }],
  parts: [],
  structure: { kind: 'text', parameters: [], fields: [] },
}

/** @throws {ResponderError} NONSENSE */
function contentOf(
  { responders, environment }: ExecuteContext,
  { address, name }: StoredAccount,
  { mail }: InboxMark,
  answer: ResponderAnswer,
): ReplyContent {
  const newId = (): AttachmentId => uuidv7(environment.now(), environment.random) as AttachmentId
  try {
    const { content, pictures } = replyContent(mail, answer, { own: { address, name }, newId })
    return { pictures, content: responders.draftOnly ? content : { ...content, unmodelled: autoReplied } }
  } catch (error) {
    if (error instanceof EverdraftError) throw new ResponderError('NONSENSE', error.message)
    throw error
  }
}

interface Reply extends ReplyContent {
  readonly mark: InboxMark
  readonly settings: ResponderSettings
  readonly account: StoredAccount
  readonly answer: ResponderAnswer
}

async function answered(context: ExecuteContext, write: Write, reply: Reply): Promise<readonly FollowUp[]> {
  const { accountId, environment, responders } = context
  const { mark, settings, account, answer, content, pictures } = reply
  if (!(await isStillOpen(write.db, mark))) return []
  const now = environment.now()
  const by = await whoAnswered(write.db, mark)
  if (by !== null) return await end(context, write, mark, skipped('ANSWERED', answeredBy[by], now))
  const may = mayAsk(settings, {
    lastSentAt: null,
    draftedAt: await outcomesMadeSince(write.db, accountId, now - hourMs),
    draftOnly: responders.draftOnly,
    now,
  })
  // Others were asked about meanwhile, and had the last turn.
  if (may.kind === 'wait') return [{ ...answerMail(accountId, mark), delayMs: may.untilMs - now }]
  const { random } = environment
  const outcomes = await outcomesOfConversation(write.db, accountId, mark.conversationId)
  const device = (await metaValue(write.db, 'device_id', () => uuidv7(now, random))) as DeviceId
  const draft = { accountId, content, policy: 'sync', reviewRequired: false, by: 'program', device } as const
  const draftId = await beginDraft(write, draft, { random, now })
  for (const picture of pictures) {
    await holdBytes(write.db, { ...picture, bytes: bytesOfPicture(picture) }, { accountId, holder: draftId, now })
  }
  await insertOutcome(write, {
    id: uuidv7(now, random) as OutcomeId,
    accountId,
    ...account.owner,
    userName: account.name,
    messageId: draftId,
    conversationId: mark.conversationId,
    replyToMessageId: mark.mail.messageId,
    scenario: answer.scenario ?? settings.scenario,
    draftSubject: answer.subject ?? content.subject,
    draftBody: answer.text,
    finalSubject: content.subject,
    finalBody: content.text,
    metadata: answer.metadata ?? {},
    status: 'draft_created',
    createdAt: now,
    superseded: null,
    sent: null,
    verdict: 'pending',
  })
  const superseded = await supersedeDrafts(write, outcomes, { accountId, by: draftId, now })
  await endInboxMark(write.db, mark.id, { state: 'drafted', draftId }, now)
  const next = responders.draftOnly ? null : await sendNow(context, write, draftId)
  return [...(next ?? [uploadNow(context, draftId)]), ...superseded]
}

async function isStillOpen(db: Db, { id }: InboxMark): Promise<boolean> {
  const state = (await findInboxMark(db, id))?.state
  return state === 'waiting' || state === 'parked'
}

function uploadNow({ accountId }: ExecuteContext, draftId: Umid): FollowUp {
  return { task: 'draft_upload', accountId, key: draftId, delayMs: 0, join: 'sooner', urgent: true }
}

/** Null: something stands against sending it, and it is left for a person. */
async function sendNow(
  { environment }: ExecuteContext,
  write: Write,
  draftId: Umid,
): Promise<readonly FollowUp[] | null> {
  const now = environment.now()
  const draft = await getDraft(write.db, draftId)
  try {
    const consented = { sendAt: null, undoMs: 0, holdAtServer: false, confirm: false }
    return sendFollowUps(await consent({ write, environment, now }, draft, consented), now)
  } catch (error) {
    if (error instanceof EverdraftError && error.code !== 'STORAGE_ERROR') return null
    throw error
  }
}

async function end(
  { environment }: ExecuteContext,
  { db }: Write,
  mark: InboxMark,
  how: InboxMarkEnd,
): Promise<readonly FollowUp[]> {
  if (await isStillOpen(db, mark)) await endInboxMark(db, mark.id, how, environment.now())
  return []
}

async function skip(context: ExecuteContext, mark: InboxMark, code: string, message: string): Promise<Outcome> {
  const how = skipped(code, message, context.environment.now())
  return { kind: 'closing', change: (write) => end(context, write, mark, how) }
}

function skipped(code: string, message: string, at: number): InboxMarkEnd {
  return { state: 'skipped', reason: { code, message, at } }
}

/** Tried again later, each mail by itself; one that fails for good is parked, and the others go on (hazard 36). */
async function failed(context: ExecuteContext, mark: InboxMark, { code, message }: ResponderError): Promise<Outcome> {
  const error: LastError = { code: `RESPONDER_${code}`, message, at: context.environment.now() }
  const isNotNow = notNow.has(code)
  const failures = mark.failures + (isNotNow ? 0 : 1)
  const isOver = hopeless.has(code) || failures >= mostTries
  const state = isOver ? 'parked' : 'waiting'
  await context.write(({ db }) => setInboxMarkFailed(db, mark.id, { state, reason: error, failures }))
  if (isOver) return { kind: 'park', error }
  return { kind: isNotNow ? 'offline' : 'retry', error }
}
