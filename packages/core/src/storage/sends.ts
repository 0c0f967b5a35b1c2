import { sql } from 'kysely'

import {
  draftStatusOf,
  type SendEvent,
  type SendRule,
  type SendState,
  type SendStatus,
  sendStatusOf,
  sendTransition,
  workOf,
} from '../draft/send-state.ts'
import type { Owner } from '../access.ts'
import type { DraftStatus } from '../draft/draft.ts'
import type { DraftEvent } from '../draft/draft-state.ts'
import { EverdraftError } from '../errors.ts'
import type { AccountId, FolderPath, MessageId, SendId, Sha256, Uid, UidValidity, Umid } from '../ids.ts'
import { accountsOf } from './accounts.ts'
import { releaseBlobs } from './blobs.ts'
import type { Db } from './db.ts'
import { applyDraftEvent } from './draft-states.ts'
import type { StoredDraft } from './drafts.ts'
import { prepared, preparedChange } from './prepared.ts'
import { entriesOf, type Journal, type SendJournalEntry, withEntries, withRoom, withoutRoom } from './send-journal.ts'
import type { SendRow } from './schema.ts'
import type { Write } from './store.ts'

/** Where in the frozen bytes an attachment stands: what the copy in Sent can quote instead of sending it again. */
export interface FrozenPart {
  readonly sha256: Sha256
  readonly section: string
  readonly from: number
  readonly encodedSize: number
}

/** The exact bytes of the mail, held by the send as a blob; without Bcc and private fields. */
export interface FrozenMail {
  readonly sha256: Sha256
  readonly size: number
  readonly parts: readonly FrozenPart[]
  readonly eightBit: boolean
  /** Its header needs SMTPUTF8 (RFC 6531), whoever of its recipients it still goes to. Absent is false. */
  readonly utf8Header?: boolean
  /** The Bcc field with its line ends, joined only when filing (hazard 39); empty without. */
  readonly bccField: string
  /** The `Date` field, in milliseconds (hazard 40). */
  readonly date: number
}

/** An attachment that the server which takes mail can fetch from the draft's copy by itself (RFC 4468). */
export interface QuotedPart {
  readonly sha256: Sha256
  readonly encodedSize: number
  /** Whoever has it, and is that server, can read the part until it expires: it is in no log and no record. */
  readonly url: string
}

interface Quotes {
  readonly askedAt: number
  /** What that server calls the one where the copy lies. */
  readonly server: string
  /** Null: nobody has looked yet. */
  readonly parts: readonly QuotedPart[] | null
}

/** A copy that we began to file, written before the network is touched. */
interface FilingAttempt {
  readonly folder: FolderPath
  readonly uidValidity: UidValidity
  readonly uidNext: Uid | null
  readonly startedAt: number
}

export interface SentCopy {
  readonly folder: FolderPath
  readonly uidValidity: UidValidity
  readonly uid: Uid
  readonly filedBy: 'server' | 'us'
  readonly seenAt: number
}

/** What the steps have found out; none of it decides a state. */
export interface SendFacts {
  /** When a round over Drafts was asked for: only one after that counts as the look before sending. */
  readonly roundAskedAt: number | null
  /** The user said go: what held the send before then holds it no more. */
  readonly overruledAt: number | null
  readonly looks: number
  readonly checkedAt: number | null
  readonly firstTriedAt: number | null
  /** Connections lost in a row. */
  readonly losses: number
  /** When a final dot may have gone: from then on the bytes never change. */
  readonly dottedAt: number | null
  readonly frozen: FrozenMail | null
  /** While it is about to go. */
  readonly quotes: Quotes | null
  /** False after the server could not fetch what it was told to. */
  readonly mayQuote: boolean
  /** The hour until which the server is to hold it (RFC 4865), where it can; null: nobody asked for that. */
  readonly holdUntil: number | null
  /** The server has taken it, and holds it until then. */
  readonly heldUntil: number | null
  /** The provider's own, from its answer to the dot. */
  readonly queueId: string | null
  readonly providerMessageId: MessageId | null
  readonly filing: FilingAttempt | null
  readonly sentCopy: SentCopy | null
  /** Ours was filed: when to look whether the server has filed one, too. */
  readonly lookAgainAt: number | null
  readonly verifiedAt: number | null
  /** How often evidence was looked for, for one unknown. */
  readonly inquiries: number
  /** SHA-256 of the reports that were read, so that none is told twice; the last few. */
  readonly reports: readonly Sha256[]
  /** When it came out of a backup: what was done since the backup was made is not known here. */
  readonly restoredAt: number | null
}

