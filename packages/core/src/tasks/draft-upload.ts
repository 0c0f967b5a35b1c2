import {
  type DraftEvent,
  type DraftState,
  isPayable,
  isUploaded,
  newestCopy,
  type Receipt,
} from '../draft/draft-state.ts'
import type { LastError } from '../draft/draft.ts'
import { type AttemptId, type FolderPath, type Umid, uuidv7 } from '../ids.ts'
import { answersField, answersValue } from '../responder/rivals.ts'
import { getAccount } from '../storage/accounts.ts'
import {
  type Attempt,
  attemptById,
  attemptMessageIds,
  endAttempt,
  insertAttempt,
  noMessageId,
  openAttempts,
} from '../storage/attempts.ts'
import { readBlob } from '../storage/blobs.ts'
import { applyDraftEvent, loadDraftState, ownedState } from '../storage/draft-states.ts'
import { getDraft, type StoredDraft } from '../storage/drafts.ts'
import { mailAnsweredBy } from '../storage/inbox-marks.ts'
import { lastSendOf } from '../storage/sends.ts'
import { spending } from '../storage/spent-pieces.ts'
import { attemptMessageId } from '../sync/message-ids.ts'
import { contentDigest } from '../sync/recognise.ts'
import { uploadDueAt } from '../sync/upload-budget.ts'
import { type UploadPlan, uploadPlan, type UploadQuestion } from '../sync/upload-plan.ts'
import {
  type FolderState,
  type MailboxSession,
  type MessageIdentity,
  type MessageSegment,
  type StoreOutcome,
  type StoreRequest,
  WireError,
} from '../wire/mailbox.ts'
import type { ComposedMessage, ComposedSegment, MessageToCompose } from '../wire/message-format.ts'
import { findCopies } from './steps/find-copies.ts'
import { isElsewhere, isReset, lookNow } from './steps/folder-reset.ts'
import { knowServer } from './steps/probe-account.ts'
import { isWhole, readBack, unknownSize } from './steps/read-back.ts'
import { resolveAttempts } from './steps/resolve-attempts.ts'
import { mayUpload } from './steps/send-follow-ups.ts'
import { type ReadCopies, settleDebts } from './steps/settle-debts.ts'
import { ensureDraftsFolder, findSpecialFolder, forgetDraftsFolder } from './steps/special-folders.ts'
import { hasContentOf, isMessage, receiptFor } from './steps/verify-copy.ts'
import { done, type ExecuteContext, type FollowUp, type Outcome, syncAfter, type WireTask } from './task.ts'

/**
 * Brings a draft's head revision to the server and removes the copies it owes. It derives what is to be done from the
 * draft's state alone, so it can be cut anywhere and run again: at most one copy is left, whatever was cut.
 */
export const draftUpload: WireTask = {
  name: 'draft_upload',
  lane: 'mailbox',
  priority: 10,
  async execute(context, key) {
    const draftId = key as Umid
    if (!(await hasWork(context, draftId))) return done()
    const session = await context.session()
    const { absent, uncertain } = await resolveAttempts(context, session, draftId)
    if (uncertain.length > 0) return await parkUncertain(context, uncertain)
    const upload = await uploadHead(context, session, draftId)
    if (upload.kind === 'outcome') {
      // A text that the server will not have is no reason for older copies of it to stay.
      if (upload.outcome.kind === 'park' && session.alive) await settleDebts(context, session, draftId)
      return upload.outcome
    }
    const settled = await settleDebts(context, session, draftId, upload.read)
    if (settled === 'reset') return done(lookNow(context))
    if (settled === 'left') {
      const words = 'the server said that it removed an old copy, and still shows it'
      return { kind: 'retry', error: lastError(context, 'NOT_REMOVED', words) }
    }
    const elsewhere = await debtsElsewhere(context, draftId)
    // What was not found may still show up: the server may not have been done with it. Look again soon.
    const lookAgain = syncAfter(context.accountId, 15_000)
    return absent === 0 ? done(...elsewhere) : done(lookAgain, ...elsewhere)
  },
}

/**
 * Whether they are there cannot be told, so that another one may be a second copy: the user's word, or a change of the
 * draft, is needed for it. Once it is asked for, these are not looked for any more.
 */
