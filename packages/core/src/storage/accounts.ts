import type { SelectQueryBuilder } from 'kysely'

import { EverdraftError } from '../errors.ts'
import type { DraftContent, LastError } from '../draft/draft.ts'
import type { Owner } from '../access.ts'
import type { AccountId, TemplateId, TenantId, UserId } from '../ids.ts'
import type { Login } from '../wire/login.ts'
import type { AccountRow, Schema } from './schema.ts'
import { setSecret, type StoredSecret } from './secrets.ts'
import type { Db } from './db.ts'
import { prepared } from './prepared.ts'

export interface StoredAccount {
  readonly id: AccountId
  readonly owner: Owner
  readonly address: string
  readonly name: string
  readonly imap: Login
  readonly smtp: Login | null
  readonly lastError: LastError | null
  readonly createdAt: number
}

export async function insertAccount(
  db: Db,
  account: Omit<StoredAccount, 'lastError'>,
  secrets: readonly StoredSecret[],
): Promise<void> {
  await db
    .insertInto('account')
    .values({
      id: account.id,
      tenant_id: account.owner.tenantId,
      user_id: account.owner.userId,
      address: account.address,
      name: account.name,
      imap: JSON.stringify(account.imap),
      smtp: account.smtp === null ? null : JSON.stringify(account.smtp),
      last_error: null,
      last_used_at: account.createdAt,
      created_at: account.createdAt,
    })
    .execute()
  for (const secret of secrets) await setSecret(db, secret)
}

/** What is given of it; what its servers said before is of no interest where they change. */
export async function updateAccount(
  db: Db,
  id: AccountId,
  changes: Partial<Pick<StoredAccount, 'name' | 'imap' | 'smtp'>>,
): Promise<void> {
  const { name, imap, smtp } = changes
  const values = {
    ...(name === undefined ? {} : { name }),
    ...(imap === undefined ? {} : { imap: JSON.stringify(imap), last_error: null }),
    ...(smtp === undefined ? {} : { smtp: smtp === null ? null : JSON.stringify(smtp) }),
  }
  if (Object.keys(values).length > 0) await db.updateTable('account').set(values).where('id', '=', id).execute()
}

/** @throws {EverdraftError} NOT_FOUND */
export async function getAccount(db: Db, id: AccountId): Promise<StoredAccount> {
  const [row] = await accountRow(db, { id })
  if (row === undefined) throw new EverdraftError('NOT_FOUND', `there is no account ${id}`)
  return toAccount(row)
}

const accountRow = prepared((db, input: { readonly id: AccountId }) =>
  db.selectFrom('account').selectAll().where('id', '=', input.id),
)

/** `owner` null: everybody's. */
export async function listAccounts(
  db: Db,
  owner: Owner | null,
  page: { readonly limit: number; readonly offset: number },
): Promise<{ readonly items: readonly StoredAccount[]; readonly total: number }> {
  const listed = accountsOf(db, owner)
  const rows = await listed.selectAll().orderBy('id').limit(page.limit).offset(page.offset).execute()
  const { total } = await listed
    .select((count) => count.fn.countAll<number | string>().as('total'))
    .executeTakeFirstOrThrow()
  return { items: rows.map(toAccount), total: Number(total) }
}

/** Null: everybody's. */
export function accountsOf(db: Db, owner: Owner | null): SelectQueryBuilder<Schema, 'account', object> {
  const all = db.selectFrom('account')
  if (owner === null) return all
  return all.where('account.tenant_id', '=', owner.tenantId).where('account.user_id', '=', owner.userId)
}

/** How many of the newest drafts say from where somebody was written to: more would make a new draft slow. */
const rememberedDrafts = 200

/**
 * For a draft made without naming an account: the one whose address it is from, else that of the template it begins
 * with, else the one from which its recipients were written to last, else the one used last. `owner` null: among
 * everybody's.
 * @throws {EverdraftError} NOT_FOUND where there is no account
 */