export const noFacts: SendFacts = {
  roundAskedAt: null,
  overruledAt: null,
  looks: 0,
  checkedAt: null,
  firstTriedAt: null,
  losses: 0,
  dottedAt: null,
  frozen: null,
  quotes: null,
  mayQuote: true,
  holdUntil: null,
  heldUntil: null,
  queueId: null,
  providerMessageId: null,
  filing: null,
  sentCopy: null,
  lookAgainAt: null,
  verifiedAt: null,
  inquiries: 0,
  reports: [],
  restoredAt: null,
}

export interface StoredSend {
  readonly id: SendId
  readonly accountId: AccountId
  readonly draftId: Umid
  readonly state: SendState
  readonly facts: SendFacts
  /** Of the mail as it goes; never that of a copy in Drafts. */
  readonly messageId: MessageId
  /** RFC 5321 §3.3: the address of MAIL. */
  readonly sender: string
  readonly subject: string
  readonly createdAt: number
  readonly journal: Journal
  /** How often it was written: who has read it knows by this alone whether that is still so. */
  readonly changes: number
}

/** A consent before it is stored. */
export type NewSend = Omit<StoredSend, 'journal' | 'changes'>

/**
 * A new consent, and what happens to it at once. The draft goes into the outbox in the same transaction.
 * @returns the send as it is then
 */
export async function insertSend(
  write: Write,
  consent: NewSend,
  draft: StoredDraft,
  events: readonly SendEvent[],
  now: number,
): Promise<StoredSend> {
  const steps = stepsThrough(consent.state, events) ?? []
  const consented: SendJournalEntry = { at: now, type: 'consented', phase: consent.state.phase, reason: null }
  const send: StoredSend = {
    ...consent,
    state: steps.at(-1)?.state ?? consent.state,
    journal: withEntries('', [consented, ...entriesFor(steps, now)]),
    changes: 0,
  }
  await addSend(write.db, { ...toRow(send), ended_at: isEnded(send) ? now : null })
  const { accountId, draftId, id: sendId, state } = consent
  write.emit({ type: 'send-queued', accountId, draftId, sendId, version: state.version, dueAt: state.dueAt })
  await moveDraft(write, send, { before: 'draft', now, draft })
  tell(write, send, steps)
  return send
}

const addSend = prepared((db, row: SendRow) =>
  db.insertInto('send').values({
    id: row.id,
    account_id: row.account_id,
    draft_id: row.draft_id,
    status: row.status,
    phase: row.phase,
    due_at: row.due_at,
    state: row.state,
    facts: row.facts,
    message_id: row.message_id,
    sender: row.sender,
    subject: row.subject,
    created_at: row.created_at,
    journal: row.journal,
    changes: row.changes,
    ended_at: row.ended_at,
  }),
)

export type AppliedSend =
  | { readonly rule: 'refuse'; readonly send: StoredSend }
  | { readonly rule: Exclude<SendRule, 'refuse'>; readonly before: StoredSend; readonly send: StoredSend }

/**
 * Tells the machine what happened, and stores what it answers with the draft's status and an entry in the journal.
 * @throws {EverdraftError} NOT_FOUND; NOT_A_DRAFT where a send is to begin again and the draft is none any more
 */
