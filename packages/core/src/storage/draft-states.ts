import { sql } from 'kysely'

import {
  type Copies,
  type OwnedState,
  type DraftEvent,
  type DraftState,
  type Receipt,
  type Rule,
  sameCopy,
  transition,
} from '../draft/draft-state.ts'
import type { DraftContent, DraftStatus } from '../draft/draft.ts'
import { EverdraftError } from '../errors.ts'
import type { AccountId, AttemptId, FolderPath, MessageId, Uid, UidValidity, Umid, Version } from '../ids.ts'
import { type Answered, whenAnswered } from './direct.ts'
import { owesCopies, type StoredDraft } from './drafts.ts'
import { changeAsKnown, confirmFacts, forgetFacts, readFacts, rememberHead } from './heads.ts'
import { prepared, preparedForEach } from './prepared.ts'
import { setContent } from './recent-saves.ts'
import { addRunAsKnown, type NewRevision } from './revisions.ts'
import { type DraftFacts, type ReceiptRow, type Schema } from './schema.ts'
import type { Db } from './db.ts'
import type { Write } from './store.ts'

/**
 * The state of a draft as rows: `draft.status`, `draft.sync_state` and `draft.version`, `server_name`, `anchor`,
 * `delete_debt`. Only this file writes them, and only what `transition` says.
 */

/** @throws {EverdraftError} NOT_FOUND */
export async function loadDraftState(db: Db, id: Umid): Promise<DraftState> {
  const [row] = await stateRow(db, { id })
  if (row === undefined) throw new EverdraftError('NOT_FOUND', `there is no draft ${id}`)
  const known = {
    id,
    status: row.status as DraftStatus,
    syncState: row.sync_state as Copies['kind'],
    version: row.version as Version,
  }
  return await stateOf(db, known, Boolean(row.owes))
}

/** Of a draft that was read in this transaction. */
async function stateOf(
  db: Db,
  { id, status, syncState, version }: Pick<StoredDraft, 'id' | 'status' | 'syncState' | 'version'>,
  mayOwe: boolean,
): Promise<DraftState> {
  const [name] = syncState === 'synchronized' ? await nameRow(db, { id }) : []
  const [anchor] = syncState === 'stale-server' ? await anchorRow(db, { id }) : []
  const debts = mayOwe ? await debtRows(db, { id }) : []
  return {
    status,
    head: version,
    copies: toCopies(id, syncState, name, anchor),
    debts: debts.toSorted((a, b) => a.id - b.id).map(toReceipt),
  }
}

const stateRow = prepared((db, input: { readonly id: Umid }) =>
  db
    .selectFrom('draft')
    .select((draft) => ['status', 'sync_state', 'version', owesCopies(draft).as('owes')])
    .where('id', '=', input.id),
)
const nameRow = prepared((db, input: { readonly id: Umid }) =>
  db.selectFrom('server_name').selectAll().where('draft_id', '=', input.id),
)
const anchorRow = prepared((db, input: { readonly id: Umid }) =>
  db.selectFrom('anchor').selectAll().where('draft_id', '=', input.id),
)
const debtRows = prepared((db, input: { readonly id: Umid }) =>
  // Sorted by the reader: SQLite plans a statement that orders anew each time its values change.
  db.selectFrom('delete_debt').selectAll().where('draft_id', '=', input.id),
)

/** With the account that the draft belongs to now. */
export async function ownedState(db: Db, id: Umid): Promise<OwnedState> {
  return { state: await loadDraftState(db, id), accountId: await accountOf(db, id) }
}

async function accountOf(db: Db, id: Umid): Promise<AccountId> {
  const [row] = await accountRow(db, { id })
  if (row === undefined) throw new EverdraftError('NOT_FOUND', `there is no draft ${id}`)
  return row.account_id as AccountId
}

const accountRow = prepared((db, input: { readonly id: Umid }) =>
  db.selectFrom('draft').select('account_id').where('id', '=', input.id),
)

