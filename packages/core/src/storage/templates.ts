import type { DraftContent } from '../draft/draft.ts'
import { EverdraftError } from '../errors.ts'
import type { AccountId, TemplateId } from '../ids.ts'
import type { Db } from './db.ts'

/** What a template gives to a draft: the fields of a draft without its attachments. */
export interface StoredTemplate {
  readonly id: TemplateId
  readonly accountId: AccountId
  readonly name: string
  readonly content: DraftContent
  readonly createdAt: number
  readonly updatedAt: number
}

export async function insertTemplate(db: Db, template: StoredTemplate): Promise<void> {
  await db
    .insertInto('template')
    .values({
      id: template.id,
      account_id: template.accountId,
      name: template.name,
      content: JSON.stringify(template.content),
      created_at: template.createdAt,
      updated_at: template.updatedAt,
    })
    .execute()
}

/** @throws {EverdraftError} NOT_FOUND */
export async function getTemplate(db: Db, accountId: AccountId, id: TemplateId): Promise<StoredTemplate> {
  const row = await db
    .selectFrom('template')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('id', '=', id)
    .executeTakeFirst()
  if (row === undefined) throw new EverdraftError('NOT_FOUND', `there is no template ${id}`)
  return toTemplate(row)
}

/** By name. */
export async function listTemplates(
  db: Db,
  accountId: AccountId,
  page: { readonly limit: number; readonly offset: number },
): Promise<{ readonly items: readonly StoredTemplate[]; readonly total: number }> {
  const rows = await db
    .selectFrom('template')
    .selectAll()
    .where('account_id', '=', accountId)
    .orderBy('name')
    .orderBy('id')
    .limit(page.limit)
    .offset(page.offset)
    .execute()
  const { total } = await db
    .selectFrom('template')
    .select((count) => count.fn.countAll<number | string>().as('total'))
    .where('account_id', '=', accountId)
    .executeTakeFirstOrThrow()
  return { items: rows.map(toTemplate), total: Number(total) }
}

/** @throws {EverdraftError} NOT_FOUND */
export async function deleteTemplate(db: Db, accountId: AccountId, id: TemplateId): Promise<void> {
  const { numDeletedRows } = await db
    .deleteFrom('template')
    .where('account_id', '=', accountId)
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  if (Number(numDeletedRows) === 0) throw new EverdraftError('NOT_FOUND', `there is no template ${id}`)
}

function toTemplate(row: {
  readonly id: string
  readonly account_id: string
  readonly name: string
  readonly content: string
  readonly created_at: number
  readonly updated_at: number
}): StoredTemplate {
  return {
    id: row.id as TemplateId,
    accountId: row.account_id as AccountId,
    name: row.name,
    content: JSON.parse(row.content) as DraftContent,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