export async function applySendEvent(
  write: Write,
  id: SendId,
  event: SendEvent,
  now: number,
  found: Partial<SendFacts> = {},
): Promise<AppliedSend> {
  return await applySendEvents(write, await getSend(write.db, id), [event], now, found)
}

/**
 * The same for what happened one after the other, with nothing on the wire in between: each is in the journal, the send is
 * written once. Where one is refused nothing of all is stored. `known`: the send as it was read last; where somebody has
 * written it since, it is read anew.
 */
export async function applySendEvents(
  write: Write,
  known: StoredSend,
  events: readonly SendEvent[],
  now: number,
  found: Partial<SendFacts> = {},
): Promise<AppliedSend> {
  const change = { events, now, found }
  const applied = await applyTo(write, known, change)
  if (applied !== null && applied.rule !== 'refuse') return applied
  const current = await getSend(write.db, known.id)
  if (applied !== null && current.changes === known.changes) return applied
  return (await applyTo(write, current, change)) ?? { rule: 'refuse', send: current }
}

/** Null, and nothing is stored: somebody has written it since it was read. */
async function applyTo(
  write: Write,
  before: StoredSend,
  {
    events,
    now,
    found,
  }: { readonly events: readonly SendEvent[]; readonly now: number; readonly found: Partial<SendFacts> },
): Promise<AppliedSend | null> {
  const steps = stepsThrough(before.state, events)
  const last = steps?.at(-1)
  if (steps === null || last === undefined) return { rule: 'refuse', send: before }
  const { rule, state } = last
  const isSpent = needsBytes(state) ? {} : { frozen: null }
  const send: StoredSend = {
    ...before,
    state,
    facts: { ...before.facts, ...found, ...isSpent },
    journal: withEntries(before.journal, entriesFor(steps, now)),
    changes: before.changes + 1,
  }
  if (!(await saveSend(write, before, send, now))) return null
  if (send.facts.frozen === null && before.facts.frozen !== null) await releaseBlobs(write.db, send.id, new Set())
  await moveDraft(write, send, { before: draftStatusOf(before.state), now, draft: null })
  tell(write, send, steps)
  return { rule, before, send }
}

interface SendStep {
  readonly event: SendEvent
  readonly rule: Exclude<SendRule, 'refuse'>
  readonly before: SendState
  readonly state: SendState
}

/** Null: one of them is refused. */
function stepsThrough(first: SendState, events: readonly SendEvent[]): readonly SendStep[] | null {
  const steps: SendStep[] = []
  for (const event of events) {
    const before = steps.at(-1)?.state ?? first
    const outcome = sendTransition(before, event)
    if (outcome.rule === 'refuse') return null
    steps.push({ event, rule: outcome.rule, before, state: outcome.next })
  }
  return steps
}

function entriesFor(steps: readonly SendStep[], now: number): readonly SendJournalEntry[] {
  return steps.filter(isChange).map(({ event, state }) => ({
    at: now,
    type: event.type,
    phase: state.phase,
    reason: 'reason' in event ? event.reason : state.error,
  }))
}

function tell(write: Write, { id, accountId, draftId }: StoredSend, steps: readonly SendStep[]): void {
  for (const { state } of steps.filter(isChange)) {
    const [status, phase, error] = [sendStatusOf(state), state.phase, state.held ?? state.error]
    write.emit({ type: 'send-status-changed', accountId, draftId, sendId: id, status, phase, error })
  }
}

function isChange({ before, state }: SendStep): boolean {
  return state !== before
}

/** The bytes are kept until the copy in Sent is confirmed, and for whoever is still to get them (hazard 25). */
function needsBytes({ phase, recipients }: SendState): boolean {
  if (phase === 'cancelled' || phase === 'failed') return false
  if (phase !== 'verified' && phase !== 'cleaned') return true
  return recipients.some(({ status }) => status === 'pending' || status === 'temporary' || status === 'unknown')
}