/** Of many drafts at once: three queries, however many. */
export async function loadDraftStates(db: Db, ids: readonly Umid[]): Promise<ReadonlyMap<Umid, DraftState>> {
  const [only] = ids
  if (only === undefined) return new Map()
  if (ids.length === 1) return new Map([[only, await loadDraftState(db, only)]])
  const drafts = await stateRows(db, ids)
  const names = await nameRows(db, ids)
  const anchors = await anchorRows(db, ids)
  const debts = await debtRowsOf(db, ids)
  const nameOf = new Map(names.map((row) => [row.draft_id, row]))
  const anchorOf = new Map(anchors.map((row) => [row.draft_id, row]))
  const debtsOf = Map.groupBy(debts, (row) => row.draft_id)
  return new Map(
    drafts.map((draft) => [
      draft.id as Umid,
      {
        status: draft.status as DraftStatus,
        head: draft.version as Version,
        copies: toCopies(draft.id, draft.sync_state as Copies['kind'], nameOf.get(draft.id), anchorOf.get(draft.id)),
        debts: (debtsOf.get(draft.id) ?? []).map(toReceipt),
      },
    ]),
  )
}

const stateRows = preparedForEach((db, ids: readonly Umid[]) =>
  db.selectFrom('draft').select(['id', 'status', 'sync_state', 'version']).where('id', 'in', ids),
)
const nameRows = preparedForEach((db, ids: readonly Umid[]) =>
  db.selectFrom('server_name').selectAll().where('draft_id', 'in', ids),
)
const anchorRows = preparedForEach((db, ids: readonly Umid[]) =>
  db.selectFrom('anchor').selectAll().where('draft_id', 'in', ids),
)
const debtRowsOf = preparedForEach((db, ids: readonly Umid[]) =>
  db.selectFrom('delete_debt').selectAll().where('draft_id', 'in', ids).orderBy('id'),
)

function toCopies(
  id: string,
  kind: Copies['kind'],
  name: Schema['server_name'] | undefined,
  anchor: ReceiptRow | undefined,
): Copies {
  switch (kind) {
    case 'local-only':
      return { kind }
    case 'synchronized':
      if (name === undefined)
        throw new EverdraftError('STORAGE_ERROR', `the draft ${id} is synchronized, but has no name`)
      return { kind, name: toReceipt(name), missingSince: name.missing_since }
    case 'stale-server':
      return { kind, anchor: anchor === undefined ? null : toReceipt(anchor) }
  }
}

export interface NewHead {
  readonly content: DraftContent
  /** Of `recentLine`, which tells it; null: it is stored whole, and the history holds all before it. */
  readonly line: string | null
}

/**
 * Tells the machine what happened and stores what it answers.
 * @throws {EverdraftError} NOT_FOUND; NOT_A_DRAFT where the table refuses
 */
export async function applyDraftEvent(
  write: Write,
  id: Umid,
  event: DraftEvent,
  now: number,
  /** What the new head says, stored with it. */
  head: NewHead | null = null,
  /** The draft, where it was read in this transaction and not changed since. */
  known: StoredDraft | null = null,
): Promise<{ readonly rule: Rule; readonly before: DraftState; readonly after: DraftState }> {
  const before = known === null ? await loadDraftState(write.db, id) : await stateOf(write.db, known, known.mayOwe)
  const outcome = transition(before, event)
  if (outcome.rule === 'refuse') {
    throw new EverdraftError('NOT_A_DRAFT', `the draft is ${before.status}: only a draft can be changed`)
  }
  const after = outcome.next
  if (after !== before) await saveDraftState(write, { id, before, after, now, head })
  return { rule: outcome.rule, before, after }
}

/**
 * As `applyDraftEvent`, of a draft that is remembered (`rememberedDraft`), with its revision: the row is changed only where it is
 * as remembered. Null: it is not, or more is to be changed than the head; nothing was changed.
 */
export function applySaveAsRemembered(
  { db }: Pick<Write, 'db'>,
  draft: StoredDraft,
  save: NewRevision,
  /** See `NewHead`. */
  line: string | null,
): Answered<DraftState | null> {
  const { version, content, savedAt: updatedAt } = save
  const facts = readFacts(db, draft.id)
  const before = draft.syncState === 'local-only' && !draft.mayOwe ? onlyHere(draft) : stateOf(db, draft, true)
  return whenAnswered(before, (state) => {
    const outcome = transition(state, { type: 'saved', version })
    if (facts === null || outcome.rule !== 'advance') return null
    const stored =
      line === null
        ? setHeadAsKnown(db, facts, save, draft)
        : addLineAsKnown(db, facts, { newest: version, updatedAt, line })
    return whenAnswered(stored, (isStored) => {
      if (!isStored) {
        forgetFacts(db, draft.id)
        return null
      }
      rememberHead(db, draft.id, { version, updatedAt }, content)
      confirmFacts(db, draft.id, line === null ? null : save)
      return outcome.next
    })
  })
}

