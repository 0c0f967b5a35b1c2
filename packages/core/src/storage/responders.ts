import { EverdraftError } from '../errors.ts'
import type { AccountId } from '../ids.ts'
import type { MailFilters } from '../responder/mail-filters.ts'
import type { ResponderSettings, ResponderTarget } from '../responder/responder.ts'
import type { Db } from './db.ts'
import type { ResponderRow } from './schema.ts'

/** In place of what was there. */
export async function setResponder(db: Db, settings: ResponderSettings): Promise<void> {
  const values = {
    ...targetRow(settings.target),
    filters: JSON.stringify(settings.filters),
    scenario: settings.scenario,
    timeout_ms: settings.timeoutMs,
    cooldown_ms: settings.cooldownMs,
    hourly_limit: settings.hourlyLimit,
    created_at: settings.createdAt,
    updated_at: settings.updatedAt,
  }
  await db
    .insertInto('responder')
    .values({ account_id: settings.accountId, ...values })
    .onConflict((conflict) => conflict.column('account_id').doUpdateSet(values))
    .execute()
}

/** Null: nothing answers the mail of this account. */
export async function findResponder(db: Db, accountId: AccountId): Promise<ResponderSettings | null> {
  const row = await db.selectFrom('responder').selectAll().where('account_id', '=', accountId).executeTakeFirst()
  return row === undefined ? null : toSettings(row)
}

/** With its secret. @throws {EverdraftError} NOT_FOUND */
export async function deleteResponder(db: Db, accountId: AccountId): Promise<void> {
  const { numDeletedRows } = await db
    .deleteFrom('responder')
    .where('account_id', '=', accountId)
    .executeTakeFirstOrThrow()
  if (Number(numDeletedRows) === 0) throw new EverdraftError('NOT_FOUND', 'the account has no responder')
  await db.deleteFrom('account_secret').where('account_id', '=', accountId).where('kind', '=', 'responder').execute()
}

/** All answer what comes from then on, and nothing older. */
export async function restartResponders(db: Db, now: number): Promise<void> {
  await db.updateTable('responder').set({ created_at: now }).execute()
  await db.deleteFrom('folder').where('role', '=', 'responder').execute()
}

function targetRow(target: ResponderTarget): Pick<ResponderRow, 'url' | 'module' | 'allow_private'> {
  if (target.kind === 'module') return { url: null, module: target.name, allow_private: 0 }
  return { url: target.url, module: null, allow_private: target.allowPrivate ? 1 : 0 }
}

function toTarget({ url, module, allow_private }: ResponderRow): ResponderTarget {
  if (url === null) return { kind: 'module', name: module ?? '' }
  return { kind: 'url', url, allowPrivate: allow_private === 1 }
}

function toSettings(row: ResponderRow): ResponderSettings {
  return {
    accountId: row.account_id as AccountId,
    target: toTarget(row),
    filters: JSON.parse(row.filters) as MailFilters,
    scenario: row.scenario,
    timeoutMs: row.timeout_ms,
    cooldownMs: row.cooldown_ms,
    hourlyLimit: row.hourly_limit,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
