import { type FolderPath, type InboxMarkId, type Uid, uuidv7 } from '../ids.ts'
import { askedFields, type NewMail, whyNot } from '../responder/answerable.ts'
import { conversationIds, newConversationId } from '../responder/conversation.ts'
import { inboxIdentity } from '../responder/inbox-identity.ts'
import { filteredHeaders } from '../responder/mail-filters.ts'
import { readMailHeader } from '../responder/mail-header.ts'
import type { KeptPicture } from '../responder/kept-pictures.ts'
import type { KeptMail } from '../responder/reply-content.ts'
import type { ResponderSettings } from '../responder/responder.ts'
import { getAccount, type StoredAccount } from '../storage/accounts.ts'
import { inOnePiece } from '../storage/chunks.ts'
import { conversationOf, joinConversation } from '../storage/conversations.ts'
import type { Db } from '../storage/db.ts'
import { seenFolder, type SeenFolder, setSeenFolder } from '../storage/folders.ts'
import { insertInboxMark, openInboxMarks } from '../storage/inbox-marks.ts'
import { findResponder } from '../storage/responders.ts'
import type { FolderState, MailboxSession, MessageIdentity } from '../wire/mailbox.ts'
import type { ParsedMessage, PassingPart } from '../wire/message-format.ts'
import { answerMail } from './steps/answer-mail.ts'
import { createPictureKeeper } from './steps/keep-pictures.ts'
import { readSentAnswers } from './steps/read-sent-answers.ts'
import { readTextOnly } from './steps/read-text-only.ts'
import { newestBelow, newestOf, seenUntil, type Unseen, unseenUids } from './steps/unseen-uids.ts'
import { done, type ExecuteContext, type WireTask } from './task.ts'

/** RFC 3501 §5.1: by that name everywhere. */
const inbox = 'INBOX' as FolderPath

const headersAtOnce = 100

const fewMails = 4
const smallBytes = 32 * 1024

/** Of what is larger the text alone is read, and of a longer text its beginning. */
const wholeBytes = 256 * 1024

/** How much older than here the clock of the server may make a mail. */
const clockSkewMs = 24 * 3_600_000

/** What is older is not gone through anew where UIDs mean nothing any more: it is not known by its mark for longer. */
const longestLookBackMs = 20 * 24 * 3_600_000

/** How old the place may get of which nothing is written down, as nothing came. */
const seenAgainMs = 3_600_000

/**
 * Looks into INBOX for new mail that is to be answered by a draft. Nothing there is changed, not even what is unread. What was found
 * is written down mail by mail, with the place where to go on where there is one, so that after a cut or a restart each is found once.
 */
export const inboxWatch: WireTask = {
  name: 'inbox_watch',
  lane: 'mailbox',
  // A person waits for what a person wrote first.
  priority: 18,
  async execute(context) {
    const { accountId, store, responders } = context
    const { settings, account } = await store.read(async (db) => ({
      settings: await findResponder(db, accountId),
      account: await getAccount(db, accountId),
    }))
    if (settings === null || responders.ask === null) return done()
    const session = await context.session()
    const folder = await session.select(inbox, 'read-only')
    if (folder !== null) await lookThrough(context, session, { folder, settings, account })
    context.watchInbox()
    const { waiting, open } = await store.read(async (db) => ({
      waiting: await openInboxMarks(db, accountId, ['waiting']),
      open: await openInboxMarks(db, accountId, ['waiting', 'parked']),
    }))
    // Also while a responder is being asked: what it answers may have come too late.
    if (open.length > 0) await readSentAnswers(context, session, settings.createdAt)
    return done(...waiting.map((mark) => answerMail(accountId, mark)))
  },
}

interface Look {
  readonly folder: FolderState
  readonly settings: ResponderSettings
  readonly account: StoredAccount
}