/** With the history, which takes it and the last saves. @returns whether the row was as known: else nothing was changed */
function setHeadAsKnown(db: Db, facts: DraftFacts, save: NewRevision, previous: StoredDraft): Answered<boolean> {
  const { id } = previous
  const { version, content, savedAt: updatedAt } = save
  return whenAnswered(addRunAsKnown(db, facts, save, previous), (isKnown) => {
    if (!isKnown) return false
    return whenAnswered(setHead(db, { id, version, updatedAt }), () =>
      whenAnswered(setContent(db, id, content), () => true),
    )
  })
}

/** Of one that was never on a server nothing is to be asked for. */
export function onlyHere({ status, version }: StoredDraft): DraftState {
  return { status, head: version, copies: { kind: 'local-only' }, debts: [] }
}

interface NewLine {
  readonly newest: Version
  readonly updatedAt: number
  readonly line: string
}

const addLineAsKnown = changeAsKnown((db, line: NewLine, isRow) => withLine(db, line).where(isRow))

const addLine = prepared((db, input: NewLine & { readonly id: Umid }) => withLine(db, input).where('id', '=', input.id))

function withLine(db: Db, { newest, updatedAt, line }: NewLine) {
  return db.updateTable('draft').set({ version: newest, updated_at: updatedAt, recent: sql`recent || ${line}` })
}

async function saveDraftState(
  { db, emit }: Write,
  change: {
    readonly id: Umid
    readonly before: DraftState
    readonly after: DraftState
    readonly now: number
    readonly head: NewHead | null
  },
): Promise<void> {
  const { id, before, after, now, head } = change
  const isMoved = after.status !== before.status || after.copies.kind !== before.copies.kind
  if (head !== null) {
    const row = { version: after.head, updatedAt: now }
    const { content, line } = head
    rememberHead(db, id, row, content)
    if (line === null) {
      await setHead(db, { id, ...row })
      await setContent(db, id, content)
    } else {
      await addLine(db, { id, newest: after.head, updatedAt: now, line })
    }
  }
  // What is remembered is of a draft that owes nothing.
  if (isMoved || after.debts.length > 0) forgetFacts(db, id)
  if (isMoved) await setState(db, { id, status: after.status, syncState: after.copies.kind })
  if (head === null && after.head !== before.head) await setVersion(db, { id, version: after.head })
  if (after.status !== before.status && (after.status === 'discarded' || before.status === 'discarded')) {
    const trashedAt = after.status === 'discarded' ? now : null
    await db
      .updateTable('draft')
      .set({ trashed_at: trashedAt, purged: 0, sent_as: null })
      .where('id', '=', id)
      .execute()
  }
  // Debts that went are removed before names come, so that a copy may change its table within one step.
  for (const debt of before.debts) {
    if (after.debts.some((other) => sameCopy(other, debt))) continue
    await db
      .deleteFrom('delete_debt')
      .where('account_id', '=', debt.accountId)
      .where('folder', '=', debt.folder)
      .where('uid_validity', '=', debt.uidValidity)
      .where('uid', '=', debt.uid)
      .execute()
  }
  if (before.copies !== after.copies) await saveCopies(db, id, before.copies, after.copies)
  for (const debt of after.debts) {
    if (before.debts.some((other) => sameCopy(other, debt))) continue
    await db.insertInto('delete_debt').values(toRow(id, debt)).execute()
  }
  if (before.copies.kind !== after.copies.kind) {
    const accountId = await accountOf(db, id)
    emit({ type: 'draft-sync-changed', accountId, draftId: id, state: after.copies.kind })
  }
}

const setState = prepared((db, input: { readonly id: Umid; readonly status: string; readonly syncState: string }) =>
  db.updateTable('draft').set({ status: input.status, sync_state: input.syncState }).where('id', '=', input.id),
)