async function parkUncertain(context: ExecuteContext, attempts: readonly Attempt[]): Promise<Outcome> {
  const now = context.environment.now()
  await context.write(async ({ db }) => {
    for (const { id } of attempts) await endAttempt(db, id, { state: 'absent', now })
  })
  const words =
    'the answer to an upload was lost, and this server changes Message-IDs, so that it cannot be told whether the draft is there: look into its folder before it is uploaded again'
  return { kind: 'park', error: lastError(context, 'UNCERTAIN', words) }
}

async function hasWork(context: ExecuteContext, draftId: Umid): Promise<boolean> {
  return await context.store.read(async (db) => {
    const draft = await getDraft(db, draftId)
    const owned = await ownedState(db, draftId)
    if ((await openAttempts(db, context.accountId, draftId)).length > 0) return true
    const owes = owned.state.debts.some((debt) => debt.accountId === context.accountId && isPayable(debt, owned))
    return owes || (draft.accountId === context.accountId && toUpload(draft, owned.state))
  })
}

/** What a moved draft left on the servers of other accounts can go now that it is here. */
async function debtsElsewhere(context: ExecuteContext, draftId: Umid): Promise<readonly FollowUp[]> {
  const owned = await context.store.read((db) => ownedState(db, draftId))
  const payable = owned.state.debts.filter((debt) => debt.accountId !== context.accountId && isPayable(debt, owned))
  const accounts = new Set(payable.map((debt) => debt.accountId))
  return [...accounts].map((accountId) => ({
    task: 'draft_upload',
    accountId,
    key: draftId,
    delayMs: 0,
    join: 'sooner',
  }))
}

function toUpload(draft: StoredDraft, state: DraftState): boolean {
  return isUploaded(state.status) && state.copies.kind !== 'synchronized' && draft.policy !== 'local-only'
}

/** It is about to be sent, and what is in Drafts was looked at for that. */
async function isBarred(context: ExecuteContext, draft: StoredDraft): Promise<boolean> {
  if (draft.status !== 'queued') return false
  const send = await context.store.read((db) => lastSendOf(db, draft.id))
  return send !== null && !mayUpload(send, context.environment.now())
}

type Upload =
  /** `read`: what the upload has read of older copies, for those who remove them. Null: nothing was to be uploaded. */
  { readonly kind: 'done'; readonly read: ReadCopies | null } | { readonly kind: 'outcome'; readonly outcome: Outcome }

async function uploadHead(context: ExecuteContext, session: MailboxSession, draftId: Umid): Promise<Upload> {
  let ways: Ways = { mayQuote: true, mayBeBinary: true }
  let refusal: LastError | null = null
  // Five rounds at most: with CATENATE, without it, without BINARY, after making the folder, and after a look in Sent.
  for (let round = 0; round < 5; round += 1) {
    const draft = await context.store.read((db) => getDraft(db, draftId))
    const state = await context.store.read((db) => loadDraftState(db, draftId))
    if (draft.accountId !== context.accountId || !toUpload(draft, state)) return { kind: 'done', read: null }
    if (await isBarred(context, draft)) return { kind: 'done', read: null }
    if (state.copies.kind === 'stale-server' && state.copies.anchor === null) {
      const sent = await foundInSent(context, session, draftId)
      if (sent !== null) return { kind: 'outcome', outcome: { kind: 'park', error: sent } }
    }
    let result: StoreResult
    try {
      result = await storeOnce(context, session, draft, state, ways)
    } catch (error) {
      // The line ended with the refusal: to send all of it again each time would not end (hazard 5).
      if (refusal === null || !(error instanceof WireError) || !error.isConnectivity) throw error
      return { kind: 'outcome', outcome: { kind: 'park', error: refusal } }
    }
    switch (result.kind) {
      case 'stored':
        return { kind: 'done', read: result.read }
      case 'spoilt-quote':
        ways = { ...ways, mayQuote: false }
        break
      case 'spoilt-binary':
        ways = { ...ways, mayBeBinary: false }
        refusal = result.refusal
        break
      case 'no-folder':
        break
      case 'anchor-gone':
        await context.write((write) =>
          applyDraftEvent(write, draftId, { type: 'anchor-vanished' }, context.environment.now()),
        )
        break
      case 'outcome':
        return result
    }
  }
  const error = lastError(context, 'NOT_STORED', 'the server did not keep the draft as it was sent')
  return { kind: 'outcome', outcome: { kind: 'retry', error } }
}