async function lookThrough(context: ExecuteContext, session: MailboxSession, look: Look): Promise<void> {
  const { settings, account } = look
  const place = await placeToGoOn(context, session, look)
  const { uids, after, isAnew, isOld } = place
  let newestAt = place.newestAt ?? 0
  for (let at = 0; at < uids.length; at += headersAtOnce) {
    const page = uids.slice(at, at + headersAtOnce)
    const added = await session.identities(page)
    const mails = added.filter(({ deleted, draft, answered }) => !deleted && !draft && !answered)
    const isSmall = mails.length <= fewMails && mails.every(({ size }) => size <= smallBytes)
    newestAt = Math.max(newestAt, await newestOf(context, session, page))
    for await (const found of isSmall
      ? readWhole(context, session, mails)
      : readByHeader(context, session, mails, settings)) {
      if (whyNot(found.mail, settings.filters, ownAddresses(account)) !== null) continue
      if (place.isPutBack && isWrittenBefore(place, found.date)) continue
      const mail = await found.read()
      if (mail === null || (await cameLongAgo(session, { uid: found.uid, mail, place }))) continue
      // What is looked at anew lies among what is not: there a mail is known by its mark alone, until all were looked at.
      const until = isAnew ? null : { uidNext: (found.uid + 1) as Uid, newestAt }
      await writeDown(context, session, { look, uid: found.uid, mail, until })
    }
    const until = { uidNext: uids[at + headersAtOnce] ?? after, newestAt }
    if (!isAnew) await context.write(({ db }) => remember(context, db, look, until))
  }
  if (!isAnew && (uids.length > 0 || !isOld)) return
  const until = { uidNext: after, newestAt: place.newestAt ?? (await newestBelow(context, session, after)) }
  await context.write(({ db }) => remember(context, db, look, until))
}

interface FoundMail {
  readonly uid: Uid
  readonly mail: NewMail
  /** As it says itself; null: it does not. */
  readonly date: number | null
  /** All of it that an answer needs; null: it went meanwhile. */
  readonly read: () => Promise<KeptMail | null>
}

/**
 * Somebody has moved it here: it keeps the date at which it came (RFC 3501 §6.4.7). Of a mail that says that it was written lately
 * nobody asks that, but where all is looked at anew.
 */
async function cameLongAgo(
  session: MailboxSession,
  { uid, mail: { date }, place }: Pick<FoundMail, 'uid'> & { readonly mail: KeptMail; readonly place: Place },
): Promise<boolean> {
  if (!place.isAnew && date !== null && !isWrittenBefore(place, date)) return false
  const [details] = await session.details([uid])
  return (details?.internalDate ?? place.since) < place.since
}

/** In a folder that was put back it is taken at its word: everything there may have the date of that day. */
function isWrittenBefore({ since }: Place, date: number | null): boolean {
  return date !== null && date < since - clockSkewMs
}

/** INTERNALDATE counts no parts of it (RFC 3501 §2.3.3). */
function wholeSecond(at: number): number {
  return Math.floor(at / 1000) * 1000
}

/** In one round trip: of few small mails the headers alone would save little. */
async function* readWhole(
  context: ExecuteContext,
  session: MailboxSession,
  page: readonly MessageIdentity[],
): AsyncGenerator<FoundMail, void, undefined> {
  for (const { uid, bytes } of await session.fetchMany(page.map((one) => one.uid))) {
    const { parsed, kept } = await parseWhole(context, inOnePiece(bytes))
    yield { uid, mail: newMail(parsed, bytes), date: kept.date, read: async () => kept }
  }
}

/** Of what may not be answered nothing is read but some fields of its header. */
async function* readByHeader(
  context: ExecuteContext,
  session: MailboxSession,
  page: readonly MessageIdentity[],
  { filters }: ResponderSettings,
): AsyncGenerator<FoundMail, void, undefined> {
  const names = [...new Set([...askedFields, ...filteredHeaders(filters)])]
  const sizes = new Map(page.map(({ uid, size }) => [uid, size]))
  for (const { uid, bytes } of await session.headerFields([...sizes.keys()], names)) {
    const parsed = await parse(context, inOnePiece(bytes))
    const mail = newMail(parsed, bytes)
    yield { uid, mail, date: parsed.date, read: () => readMail(context, session, { uid, size: sizes.get(uid) ?? 0 }) }
  }
}

function newMail({ from, sender, to, cc, subject }: ParsedMessage, bytes: Uint8Array): NewMail {
  return { from: from ?? sender, to, cc, subject, header: readMailHeader(bytes) }
}

function ownAddresses({ address, imap }: StoredAccount): readonly string[] {
  return [address, ...(imap.user.includes('@') ? [imap.user] : [])]
}

interface Place extends Omit<Unseen, 'isTouched'> {
  /** All is looked at anew, and not for the first time. */
  readonly isPutBack: boolean
  /** What came before, in epoch milliseconds, is not answered. */
  readonly since: number
  /** It is to be written down anew. */
  readonly isOld: boolean
}

