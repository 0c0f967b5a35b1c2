import type { Owner } from '../access.ts'
import { EverdraftError } from '../errors.ts'
import type { EventType } from '../events.ts'
import type { AccountId, EventCursor, TenantId, UserId, WebhookId } from '../ids.ts'
import type { Db } from './db.ts'
import type { WebhookDeliveryRow, WebhookRow } from './schema.ts'

/** Where events of an owner are delivered to. */
export interface Webhook {
  readonly id: WebhookId
  readonly owner: Owner
  readonly url: string
  /** Null: all. */
  readonly events: readonly EventType[] | null
  /** Null: of all accounts, and of none. */
  readonly accountId: AccountId | null
  /** Also to addresses within one's own network. */
  readonly allowPrivate: boolean
  readonly createdAt: number
  /** Until when the secret before this one signs, too; null: there is none. */
  readonly previousSecretUntil: number | null
  readonly progress: WebhookProgress
}

/** How far its deliveries are. Times in epoch milliseconds. */
export interface WebhookProgress {
  /** All up to this was delivered, or is not wanted. */
  readonly cursor: EventCursor
  /** In a row. */
  readonly failures: number
  /** When the first of these was; null: there is none. */
  readonly failingSince: number | null
  /** Not before that; null: nothing is waited for. */
  readonly nextAttemptAt: number | null
  /** When it was given up; null: it is not. */
  readonly disabledAt: number | null
}

/** An attempt to deliver. What the receiver said beside the status is not kept. */
export interface WebhookDelivery {
  readonly event: EventType | 'ping'
  /** Of the event; null: it was a ping. */
  readonly cursor: EventCursor | null
  /** The first is 1. */
  readonly attempt: number
  readonly at: number
  readonly durationMs: number
  /** The status of HTTP; null: none came. */
  readonly status: number | null
  /** Null: it was taken. */
  readonly error: WebhookFailure | null
}

/**
 * `REFUSED`: another status than 2xx. `REDIRECT`: that would have to be followed, and is not. `FORBIDDEN_ADDRESS`: the name leads
 * to a network that is not the public one. `SECRETS_LOCKED`: there is no key to open its secret with.
 */
export type WebhookFailure =
  | 'REFUSED'
  | 'REDIRECT'
  | 'FORBIDDEN_ADDRESS'
  | 'UNREACHABLE'
  | 'CERTIFICATE'
  | 'TIMEOUT'
  | 'SECRETS_LOCKED'

/** What signs its deliveries. */
export interface StoredWebhookSecret {
  readonly id: WebhookId
  /** The one before signs beside it for a while. */
  readonly place: 'current' | 'previous'
  readonly secret: string
  /** False: it lies here as it is. */
  readonly sealed: boolean
}

export async function insertWebhook(
  db: Db,
  { id, owner, progress, ...webhook }: Webhook,
  { secret, sealed }: StoredWebhookSecret,
): Promise<void> {
  await db
    .insertInto('webhook')
    .values({
      id,
      tenant_id: owner.tenantId,
      user_id: owner.userId,
      url: webhook.url,
      events: webhook.events === null ? null : JSON.stringify(webhook.events),
      account_id: webhook.accountId,
      allow_private: webhook.allowPrivate ? 1 : 0,
      secret,
      sealed: sealed ? 1 : 0,
      created_at: webhook.createdAt,
      ...progressRow(progress),
    })
    .execute()
}

/** @throws {EverdraftError} NOT_FOUND */
export async function getWebhook(db: Db, id: WebhookId): Promise<Webhook> {
  return toWebhook(await webhookRow(db, id))
}

/** The newest first; `owner` null: everybody's. */
export async function listWebhooks(
  db: Db,
  owner: Owner | null,
  page: { readonly limit: number; readonly offset: number },
): Promise<{ readonly items: readonly Webhook[]; readonly total: number }> {
  let listed = db.selectFrom('webhook')
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
  return { items: rows.map(toWebhook), total: Number(total) }
}

/** What is not given stays. @throws {EverdraftError} NOT_FOUND */
export async function updateWebhook(
  db: Db,
  id: WebhookId,
  { url, events, progress }: Partial<Pick<Webhook, 'url' | 'events' | 'progress'>>,
): Promise<void> {
  const values = {
    ...(url === undefined ? {} : { url }),
    ...(events === undefined ? {} : { events: events === null ? null : JSON.stringify(events) }),
    ...(progress === undefined ? {} : progressRow(progress)),
  }
  if (Object.keys(values).length > 0) await db.updateTable('webhook').set(values).where('id', '=', id).execute()
}

/** With its log. @throws {EverdraftError} NOT_FOUND */
export async function deleteWebhook(db: Db, id: WebhookId): Promise<void> {
  const { numDeletedRows } = await db.deleteFrom('webhook').where('id', '=', id).executeTakeFirstOrThrow()
  if (Number(numDeletedRows) === 0) throw unknown(id)
}

export async function setWebhookProgress(db: Db, id: WebhookId, progress: WebhookProgress): Promise<void> {
  await db.updateTable('webhook').set(progressRow(progress)).where('id', '=', id).execute()
}

/** Which sign now: the current one first. @throws {EverdraftError} NOT_FOUND */
export async function webhookSecrets(db: Db, id: WebhookId, now: number): Promise<readonly StoredWebhookSecret[]> {
  const row = await webhookRow(db, id)
  return secretsOf(row).filter(({ place }) => place === 'current' || (row.previous_until ?? 0) > now)
}