type Ways = Required<Pick<UploadQuestion, 'mayQuote' | 'mayBeBinary'>>

type StoreResult =
  | { readonly kind: 'stored'; readonly read: ReadCopies | null }
  /** The server refused the quoted parts, or stored something else: once more, with all bytes. */
  | { readonly kind: 'spoilt-quote' }
  /** The same of attachments that were not encoded. */
  | { readonly kind: 'spoilt-binary'; readonly refusal: LastError | null }
  | { readonly kind: 'no-folder' }
  /** No round has noticed it yet: another program may have sent it, or edited it. Also when REPLACE finds it so. */
  | { readonly kind: 'anchor-gone' }
  | { readonly kind: 'outcome'; readonly outcome: Outcome }

async function storeOnce(
  context: ExecuteContext,
  session: MailboxSession,
  draft: StoredDraft,
  state: DraftState,
  ways: Ways,
): Promise<StoreResult> {
  const selected = await session.select(await ensureDraftsFolder(session))
  if (selected === null) return noFolder(session)
  const isUnknown = (await isElsewhere(context, selected)) || (await isReset(context, selected))
  if (isUnknown) return { kind: 'outcome', outcome: done(lookNow(context)) }
  const folder = context.probes ? await knowServer(context, session, selected) : selected
  if (folder === null) return noFolder(session)
  const older = await verifiedOlderCopy(context, session, folder, newestCopy(state.copies))
  if (older === 'gone') return { kind: 'anchor-gone' }
  const { account, answers } = await context.store.read(async (db) => ({
    account: await getAccount(db, draft.accountId),
    answers: await mailAnsweredBy(db, draft.id),
  }))
  const { environment } = context
  const now = environment.now()
  const messageId = attemptMessageId(draft.token, account.address, environment.random)
  const baseMessageId = older?.receipt.messageId === noMessageId ? null : (older?.receipt.messageId ?? null)
  const toCompose: MessageToCompose = {
    content: draft.content,
    messageId,
    date: now,
    headers: [
      { name: 'X-Everdraft-Id', value: draft.id },
      ...(baseMessageId === null ? [] : [{ name: 'X-Everdraft-Base', value: baseMessageId }]),
      ...(answers === null
        ? []
        : [{ name: answersField, value: answersValue({ identity: answers, isEdited: draft.version > 1 }) }]),
    ],
    includeBcc: true,
    open: ({ sha256, size }) => readBlob(context.store, draft.accountId, sha256, { start: 0, end: size }),
  }
  const encoded = await context.format.compose(toCompose)
  const parts = encoded.segments.filter((segment) => segment.kind === 'attachment')
  const plan = uploadPlan({ size: encoded.size, parts, older, capabilities: session.capabilities, ...ways })
  if (plan.kind === 'refuse') return parked(context, plan.code, plan.message)
  const dueAt = await dueIn(context, draft, state, plan)
  if (dueAt > now) return { kind: 'outcome', outcome: { kind: 'snooze', untilMs: dueAt } }
  const full = await overQuota(context, session, folder, plan)
  if (full !== null) return full
  const attempt: Attempt = {
    id: uuidv7(now, environment.random) as AttemptId,
    accountId: draft.accountId,
    draftId: draft.id,
    version: draft.version,
    messageId,
    baseMessageId,
    digest: contentDigest(draft.content, environment.createSha256()),
    method: plan.method,
    folder: folder.path,
    uidValidity: folder.uidValidity,
    uidNext: folder.uidNext,
    parts: parts.map(({ sha256, section, encodedSize }, index) => ({
      sha256,
      section,
      encodedSize: plan.binary ? unknownSize : (plan.quotes.get(index)?.encodedSize ?? encodedSize),
    })),
    size: plan.storedSize,
    state: 'open',
    bytesSent: 0,
    createdAt: now,
    endedAt: null,
  }
  // The record comes before the network: whatever is cut from here on, the next run knows what to look for.
  await context.write(async ({ db, emit }) => {
    await insertAttempt(db, attempt)
    const { accountId, draftId, version } = attempt
    emit({ type: 'upload-started', accountId, draftId, version, attemptId: attempt.id, method: plan.method })
  })
  const before = session.bytes().sent
  const message = plan.binary ? await context.format.compose({ ...toCompose, binary: true }) : encoded
  const request: StoreRequest = {
    folder: folder.path,
    binary: message.binary === true,
    segments: wireSegments(context, draft, message, plan, older?.receipt ?? null),
    flags: ['\\Draft', '\\Seen'],
  }
  const outcome =
    plan.replaces === null ? await session.append(request) : await session.replace(plan.replaces.uid, request)
  if (outcome.kind === 'refused') return await refused(context, session, attempt, plan, outcome)
  const stored = await verifyStored(context, session, { folder, attempt, plan, outcome })
  const receipt = stored.identity === null ? null : receiptFor(attempt, folder.uidValidity, stored.identity)
  const bytesSent = session.bytes().sent - before
  const asStored = plan.binary && receipt !== null ? await readBack(session, receipt.uid, attempt.parts) : null
  // Its Message-ID says nothing of what the server made of the attachments: their lengths do.
  const isOdd = asStored !== null && !isWhole(asStored.parts, parts)
  const isSound =
    stored.sound && !(isOdd && receipt !== null && !(await hasContentOf(context, session, receipt.uid, attempt)))
  if (isSound && receipt !== null) {
    await bind(context, { attempt, receipt, plan, bytesSent, asStored })
    const copies = older === null ? [] : [older.receipt]
    return { kind: 'stored', read: stored.selectedAnew ? null : { folder, copies } }
  }
  // Not what was sent. Where the server told us which message it is, it goes again.
  await context.write(async (write) => {
    await endAttempt(write.db, attempt.id, { state: 'absent', now: environment.now() })
    if (receipt !== null) await applyDraftEvent(write, draft.id, { type: 'late-copy', receipt }, environment.now())
  })
  if (plan.quotes.size > 0) return { kind: 'spoilt-quote' }
  if (plan.binary) return { kind: 'spoilt-binary', refusal: null }
  return parked(context, 'NOT_STORED', 'the server said OK to the draft, but it is not there as it was sent')
}