/** What a step has found out beside the state. */
export async function setSendFacts(write: Write, id: SendId, found: Partial<SendFacts>, now: number): Promise<void> {
  const send = await getSend(write.db, id)
  await saveSend(write, send, { ...send, facts: { ...send.facts, ...found }, changes: send.changes + 1 }, now)
}

/** False: it is not as `before` any more, and stays as it is. */
async function saveSend({ db }: Write, before: StoredSend, send: StoredSend, now: number): Promise<boolean> {
  const { changes } = await setSend(db, { ...toRow(send), known: before.changes })
  if (Number(changes) === 0) return false
  const hasEnded = isEnded(send)
  if (hasEnded || isEnded(before)) await setEnd(db, { id: send.id, endedAt: hasEnded ? now : null })
  return true
}

/** What never changes is in no statement: each column that is named writes its indexes anew. */
const setSend = preparedChange((db, row: Omit<SendRow, 'ended_at'> & { readonly known: number }) =>
  db
    .updateTable('send')
    .set({
      status: row.status,
      phase: row.phase,
      due_at: row.due_at,
      state: row.state,
      facts: row.facts,
      journal: row.journal,
      changes: row.changes,
    })
    .where('id', '=', row.id)
    .where('changes', '=', row.known),
)

const setEnd = prepared((db, input: { readonly id: SendId; readonly endedAt: number | null }) =>
  db.updateTable('send').set({ ended_at: input.endedAt }).where('id', '=', input.id),
)

const draftEvents: Readonly<Record<Exclude<DraftStatus, 'discarded'>, DraftEvent>> = {
  draft: { type: 'returned', verified: null },
  queued: { type: 'queued' },
  sending: { type: 'sending' },
  sent: { type: 'sent' },
}

async function moveDraft(
  write: Write,
  { draftId, state }: StoredSend,
  /** `draft`: where it was read in this transaction and not changed since. */
  { before, now, draft }: { readonly before: DraftStatus; readonly now: number; readonly draft: StoredDraft | null },
): Promise<void> {
  const after = draftStatusOf(state)
  if (after === before || after === 'discarded') return
  await applyDraftEvent(write, draftId, draftEvents[after], now, null, draft)
  const scheduledAt = after === 'queued' && state.dueAt > now ? state.dueAt : null
  // Only what is queued has one.
  if (scheduledAt !== null) await setSchedule(write.db, { draftId, scheduledAt })
  else if (before === 'queued') await endSchedule(write.db, { draftId })
}

const setSchedule = prepared((db, input: { readonly draftId: Umid; readonly scheduledAt: number }) =>
  db.updateTable('draft').set({ scheduled_send_at: input.scheduledAt }).where('id', '=', input.draftId),
)

/** Most go at once, and have none: a statement that finds nothing writes nothing. */
const endSchedule = prepared((db, input: { readonly draftId: Umid }) =>
  db
    .updateTable('draft')
    .set({ scheduled_send_at: sql.lit(null) })
    .where('id', '=', input.draftId)
    .where('scheduled_send_at', 'is not', null),
)

/** @throws {EverdraftError} NOT_FOUND */
export async function getSend(db: Db, id: SendId): Promise<StoredSend> {
  const [row] = await sendRow(db, { id })
  if (row === undefined) throw new EverdraftError('NOT_FOUND', `there is no send ${id}`)
  return toSend(row)
}

const sendRow = prepared((db, input: { readonly id: SendId }) =>
  db.selectFrom('send').selectAll().where('id', '=', input.id),
)

/** The consent that the draft is in the outbox for, or was last. */
export async function lastSendOf(db: Db, draftId: Umid): Promise<StoredSend | null> {
  const row = await db
    .selectFrom('send')
    .selectAll()
    .where('draft_id', '=', draftId)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? null : toSend(row)
}

/** Those with something left to do (hazard 30): all, or those of one account. */
export async function openSends(db: Db, accountId: AccountId | null): Promise<readonly StoredSend[]> {
  let query = db.selectFrom('send').selectAll().where('ended_at', 'is', null).orderBy('id')
  if (accountId !== null) query = query.where('account_id', '=', accountId)
  return (await query.execute()).map(toSend)
}

