import {
  type Expression,
  expressionBuilder,
  type ExpressionBuilder,
  type ExpressionWrapper,
  sql,
  type SqlBool,
} from 'kysely'

import type { Approval, DraftContent, DraftPolicy, DraftReview, DraftStatus } from '../draft/draft.ts'
import type { Copies, DraftState } from '../draft/draft-state.ts'
import { EverdraftError } from '../errors.ts'
import type { AccountId, MessageId, Umid, UserId, Version } from '../ids.ts'
import { type Family, familyOf } from './family.ts'
import { forgetHead, isHeadKept, readFacts, readHead, rememberFacts, rememberHead } from './heads.ts'
import { prepared } from './prepared.ts'
import { addContent, headContent } from './recent-saves.ts'
import { type DraftFacts, draftFacts, type Schema } from './schema.ts'
import type { Db } from './db.ts'

export interface StoredDraft {
  readonly id: Umid
  readonly accountId: AccountId
  readonly token: string
  readonly status: DraftStatus
  readonly syncState: Copies['kind']
  readonly policy: DraftPolicy
  readonly review: DraftReview
  readonly version: Version
  readonly content: DraftContent
  readonly scheduledSendAt: number | null
  readonly succeeds: Umid | null
  readonly createdAt: number
  readonly updatedAt: number
  readonly trashedAt: number | null
  readonly emptiedAt: number | null
  /** False: no copy of it is to go from a server. */
  readonly mayOwe: boolean
}

export interface NewDraft {
  readonly id: Umid
  readonly accountId: AccountId
  readonly token: string
  readonly policy: DraftPolicy
  /** Default: false, or as the draft that it comes from. */
  readonly reviewRequired?: boolean
  readonly content: DraftContent
  readonly now: number
  /** The draft that this one comes from. Default: none. */
  readonly succeeds?: Umid | null
}

/** @returns how much its content takes, as JSON: what its first revision has changed */
export async function insertDraft(db: Db, draft: NewDraft): Promise<number> {
  const { succeeds = null, reviewRequired = false } = draft
  // Of an account that was removed it may be known by this id.
  forgetHead(db, draft.id)
  await addDraft(db, {
    ...draft,
    succeeds,
    review: reviewRequired ? 1 : 0,
  })
  const bytes = await addContent(db, draft.id, draft.content)
  if (succeeds === null) return bytes
  // Another program's edit is no way around the review.
  await db
    .updateTable('draft')
    .set({ review_required: 1 })
    .where('id', '=', draft.id)
    .where((where) =>
      where.exists(
        where.selectFrom('draft as before').select('id').where('id', '=', succeeds).where('review_required', '=', 1),
      ),
    )
    .execute()
  return bytes
}

/** What was just inserted, and comes from no other draft: who asks for it, or saves it, need not read it. */
export function rememberDraft(db: Db, draft: Omit<NewDraft, 'succeeds'>): void {
  const { id, now } = draft
  rememberHead(db, id, { version: 1 as Version, updatedAt: now }, draft.content)
  rememberFacts(db, id, {
    id,
    account_id: draft.accountId,
    token: draft.token,
    status: 'draft',
    sync_state: 'local-only',
    policy: draft.policy,
    version: 1,
    scheduled_send_at: null,
    succeeds: null,
    created_at: now,
    updated_at: now,
    trashed_at: null,
    emptied_at: null,
    review_required: draft.reviewRequired === true ? 1 : 0,
    approved_version: null,
    approved_at: null,
    approved_by: null,
  })
}

const addDraft = prepared(
  (
    db,
    draft: Omit<NewDraft, 'content' | 'reviewRequired'> & {
      readonly succeeds: Umid | null
      readonly review: number
    },
  ) =>
    db.insertInto('draft').values({
      id: draft.id,
      account_id: draft.accountId,
      token: draft.token,
      status: sql.lit('draft' satisfies DraftStatus),
      sync_state: sql.lit('local-only' satisfies Copies['kind']),
      policy: draft.policy,
      review_required: draft.review,
      version: sql.lit(1),
      scheduled_send_at: sql.lit(null),
      succeeds: draft.succeeds,
      created_at: draft.now,
      updated_at: draft.now,
      trashed_at: sql.lit(null),
      emptied_at: sql.lit(null),
    }),
)

/** @throws {EverdraftError} NOT_FOUND */
export async function getDraft(db: Db, id: Umid): Promise<StoredDraft> {
  const draft = await findDraft(db, id)
  if (draft === null) throw new EverdraftError('NOT_FOUND', `there is no draft ${id}`)
  return draft
}

/** Null: nobody's draft has this id, and none ever had. */
export async function findDraft(db: Db, id: Umid): Promise<StoredDraft | null> {
  if (isHeadKept(db, id)) {
    const [row] = await rowWithoutContent(db, { id })
    if (row === undefined) return null
    const content = readHead(db, id, { version: row.version as Version, updatedAt: row.updated_at })
    if (content !== null) {
      const { owes, ...facts } = row
      if (!owes) rememberFacts(db, id, facts)
      return toDraft(row, content, Boolean(owes))
    }
  }
  const [row] = await draftRow(db, { id })
  return row === undefined ? null : toDraft(row, headContent(row), Boolean(row.owes))
}