const setVersion = prepared((db, input: { readonly id: Umid; readonly version: Version }) =>
  db.updateTable('draft').set({ version: input.version }).where('id', '=', input.id),
)

/** With it all is told that was saved last. */
const setHead = prepared((db, input: { readonly id: Umid; readonly version: Version; readonly updatedAt: number }) =>
  db
    .updateTable('draft')
    .set({ version: input.version, updated_at: input.updatedAt, recent: sql.lit('') })
    .where('id', '=', input.id),
)

async function saveCopies(db: Db, id: Umid, before: Copies, copies: Copies): Promise<void> {
  if (before.kind === 'synchronized') await removeName(db, { id })
  if (before.kind === 'stale-server') await removeAnchor(db, { id })
  if (copies.kind === 'synchronized') {
    await addName(db, { ...toRow(id, copies.name), missing_since: copies.missingSince })
  }
  if (copies.kind === 'stale-server' && copies.anchor !== null) await addAnchor(db, toRow(id, copies.anchor))
}

const removeName = prepared((db, input: { readonly id: Umid }) =>
  db.deleteFrom('server_name').where('draft_id', '=', input.id),
)
const removeAnchor = prepared((db, input: { readonly id: Umid }) =>
  db.deleteFrom('anchor').where('draft_id', '=', input.id),
)
const addName = prepared((db, row: ReceiptRow & { readonly missing_since: number | null }) =>
  db.insertInto('server_name').values({ ...receiptColumns(row), missing_since: row.missing_since }),
)
const addAnchor = prepared((db, row: ReceiptRow) => db.insertInto('anchor').values(receiptColumns(row)))

function receiptColumns(row: ReceiptRow): ReceiptRow {
  const { draft_id, account_id, folder, uid_validity, uid, message_id, version, attempt_id } = row
  return { draft_id, account_id, folder, uid_validity, uid, message_id, version, attempt_id }
}

/** What of ours lies in a folder of the server, as far as we know. */
export interface KnownCopy {
  readonly draftId: Umid
  readonly role: 'name' | 'anchor' | 'debt'
  readonly missingSince: number | null
  readonly receipt: Receipt
}

export async function knownCopies(db: Db, accountId: AccountId, folder: FolderPath): Promise<readonly KnownCopy[]> {
  const known: KnownCopy[] = []
  const where = { account_id: accountId, folder }
  const names = await db
    .selectFrom('server_name')
    .selectAll()
    .where((match) => match.and(where))
    .execute()
  for (const row of names) {
    known.push({
      draftId: row.draft_id as Umid,
      role: 'name',
      missingSince: row.missing_since,
      receipt: toReceipt(row),
    })
  }
  for (const [table, role] of [
    ['anchor', 'anchor'],
    ['delete_debt', 'debt'],
  ] as const) {
    const rows = await db
      .selectFrom(table)
      .selectAll()
      .where((match) => match.and(where))
      .execute()
    for (const row of rows) {
      known.push({ draftId: row.draft_id as Umid, role, missingSince: null, receipt: toReceipt(row) })
    }
  }
  return known
}

/** Of what `knownCopies` knows the newest of each UIDVALIDITY: an upload asks for it, however many there are. */
export async function newestCopies(
  db: Db,
  accountId: AccountId,
  folder: FolderPath,
): Promise<readonly Pick<Receipt, 'uidValidity' | 'uid'>[]> {
  const newest: Pick<Receipt, 'uidValidity' | 'uid'>[] = []
  for (const table of ['server_name', 'anchor', 'delete_debt'] as const) {
    const rows = await db
      .selectFrom(table)
      .select((column) => ['uid_validity', column.fn.max<number | string>('uid').as('uid')])
      .where('account_id', '=', accountId)
      .where('folder', '=', folder)
      .groupBy('uid_validity')
      .execute()
    newest.push(...rows.map((row) => ({ uidValidity: row.uid_validity as UidValidity, uid: Number(row.uid) as Uid })))
  }
  return newest
}

interface DraftInNeed {
  readonly id: Umid
  readonly accountId: AccountId
}