export interface SendQuery {
  readonly owner: Owner | null
  readonly accountId: AccountId | null
  readonly draftId: Umid | null
  readonly status: SendStatus | null
  readonly limit: number
  readonly offset: number
}

/** The newest consent first. */
export async function listSends(
  db: Db,
  { owner, accountId, draftId, status, limit, offset }: SendQuery,
): Promise<{ readonly items: readonly StoredSend[]; readonly total: number }> {
  let query = db.selectFrom('send')
  if (owner !== null) query = query.where('account_id', 'in', accountsOf(db, owner).select('account.id'))
  if (accountId !== null) query = query.where('account_id', '=', accountId)
  if (draftId !== null) query = query.where('draft_id', '=', draftId)
  if (status !== null) query = query.where('status', '=', status)
  const rows = await query
    .selectAll()
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .offset(offset)
    .execute()
  const { total } = await query
    .select((count) => count.fn.countAll<number | string>().as('total'))
    .executeTakeFirstOrThrow()
  return { items: rows.map(toSend), total: Number(total) }
}

/** Oldest first. */
export function journalOf({ journal }: StoredSend): readonly SendJournalEntry[] {
  return entriesOf(journal)
}

/** Records of sends that ended before then; what is still open stays. */
export async function dropSendsBefore(db: Db, endedBefore: number): Promise<void> {
  await db.deleteFrom('send').where('ended_at', '<', endedBefore).execute()
}

/** Drafts that somebody made of this one's copy since then. */
export async function hasSuccessorSince(db: Db, draftId: Umid, since: number): Promise<boolean> {
  // By the time of its first revision here: `created_at` is when its message says that it was written.
  const row = await db
    .selectFrom('draft')
    .innerJoin('attempt', 'attempt.draft_id', 'draft.id')
    .select('draft.id')
    .where('draft.succeeds', '=', draftId)
    .where('attempt.created_at', '>=', since)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** Nothing is left to be done, also by the user. */
function isEnded({ state, facts }: StoredSend): boolean {
  const { releaseAt, wire, filing, evidence, user } = workOf(state)
  return releaseAt === null && !wire && !filing && !evidence && !user && facts.lookAgainAt === null
}

function toRow(send: StoredSend): Omit<SendRow, 'ended_at'> {
  const state = JSON.stringify(send.state)
  const facts = JSON.stringify(foundIn(send.facts))
  return {
    id: send.id,
    account_id: send.accountId,
    draft_id: send.draftId,
    status: sendStatusOf(send.state),
    phase: send.state.phase,
    due_at: send.state.dueAt,
    state,
    facts,
    message_id: send.messageId,
    sender: send.sender,
    subject: send.subject,
    created_at: send.createdAt,
    journal: isEnded(send) ? send.journal : withRoom(send.journal, state.length + facts.length),
    changes: send.changes,
  }
}

/** What was not found out is not stored: most of it never is, and each step writes the row anew. */
function foundIn(facts: SendFacts): Partial<SendFacts> {
  const found: Record<string, unknown> = {}
  for (const name of factNames) if (facts[name] !== noFacts[name]) found[name] = facts[name]
  return found
}

const factNames = Object.keys(noFacts) as readonly (keyof SendFacts)[]

export function toSend(row: SendRow): StoredSend {
  return {
    id: row.id as SendId,
    accountId: row.account_id as AccountId,
    draftId: row.draft_id as Umid,
    state: JSON.parse(row.state) as SendState,
    // It lacks what was not found out, and in an earlier version was not known.
    facts: { ...noFacts, ...(JSON.parse(row.facts) as Partial<SendFacts>) },
    messageId: row.message_id as MessageId,
    sender: row.sender,
    subject: row.subject,
    createdAt: row.created_at,
    journal: withoutRoom(row.journal),
    changes: row.changes,
  }
}