/** Nobody waits for it: then what it costs decides how long it waits for a pause. */
async function dueIn(
  context: ExecuteContext,
  draft: StoredDraft,
  state: DraftState,
  { bytesToSend }: Extract<UploadPlan, { kind: 'upload' }>,
): Promise<number> {
  if (context.urgent || state.status !== 'draft') return 0
  const copy = newestCopy(state.copies)
  const attempt = copy === null ? null : await context.store.read((db) => attemptById(db, copy.attemptId))
  const staleSince = attempt?.endedAt ?? draft.createdAt
  return uploadDueAt({ bytesToSend, savedAt: draft.updatedAt, staleSince })
}

/** Not worth a question to the server before each. */
const smallBytes = 64 * 1024

/** Before the bytes cross the wire for nothing (RFC 9208). */
async function overQuota(
  context: ExecuteContext,
  session: MailboxSession,
  folder: FolderState,
  { bytesToSend, storedSize }: Extract<UploadPlan, { kind: 'upload' }>,
): Promise<StoreResult | null> {
  if (!session.capabilities.quota || bytesToSend <= smallBytes) return null
  const left = await session.quotaLeft(folder.path)
  if (left === null || left >= storedSize) return null
  return parked(
    context,
    'OVERQUOTA',
    `the mailbox has room for ${left} bytes more, the draft has ${storedSize} as a message`,
  )
}

function noFolder(session: MailboxSession): StoreResult {
  forgetDraftsFolder(session)
  return { kind: 'no-folder' }
}