/**
 * As it was read last, with the saves since; no copy of it was to go from a server then. Whoever changes it compares its row
 * with `readFacts`. Null: it is to be read.
 */
export function rememberedDraft(db: Db, id: Umid): StoredDraft | null {
  const facts = readFacts(db, id)
  const content = facts && readHead(db, id, { version: facts.version as Version, updatedAt: facts.updated_at })
  return facts && content && toDraft(facts, content, false)
}

const draftRow = prepared((db, input: { readonly id: Umid }) =>
  ofDraft(db, input.id)
    .select('recent')
    .select((draft) => contentOf(draft).as('content')),
)

/** In a query of its own: SQLite plans a join anew each time a value changes, which takes several times as long as the answer. */
function contentOf(draft: ExpressionBuilder<Schema, 'draft'>) {
  return draft
    .selectFrom('draft_content')
    .select('draft_content.content')
    .whereRef('draft_content.draft_id', '=', 'draft.id')
}

const rowWithoutContent = prepared((db, input: { readonly id: Umid }) => ofDraft(db, input.id))

function ofDraft(db: Db, id: Umid) {
  return db
    .selectFrom('draft')
    .select(draftFacts)
    .select((draft) => owesCopies(draft).as('owes'))
    .where('id', '=', id)
}

/** Whether copies of it are still to go. Asked with the draft, as a statement of its own would cost several times as much. */
export function owesCopies(draft: ExpressionBuilder<Schema, 'draft'>): ExpressionWrapper<Schema, 'draft', SqlBool> {
  return draft.exists(
    draft.selectFrom('delete_debt').select('delete_debt.id').whereRef('delete_debt.draft_id', '=', 'draft.id'),
  )
}

/** In whatever account. */
export async function draftExists(db: Db, id: Umid): Promise<boolean> {
  return (await db.selectFrom('draft').select('id').where('id', '=', id).executeTakeFirst()) !== undefined
}

/** Its copy vanished, and that took it to the trash: should the copy come back, so does the draft. `sentAs`: the mail that it became. */
export async function setPurged(db: Db, id: Umid, sentAs: MessageId | null): Promise<void> {
  await db.updateTable('draft').set({ purged: 1, sent_as: sentAs }).where('id', '=', id).execute()
}

export async function isPurged(db: Db, id: Umid): Promise<boolean> {
  const row = await db.selectFrom('draft').select('purged').where('id', '=', id).executeTakeFirst()
  return row?.purged === 1
}

export async function draftIdByToken(db: Db, accountId: AccountId, token: string): Promise<Umid | null> {
  const row = await db
    .selectFrom('draft')
    .select('id')
    .where('token', '=', token)
    .where('account_id', '=', accountId)
    .executeTakeFirst()
  return row === undefined ? null : (row.id as Umid)
}

/** By which another device's copies of this very draft go. One that another draft goes by is left to that. */
export async function takeToken(db: Db, id: Umid, token: string): Promise<void> {
  const other = await db.selectFrom('draft').select('id').where('token', '=', token).executeTakeFirst()
  if (other === undefined) await db.updateTable('draft').set({ token }).where('id', '=', id).execute()
}

/** What was approved was approved for the other account. */
export async function setDraftAccount(db: Db, id: Umid, accountId: AccountId): Promise<void> {
  await db
    .updateTable('draft')
    .set({ account_id: accountId, indexed_version: 0, approved_version: null })
    .where('id', '=', id)
    .execute()
}

/** Null: whichever. */
export interface DraftFilter {
  readonly accountId: AccountId | null
  readonly status: DraftStatus | null
  readonly syncState: DraftState['copies']['kind'] | null
  readonly tag: string | null
}

export interface DraftQuery extends DraftFilter {
  readonly limit: number
  readonly offset: number
}

/** The tags in a draft's content, one row each. A save that changes them stores it whole. */
const tagsOf = {
  sqlite: sql<{ value: string }>`json_each(tagged.content, '$.tags')`,
  postgres: sql<{ value: string }>`json_array_elements_text(tagged.content::json -> 'tags')`,
} satisfies Record<Family, unknown>

/** The drafts that a list or a search is to show, wherever `draft` is joined. */
export function isShown(db: Db, { accountId, status, syncState, tag }: DraftFilter): Expression<SqlBool> {
  const where = expressionBuilder<Schema, 'draft'>()
  const tags = tagsOf[familyOf(db)]
  return where.and([
    where('draft.emptied_at', 'is', null),
    ...(accountId === null ? [] : [where('draft.account_id', '=', accountId)]),
    ...(status === null ? [] : [where('draft.status', '=', status)]),
    ...(syncState === null ? [] : [where('draft.sync_state', '=', syncState)]),
    ...(tag === null
      ? []
      : [
          where.exists(
            where
              .selectFrom('draft_content as tagged')
              .innerJoin(tags.as('tag'), (join) => join.onTrue())
              .select('tagged.draft_id')
              .whereRef('tagged.draft_id', '=', 'draft.id')
              .where('tag.value', '=', tag),
          ),
        ]),
  ])
}

