import type { Owner, Scope } from '../access.ts'
import { EverdraftError } from '../errors.ts'
import type { ApiTokenId, TenantId, UserId } from '../ids.ts'
import type { Db } from './db.ts'
import { prepared } from './prepared.ts'
import type { ApiTokenRow } from './schema.ts'

export interface StoredApiToken {
  readonly id: ApiTokenId
  readonly owner: Owner
  readonly name: string
  readonly scopes: readonly Scope[]
  /** Hexadecimal SHA-256 of what the bearer shows. */
  readonly digest: string
  readonly expiresAt: number | null
  readonly lastUsedAt: number | null
  readonly createdAt: number
}

export async function insertApiToken(db: Db, token: StoredApiToken): Promise<void> {
  await db
    .insertInto('api_token')
    .values({
      id: token.id,
      tenant_id: token.owner.tenantId,
      user_id: token.owner.userId,
      name: token.name,
      scopes: JSON.stringify(token.scopes),
      digest: token.digest,
      expires_at: token.expiresAt,
      last_used_at: token.lastUsedAt,
      created_at: token.createdAt,
    })
    .execute()
}

/** Null: there is none. At each request, therefore prepared. */
export async function findApiToken(db: Db, id: ApiTokenId): Promise<StoredApiToken | null> {
  const [row] = await apiTokenRow(db, { id })
  return row === undefined ? null : toApiToken(row)
}

const apiTokenRow = prepared((db, input: { readonly id: ApiTokenId }) =>
  db.selectFrom('api_token').selectAll().where('id', '=', input.id),
)

/** The newest first; `owner` null: everybody's. */
export async function listApiTokens(
  db: Db,
  owner: Owner | null,
  page: { readonly limit: number; readonly offset: number },
): Promise<{ readonly items: readonly StoredApiToken[]; readonly total: number }> {
  let listed = db.selectFrom('api_token')
  if (owner !== null) listed = listed.where('tenant_id', '=', owner.tenantId).where('user_id', '=', owner.userId)
  const rows = await listed
    .selectAll()
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(page.limit)
    .offset(page.offset)
    .execute()
  const { total } = await listed
    .select((count) => count.fn.countAll<number | string>().as('total'))
    .executeTakeFirstOrThrow()
  return { items: rows.map(toApiToken), total: Number(total) }
}

/** @throws {EverdraftError} NOT_FOUND */
export async function deleteApiToken(db: Db, id: ApiTokenId): Promise<void> {
  const { numDeletedRows } = await db.deleteFrom('api_token').where('id', '=', id).executeTakeFirstOrThrow()
  if (Number(numDeletedRows) === 0) throw new EverdraftError('NOT_FOUND', `there is no token ${id}`)
}

export async function touchApiToken(db: Db, id: ApiTokenId, now: number): Promise<void> {
  await db.updateTable('api_token').set({ last_used_at: now }).where('id', '=', id).execute()
}

function toApiToken(row: ApiTokenRow): StoredApiToken {
  return {
    id: row.id as ApiTokenId,
    owner: { tenantId: row.tenant_id as TenantId, userId: row.user_id as UserId },
    name: row.name,
    scopes: JSON.parse(row.scopes) as Scope[],
    digest: row.digest,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
    createdAt: row.created_at,
  }
}