/** Of all webhooks, whether they sign or not. */
export async function allWebhookSecrets(db: Db): Promise<readonly StoredWebhookSecret[]> {
  const rows = await db.selectFrom('webhook').selectAll().orderBy('id').execute()
  return rows.flatMap(secretsOf)
}

/** The one that there is signs until that time, too; one before that does not any more. @throws {EverdraftError} NOT_FOUND */
export async function replaceWebhookSecret(
  db: Db,
  { id, secret, sealed }: StoredWebhookSecret,
  previousUntil: number | null,
): Promise<void> {
  const before = await webhookRow(db, id)
  const previous =
    previousUntil === null
      ? { previous_secret: null, previous_sealed: null, previous_until: null }
      : { previous_secret: before.secret, previous_sealed: before.sealed, previous_until: previousUntil }
  await db
    .updateTable('webhook')
    .set({ secret, sealed: sealed ? 1 : 0, ...previous })
    .where('id', '=', id)
    .execute()
}

/** What signs nothing any more is not kept. */
export async function dropPreviousSecretsBefore(db: Db, at: number): Promise<void> {
  await db
    .updateTable('webhook')
    .set({ previous_secret: null, previous_sealed: null, previous_until: null })
    .where('previous_until', '<=', at)
    .execute()
}

/** Unless it was changed since it was read. */
export async function sealWebhookAnew(db: Db, before: StoredWebhookSecret, sealed: string): Promise<void> {
  const { id, place, secret } = before
  const isCurrent = place === 'current'
  await db
    .updateTable('webhook')
    .set(isCurrent ? { secret: sealed, sealed: 1 } : { previous_secret: sealed, previous_sealed: 1 })
    .where('id', '=', id)
    .where(isCurrent ? 'secret' : 'previous_secret', '=', secret)
    .execute()
}

export async function insertDelivery(db: Db, id: WebhookId, delivery: WebhookDelivery): Promise<void> {
  await db
    .insertInto('webhook_delivery')
    .values({
      webhook_id: id,
      event: delivery.event,
      event_cursor: delivery.cursor,
      attempt: delivery.attempt,
      at: delivery.at,
      duration_ms: delivery.durationMs,
      status: delivery.status,
      error: delivery.error,
    })
    .execute()
}

/** The newest first. */
export async function listDeliveries(
  db: Db,
  id: WebhookId,
  page: { readonly limit: number; readonly offset: number },
): Promise<{ readonly items: readonly WebhookDelivery[]; readonly total: number }> {
  const listed = db.selectFrom('webhook_delivery').where('webhook_id', '=', id)
  const rows = await listed.selectAll().orderBy('seq', 'desc').limit(page.limit).offset(page.offset).execute()
  const { total } = await listed
    .select((count) => count.fn.countAll<number | string>().as('total'))
    .executeTakeFirstOrThrow()
  return { items: rows.map(toDelivery), total: Number(total) }
}

export async function dropDeliveriesBefore(db: Db, at: number): Promise<void> {
  await db.deleteFrom('webhook_delivery').where('at', '<', at).execute()
}

async function webhookRow(db: Db, id: WebhookId): Promise<WebhookRow> {
  const row = await db.selectFrom('webhook').selectAll().where('id', '=', id).executeTakeFirst()
  if (row === undefined) throw unknown(id)
  return row
}

function secretsOf(row: WebhookRow): readonly StoredWebhookSecret[] {
  const id = row.id as WebhookId
  const { secret, sealed, previous_secret: previous, previous_sealed: previousSealed } = row
  return [
    { id, place: 'current', secret, sealed: sealed === 1 },
    ...(previous === null ? [] : [{ id, place: 'previous', secret: previous, sealed: previousSealed === 1 } as const]),
  ]
}

function unknown(id: WebhookId): EverdraftError {
  return new EverdraftError('NOT_FOUND', `there is no webhook ${id}`)
}

function progressRow(progress: WebhookProgress) {
  return {
    event_cursor: progress.cursor,
    failures: progress.failures,
    failing_since: progress.failingSince,
    next_attempt_at: progress.nextAttemptAt,
    disabled_at: progress.disabledAt,
  }
}

function toWebhook(row: WebhookRow): Webhook {
  return {
    id: row.id as WebhookId,
    owner: { tenantId: row.tenant_id as TenantId, userId: row.user_id as UserId },
    url: row.url,
    events: row.events === null ? null : (JSON.parse(row.events) as EventType[]),
    accountId: row.account_id as AccountId | null,
    allowPrivate: row.allow_private === 1,
    createdAt: row.created_at,
    previousSecretUntil: row.previous_until,
    progress: {
      cursor: row.event_cursor as EventCursor,
      failures: row.failures,
      failingSince: row.failing_since,
      nextAttemptAt: row.next_attempt_at,
      disabledAt: row.disabled_at,
    },
  }
}

function toDelivery(row: Omit<WebhookDeliveryRow, 'seq'>): WebhookDelivery {
  return {
    event: row.event as EventType | 'ping',
    cursor: row.event_cursor as EventCursor | null,
    attempt: row.attempt,
    at: row.at,
    durationMs: row.duration_ms,
    status: row.status,
    error: row.error as WebhookFailure | null,
  }
}