/** Newest change first. */
export async function listDrafts(
  db: Db,
  query: DraftQuery,
): Promise<{ readonly items: readonly StoredDraft[]; readonly total: number }> {
  const rows = isPlain(query) ? await rowsOfAccount(db, query) : await selectShown(db, query).execute()
  return {
    items: rows.map((row) => toDraft(row, headContent(row), true)),
    total: await countShown(db, query),
  }
}

/** What is asked for by far the most. */
function isPlain<Filter extends DraftFilter>(filter: Filter): filter is Filter & { readonly accountId: AccountId } {
  const { accountId, status, syncState, tag } = filter
  return accountId !== null && status === null && syncState === null && tag === null
}

const rowsOfAccount = prepared((db, { accountId, limit, offset }: DraftQuery) =>
  selectShown(db, { accountId, status: null, syncState: null, tag: null, limit, offset }),
)

function selectShown(db: Db, query: DraftQuery) {
  return (
    db
      .selectFrom('draft')
      // The outer side is read in the order of its index.
      .leftJoin('draft_content', 'draft_content.draft_id', 'draft.id')
      .where(isShown(db, query))
      .select([...draftFacts, 'content', 'recent'])
      .orderBy('updated_at', 'desc')
      .orderBy('id', 'desc')
      .limit(query.limit)
      .offset(query.offset)
  )
}

/** How many a list or a search has to choose from: not counted one by one, but for a tag. */
export async function countShown(db: Db, filter: DraftFilter): Promise<number> {
  if (filter.tag !== null) {
    const { total } = await db
      .selectFrom('draft')
      .where(isShown(db, filter))
      .select((count) => count.fn.countAll<number | string>().as('total'))
      .executeTakeFirstOrThrow()
    return Number(total)
  }
  if (isPlain(filter)) {
    const [row] = await countOfAccount(db, { accountId: filter.accountId })
    return Number(row?.total ?? 0)
  }
  let counted = db.selectFrom('draft_count')
  if (filter.accountId !== null) counted = counted.where('account_id', '=', filter.accountId)
  if (filter.status !== null) counted = counted.where('status', '=', filter.status)
  if (filter.syncState !== null) counted = counted.where('sync_state', '=', filter.syncState)
  const { total } = await counted
    .select((count) => count.fn.sum<number | string | null>('drafts').as('total'))
    .executeTakeFirstOrThrow()
  return Number(total ?? 0)
}

const countOfAccount = prepared((db, input: { readonly accountId: AccountId }) =>
  db
    .selectFrom('draft_count')
    .where('account_id', '=', input.accountId)
    .select((count) => count.fn.sum<number | string | null>('drafts').as('total')),
)

/** Drafts of an account that are not sent and not in the trash. */
export async function countUnsent(db: Db, accountId: AccountId): Promise<number> {
  const { total } = await db
    .selectFrom('draft')
    .select((count) => count.fn.countAll<number | string>().as('total'))
    .where('account_id', '=', accountId)
    .where('status', 'in', ['draft', 'queued', 'sending'])
    .executeTakeFirstOrThrow()
  return Number(total)
}

/** Of those, the ones whose head is on no server. */
export async function countOnlyHere(db: Db, accountId: AccountId): Promise<number> {
  const { total } = await db
    .selectFrom('draft')
    .select((count) => count.fn.countAll<number | string>().as('total'))
    .where('account_id', '=', accountId)
    .where('status', 'in', ['draft', 'queued', 'sending'])
    .where('sync_state', '<>', 'synchronized')
    .executeTakeFirstOrThrow()
  return Number(total)
}

function approvalOf(row: DraftFacts): Approval | null {
  const { approved_version: version, approved_at: at, approved_by: by } = row
  return version === null ? null : { version: version as Version, at: at ?? 0, by: (by ?? '') as UserId }
}

function toDraft(
  row: DraftFacts,
  content: DraftContent,
  /** True also where that was not asked for. */
  mayOwe: boolean,
): StoredDraft {
  return {
    id: row.id as Umid,
    accountId: row.account_id as AccountId,
    token: row.token,
    status: row.status as DraftStatus,
    syncState: row.sync_state as Copies['kind'],
    policy: row.policy as DraftPolicy,
    review: { required: row.review_required === 1, approval: approvalOf(row) },
    version: row.version as Version,
    content,
    scheduledSendAt: row.scheduled_send_at,
    succeeds: row.succeeds as Umid | null,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    trashedAt: row.trashed_at,
    emptiedAt: row.emptied_at,
    mayOwe,
  }
}

export async function setReviewRequired(db: Db, id: Umid, required: boolean): Promise<void> {
  await db
    .updateTable('draft')
    .set({ review_required: required ? 1 : 0 })
    .where('id', '=', id)
    .execute()
}

export async function setApproval(db: Db, id: Umid, { version, at, by }: Approval): Promise<void> {
  await db
    .updateTable('draft')
    .set({ approved_version: version, approved_at: at, approved_by: by })
    .where('id', '=', id)
    .execute()
}