/** After the last that was looked at; where that says nothing, what came since then, or since the responder was set up. */
async function placeToGoOn(
  context: ExecuteContext,
  session: MailboxSession,
  { folder, settings: { createdAt } }: Look,
): Promise<Place> {
  const { accountId, environment, store } = context
  const now = environment.now()
  const seen = await store.read((db) => seenFolder(db, accountId, 'responder'))
  const since = wholeSecond(Math.max(createdAt, now - longestLookBackMs))
  const lastLook = seen === null ? createdAt : seen.seenAt - clockSkewMs
  const sinceAnew = Math.max(since, wholeSecond(lastLook))
  const unseen = await unseenUids(context, session, { folder, seen, since: since - clockSkewMs, sinceAnew })
  const { isAnew, isTouched } = unseen
  const isOld = isTouched || seen === null || now - seen.seenAt > seenAgainMs
  return { ...unseen, isPutBack: isAnew && seen !== null, since: isAnew ? sinceAnew : since, isOld }
}

async function remember(
  { accountId, environment }: ExecuteContext,
  db: Db,
  { folder }: Look,
  until: Pick<SeenFolder, 'uidNext' | 'newestAt'>,
): Promise<void> {
  await setSeenFolder(db, accountId, 'responder', seenUntil(folder, { ...until, seenAt: environment.now() }))
}

async function parse(context: ExecuteContext, raw: AsyncIterable<Uint8Array>): Promise<ParsedMessage> {
  return await context.format.parse(raw, context.environment.createSha256, { lookIntoSigned: true })
}

async function parseWhole(
  { format, environment: { createSha256 } }: ExecuteContext,
  raw: AsyncIterable<Uint8Array>,
): Promise<{ readonly parsed: ParsedMessage; readonly kept: KeptMail }> {
  const keeper = createPictureKeeper(createSha256)
  const onPart = (part: PassingPart, bytes: AsyncIterable<Uint8Array>): Promise<void> => keeper.onPart(part, bytes)
  const parsed = await format.parse(raw, createSha256, { lookIntoSigned: true, onPart })
  return { parsed, kept: keptOf(parsed, keeper.pictures) }
}

/** Null: it went meanwhile. */
async function readMail(
  context: ExecuteContext,
  session: MailboxSession,
  { uid, size }: Pick<MessageIdentity, 'uid' | 'size'>,
): Promise<KeptMail | null> {
  const raw = size > wholeBytes ? null : await session.fetchRaw(uid)
  if (raw !== null) return (await parseWhole(context, raw)).kept
  const parsed = await readTextOnly(context, session, { uid }, 'cut')
  return parsed === null ? null : keptOf(parsed, [])
}

function keptOf(parsed: ParsedMessage, pictures: readonly KeptPicture[]): KeptMail {
  const { messageId, date, from, sender, replyTo, to, cc, mailFollowupTo, listPost, subject } = parsed
  const { inReplyTo, references, text, html } = parsed
  const people = { from, sender, replyTo, to, cc, mailFollowupTo, listPost }
  const mail = { messageId, date, ...people, subject, inReplyTo, references, text, html }
  return pictures.length === 0 ? mail : { ...mail, pictures }
}

/** As the server calls the conversation; null where it does not say. */
async function threadIdOf(session: MailboxSession, uid: Uid): Promise<string | null> {
  const { objectId, gmail } = session.capabilities
  const [details] = objectId || gmail ? await session.details([uid]) : []
  return details?.threadId ?? null
}

interface Found {
  readonly look: Look
  readonly uid: Uid
  readonly mail: KeptMail
  readonly until: Pick<SeenFolder, 'uidNext' | 'newestAt'> | null
}

/** In one transaction with the place where to go on. */
async function writeDown(
  context: ExecuteContext,
  session: MailboxSession,
  { look, uid, mail, until }: Found,
): Promise<void> {
  const { accountId, environment } = context
  const threadId = await threadIdOf(session, uid)
  const now = environment.now()
  const id = uuidv7(now, environment.random) as InboxMarkId
  const identity = inboxIdentity(mail, environment.createSha256())
  const ids = conversationIds(mail)
  await context.write(async ({ db }) => {
    const known = await conversationOf(db, accountId, ids)
    const conversationId = known ?? newConversationId(ids, threadId, id)
    await insertInboxMark(db, { id, accountId, identity, conversationId, mail, foundAt: now })
    await joinConversation(db, accountId, { conversationId, ids, now })
    if (until !== null) await remember(context, db, look, until)
  })
}