/**
 * Of `draftsInNeed`, those whose head is to go to the server, by id: a page after `after`, however many there are. Asked
 * at once for all of the page, which have a task already.
 */
export async function draftsToUpload(
  db: Db,
  after: string,
  limit: number,
): Promise<readonly (DraftInNeed & { readonly isQueued: boolean })[]> {
  const rows = await toUpload(db)
    .select((draft) => {
      const uploads = draft
        .selectFrom('task')
        .select('task.seq')
        .whereRef('task.key', '=', 'draft.id')
        .whereRef('task.account_id', '=', 'draft.account_id')
        .where('task.kind', '=', sql.lit('draft_upload'))
      // Each half written out, as its partial index asks for it.
      return draft
        .or([
          draft.exists(uploads.where('task.state', '<>', sql.lit('running'))),
          draft.exists(uploads.where('task.state', '=', sql.lit('running'))),
        ])
        .as('queued')
    })
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map((row) => ({
    id: row.id as Umid,
    accountId: row.account_id as AccountId,
    isQueued: Boolean(row.queued),
  }))
}

function toUpload(db: Db) {
  return (
    db
      .selectFrom('draft')
      .select(['id', 'account_id'])
      .where('status', 'in', ['draft', 'queued'])
      // Written out, as the partial index asks for it.
      .where('sync_state', '<>', sql.lit('synchronized'))
      .where('policy', '<>', 'local-only')
  )
}

/**
 * Drafts with something to bring to the server or to remove from it, with the account in whose lane that is done: the
 * durable aggregate from which the markers of `draft_upload` are derived at start. It is `needsUpload` of draft-state.ts
 * as SQL, and open attempts.
 */
export async function draftsInNeed(db: Db, accountId: AccountId): Promise<readonly DraftInNeed[]> {
  const wanted = await toUpload(db).where('account_id', '=', accountId).execute()
  return unique([...wanted, ...(await owingOrUncertain(db, accountId))])
}

/** Of all accounts, those with something to remove, or an upload whose end is not known. */
export async function draftsToSettle(db: Db): Promise<readonly DraftInNeed[]> {
  return unique(await owingOrUncertain(db, null))
}

interface InNeedRow {
  readonly id: string
  readonly account_id: string
}

async function owingOrUncertain(db: Db, accountId: AccountId | null): Promise<readonly InNeedRow[]> {
  let owing = db
    .selectFrom('delete_debt')
    .innerJoin('draft', 'draft.id', 'delete_debt.draft_id')
    .select(['draft.id', 'delete_debt.account_id'])
    .where((where) =>
      // What a moved draft left in its old account is owed once the new one has a copy: see `isPayable`.
      where.or([
        where('draft.account_id', '=', where.ref('delete_debt.account_id')),
        where('draft.sync_state', '=', 'synchronized'),
        where('draft.status', 'in', ['discarded', 'sent']),
      ]),
    )
  let uncertain = db.selectFrom('attempt').select(['draft_id as id', 'account_id']).where('state', '=', 'open')
  if (accountId !== null) {
    owing = owing.where('delete_debt.account_id', '=', accountId)
    uncertain = uncertain.where('account_id', '=', accountId)
  }
  return [...(await owing.execute()), ...(await uncertain.execute())]
}

function unique(rows: readonly InNeedRow[]): readonly DraftInNeed[] {
  const once = new Map(rows.map((row) => [`${row.id} ${row.account_id}`, row]))
  return [...once.values()]
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map((row) => ({ id: row.id as Umid, accountId: row.account_id as AccountId }))
}

function toReceipt(row: ReceiptRow): Receipt {
  return {
    accountId: row.account_id as AccountId,
    folder: row.folder as FolderPath,
    uidValidity: row.uid_validity as UidValidity,
    uid: row.uid as Uid,
    messageId: row.message_id as MessageId,
    version: row.version as Version,
    attemptId: row.attempt_id as AttemptId,
  }
}

function toRow(id: Umid, receipt: Receipt): ReceiptRow {
  return {
    draft_id: id,
    account_id: receipt.accountId,
    folder: receipt.folder,
    uid_validity: receipt.uidValidity,
    uid: receipt.uid,
    message_id: receipt.messageId,
    version: receipt.version,
    attempt_id: receipt.attemptId,
  }
}