export async function pickAccount(
  db: Db,
  owner: Owner | null,
  { from, to, cc, bcc }: Pick<DraftContent, 'from' | 'to' | 'cc' | 'bcc'>,
  templateId: TemplateId | null = null,
): Promise<AccountId> {
  const accounts = await accountsOf(db, owner).select(['id', 'address']).orderBy('last_used_at', 'desc').execute()
  const [lastUsed, ...others] = accounts
  if (lastUsed === undefined) throw new EverdraftError('NOT_FOUND', 'there is no account yet: add one first')
  const sender = from?.address.toLowerCase()
  const own = accounts.find((account) => account.address.toLowerCase() === sender)
  if (own !== undefined) return own.id as AccountId
  if (templateId !== null) {
    const template = await db
      .selectFrom('template')
      .select('account_id')
      .where('id', '=', templateId)
      .executeTakeFirst()
    const itsAccount = accounts.find((account) => account.id === template?.account_id)
    if (itsAccount !== undefined) return itsAccount.id as AccountId
  }
  const correspondents = new Set([...to, ...cc, ...bcc].map(({ address }) => address.toLowerCase()))
  if (others.length === 0 || correspondents.size === 0) return lastUsed.id as AccountId
  return (await lastToWrite(db, owner, correspondents)) ?? (lastUsed.id as AccountId)
}

async function lastToWrite(
  db: Db,
  owner: Owner | null,
  correspondents: ReadonlySet<string>,
): Promise<AccountId | null> {
  const all = db.selectFrom('draft').where('status', '<>', 'discarded')
  const own = owner === null ? all : all.where('account_id', 'in', accountsOf(db, owner).select('account.id'))
  const drafts = await own
    .innerJoin('draft_content', 'draft_content.draft_id', 'draft.id')
    .select(['account_id', 'content'])
    .orderBy('updated_at', 'desc')
    .orderBy('id', 'desc')
    .limit(rememberedDrafts)
    .execute()
  const known = drafts.find(({ content }) => {
    try {
      const { to, cc, bcc } = JSON.parse(content) as DraftContent
      return [...to, ...cc, ...bcc].some(({ address }) => correspondents.has(address.toLowerCase()))
    } catch {
      // Damaged: no reason to write no new one.
      return false
    }
  })
  return (known?.account_id ?? null) as AccountId | null
}

export async function touchAccount(db: Db, id: AccountId, now: number): Promise<void> {
  await accountTouched(db, { id, now })
}

const accountTouched = prepared((db, input: { readonly id: AccountId; readonly now: number }) =>
  db.updateTable('account').set({ last_used_at: input.now }).where('id', '=', input.id),
)

export async function setAccountError(db: Db, id: AccountId, error: LastError | null): Promise<void> {
  await db
    .updateTable('account')
    .set({ last_error: error === null ? null : JSON.stringify(error) })
    .where('id', '=', id)
    .execute()
}

/** They refer to drafts, and go before them. */
const draftTables = [
  'server_name',
  'anchor',
  'delete_debt',
  'attempt',
  'pending_import',
  'send',
  'revision',
  'draft_content',
  'conflict',
  'lease',
] as const

/** With all that belongs to it. */
export async function deleteAccount(db: Db, id: AccountId): Promise<void> {
  const drafts = db.selectFrom('draft').select('id').where('account_id', '=', id)
  for (const table of draftTables) {
    await db.deleteFrom(table).where('draft_id', 'in', drafts).execute()
  }
  // What drafts that were moved away had left on this account's server.
  for (const table of ['delete_debt', 'attempt'] as const) {
    await db.deleteFrom(table).where('account_id', '=', id).execute()
  }
  await db.deleteFrom('draft_search').where('account_id', '=', id).execute()
  const blobs = db.selectFrom('blob').select('id').where('account_id', '=', id)
  await db.deleteFrom('blob_ref').where('blob_id', 'in', blobs).execute()
  for (const table of [
    'draft',
    'draft_count',
    'blob',
    'task',
    'task_log',
    'lane',
    'folder',
    'template',
    'sent_habit',
    'download',
    'email_outcomes',
    'sent_mail',
    'outcome_sight',
    'outcome_look',
    'draft_save',
    'responder',
    'inbox_mark',
    'mail_answer',
    'conversation_message',
    'event',
  ] as const) {
    await db.deleteFrom(table).where('account_id', '=', id).execute()
  }
  await db.deleteFrom('account').where('id', '=', id).execute()
}

function toAccount(row: AccountRow): StoredAccount {
  return {
    id: row.id as AccountId,
    owner: { tenantId: row.tenant_id as TenantId, userId: row.user_id as UserId },
    address: row.address,
    name: row.name,
    imap: JSON.parse(row.imap) as Login,
    smtp: row.smtp === null ? null : (JSON.parse(row.smtp) as Login),
    lastError: row.last_error === null ? null : (JSON.parse(row.last_error) as LastError),
    createdAt: row.created_at,
  }
}