/** The newest copy, if in this session the server shows it to be what our receipt says. `gone`: there is no such UID. */
async function verifiedOlderCopy(
  context: ExecuteContext,
  session: MailboxSession,
  folder: FolderState,
  receipt: Receipt | null,
): Promise<{ readonly receipt: Receipt; readonly parts: Attempt['parts'] } | 'gone' | null> {
  if (receipt === null || receipt.folder !== folder.path || receipt.uidValidity !== folder.uidValidity) return null
  const [identity] = await session.identities([receipt.uid], 'brief')
  if (identity === undefined) return 'gone'
  if (!isMessage(identity, receipt) || identity.deleted) return null
  const attempt = await context.store.read((db) => attemptById(db, receipt.attemptId))
  const parts = attempt?.parts ?? []
  // The line was lost after it had been stored.
  const isUnread = session.capabilities.catenate && parts.some(({ encodedSize }) => encodedSize === unknownSize)
  const asStored = isUnread ? await readBack(session, receipt.uid, parts) : null
  return { receipt, parts: asStored?.parts ?? parts }
}

function wireSegments(
  context: ExecuteContext,
  draft: StoredDraft,
  message: ComposedMessage,
  plan: Extract<UploadPlan, { kind: 'upload' }>,
  older: Receipt | null,
): readonly MessageSegment[] {
  let part = -1
  return message.segments.map((segment): MessageSegment => {
    if (segment.kind === 'bytes') return segment
    part += 1
    const quote = plan.quotes.get(part)
    if (quote === undefined || older === null) return streamed(context, draft, segment)
    const { folder, uidValidity, uid } = older
    return { kind: 'part', folder, uidValidity, uid, section: quote.section, size: quote.encodedSize }
  })
}

function streamed(
  context: ExecuteContext,
  draft: Pick<StoredDraft, 'accountId'>,
  segment: Extract<ComposedSegment, { kind: 'attachment' }>,
): MessageSegment {
  const end = segment.size
  return {
    kind: 'stream',
    size: segment.encodedSize,
    open() {
      const bytes = readBlob(context.store, draft.accountId, segment.sha256, { start: 0, end })
      return spending(segment.encode(spending(bytes)))
    },
  }
}

interface StoredCopy {
  readonly identity: MessageIdentity | null
  /** Its content is what was sent. */
  readonly sound: boolean
  /** The folder was selected again to look it up: what was read before does not count any more. */
  readonly selectedAnew: boolean
}

/** The stored copy as the server shows it. Not sound: its content is not what was sent. */
async function verifyStored(
  context: ExecuteContext,
  session: MailboxSession,
  stored: {
    readonly folder: FolderState
    readonly attempt: Attempt
    readonly plan: Extract<UploadPlan, { kind: 'upload' }>
    readonly outcome: Extract<StoreOutcome, { kind: 'stored' }>
  },
): Promise<StoredCopy> {
  const { folder, attempt, plan, outcome } = stored
  if (outcome.uid !== null && outcome.uidValidity === folder.uidValidity) {
    const [identity] = await session.identities([outcome.uid], 'brief')
    if (identity?.messageId === attempt.messageId) {
      // A quoted part may be missing although the server said OK, against RFC 4469: the size tells.
      const complete = plan.quotes.size === 0 || identity.size === attempt.size
      const sound = complete || (await hasContentOf(context, session, identity.uid, attempt))
      return { identity, sound, selectedAnew: false }
    }
    // A server that rewrites Message-IDs, or an APPENDUID that points elsewhere: only the content can tell.
    if (identity && (await hasContentOf(context, session, identity.uid, attempt))) {
      return { identity, sound: true, selectedAnew: false }
    }
  }
  // APPENDUID is missing, or says what cannot be (hazard 11).
  const again = await session.select(attempt.folder)
  const copies = again === null ? [] : await findCopies(context, session, again, attempt)
  const identity = copies === 'uncertain' ? null : (copies[0] ?? null)
  return { identity, sound: identity !== null, selectedAnew: true }
}

async function bind(
  context: ExecuteContext,
  {
    attempt,
    receipt,
    plan,
    bytesSent,
    asStored,
  }: {
    readonly attempt: Attempt
    readonly receipt: Receipt
    readonly plan: Extract<UploadPlan, { kind: 'upload' }>
    readonly bytesSent: number
    readonly asStored: Pick<Attempt, 'parts' | 'size'> | null
  },
): Promise<void> {
  const now = context.environment.now()
  await context.write(async (write) => {
    // Moved to another account while it was on the wire: then this copy is one of those that are left behind.
    const moved = (await ownedState(write.db, attempt.draftId)).accountId !== attempt.accountId
    const event: DraftEvent = moved
      ? { type: 'late-copy', receipt }
      : { type: 'uploaded', receipt, replaced: plan.replaces }
    await applyDraftEvent(write, attempt.draftId, event, now)
    const stored = asStored === null ? {} : { stored: asStored }
    await endAttempt(write.db, attempt.id, { state: 'stored', bytesSent, now, ...stored })
    const { accountId, draftId, version, messageId } = attempt
    const { folder, uidValidity, uid } = receipt
    const where = { accountId, draftId, version, attemptId: attempt.id, folder, uidValidity, uid }
    write.emit({
      type: 'upload-finished',
      ...where,
      method: plan.method,
      messageId,
      bytesSent,
      replaced: attempt.baseMessageId !== null,
    })
  })
}

/** Response codes after which the same command may well succeed later (RFC 5530 §3). */
const passing: ReadonlySet<string> = new Set(['UNAVAILABLE', 'INUSE', 'SERVERBUG', 'CONTACTADMIN', 'EXPIRED'])

/**
 * Is it what was refused, or how it came? Where the server says that it is too much, base64 would be more; and one that
 * hung up would have to be sent all of it again.
 */
function mayBeForBinary({ responseCode }: Extract<StoreOutcome, { kind: 'refused' }>): boolean {
  return responseCode === null || responseCode === 'UNKNOWN-CTE' || responseCode === 'CANNOT'
}

async function refused(
  context: ExecuteContext,
  session: MailboxSession,
  attempt: Attempt,
  plan: Extract<UploadPlan, { kind: 'upload' }>,
  refusal: Extract<StoreOutcome, { kind: 'refused' }>,
): Promise<StoreResult> {
  await context.write(({ db }) => endAttempt(db, attempt.id, { state: 'refused', now: context.environment.now() }))
  if (refusal.responseCode === 'TRYCREATE') return noFolder(session)
  if (plan.quotes.size > 0) return { kind: 'spoilt-quote' }
  if (plan.binary && session.alive && mayBeForBinary(refusal)) {
    const error = lastError(context, refusal.status, `the server refused the draft: ${refusal.text}`)
    return { kind: 'spoilt-binary', refusal: error }
  }
  if (plan.replaces !== null) {
    // Has another program taken the copy that was to be replaced? That would be no refusal of the draft. Selected anew, as
    // a server may go on showing what this session was not told of (RFC 3501 §7.4.1).
    const folder = await session.select(plan.replaces.folder)
    if (folder?.uidValidity !== plan.replaces.uidValidity) return { kind: 'outcome', outcome: done(lookNow(context)) }
    if ((await session.identities([plan.replaces.uid])).length === 0) return { kind: 'anchor-gone' }
  }
  const words = `the server refused the draft: ${refusal.text}`
  const code = refusal.responseCode ?? refusal.status
  if (passing.has(code)) return { kind: 'outcome', outcome: { kind: 'retry', error: lastError(context, code, words) } }
  return parked(context, code, words)
}

function parked(context: ExecuteContext, code: string, message: string): StoreResult {
  return { kind: 'outcome', outcome: { kind: 'park', error: lastError(context, code, message) } }
}

function lastError(context: ExecuteContext, code: string, message: string): LastError {
  return { code, message, at: context.environment.now() }
}

/** The copy vanished while the user wrote on: was it sent by another program? Then it is not to be uploaded again. */
async function foundInSent(context: ExecuteContext, session: MailboxSession, draftId: Umid): Promise<LastError | null> {
  const sent: FolderPath | null = findSpecialFolder(await session.folders(), 'sent')
  if (sent === null || (await session.select(sent)) === null) return null
  const messageIds = await context.store.read((db) => attemptMessageIds(db, draftId))
  // The newest few: older ones were replaced long before anybody could send them.
  for (const messageId of messageIds.slice(0, 3)) {
    if ((await session.findByMessageId(messageId)).length > 0) {
      return lastError(
        context,
        'FOUND_IN_SENT',
        'an earlier text of this draft was found in Sent: another program seems to have sent it',
      )
    }
  }
  return null
}
