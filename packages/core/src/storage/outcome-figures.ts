import { type RawBuilder, type SelectQueryBuilder, sql } from 'kysely'

import type { TenantId, UserId } from '../ids.ts'
import type { Outcome, Verdict } from '../responder/outcome.ts'
import type { Db } from './db.ts'
import { toOutcome } from './email-outcomes.ts'
import { type Family, familyOf } from './family.ts'
import type { Schema } from './schema.ts'

/** Which outcomes are counted: those that were made in that time. */
export interface OutcomeScope {
  readonly tenantId: TenantId
  /** Null: of all users of the tenant. */
  readonly userId: UserId | null
  /** Epoch milliseconds, and from then on; null: all that there are. */
  readonly from: number | null
  /** Epoch milliseconds, and not any more; null: until now. */
  readonly to: number | null
}

/** Each outcome counts once: as what it is now. */
export interface OutcomeCounts {
  readonly draftCreated: number
  readonly sent: number
  readonly superseded: number
}

export interface ScenarioCounts extends OutcomeCounts {
  /** Null: of the drafts without one. */
  readonly scenario: string | null
}

export interface UserCounts extends OutcomeCounts {
  readonly userId: UserId
  /** Of the user's accounts; of several the last by the alphabet. Empty where they have none. */
  readonly userName: string
}

export interface OutcomeTrend extends ScenarioCounts {
  /** When the week of their making began: a Monday, 0:00 UTC, in epoch milliseconds. */
  readonly week: number
  /** Of the drafts whose end is known, those that were sent, from 0 to 1; null where no end is known yet. */
  readonly acceptanceRate: number | null
  /** From the draft to the sent mail, in milliseconds; null where none was sent. */
  readonly medianToSendMs: number | null
  /** In characters, between the draft and what was sent of it; null where none was sent. */
  readonly medianEditDistance: number | null
}

/** Not by groups of the status: in the order of the index nothing has to be sorted. */
const counts = [
  sql<number | string>`count(*) filter (where status = 'draft_created')`.as('draftCreated'),
  sql<number | string>`count(*) filter (where status = 'sent')`.as('sent'),
  sql<number | string>`count(*) filter (where status = 'superseded')`.as('superseded'),
] as const

export async function countOutcomes(db: Db, scope: OutcomeScope): Promise<OutcomeCounts> {
  return toCounts(await within(db, scope).select(counts).executeTakeFirstOrThrow())
}

/** The one with the most outcomes first. */
export async function countByScenario(db: Db, scope: OutcomeScope): Promise<readonly ScenarioCounts[]> {
  const rows = await within(db, scope).select('scenario').select(counts).groupBy('scenario').execute()
  return rows
    .map((row) => ({ scenario: row.scenario, ...toCounts(row) }))
    .toSorted((a, b) => all(b) - all(a) || byName(a.scenario, b.scenario))
}

/** The one with the most outcomes first. */
export async function countByUser(db: Db, scope: OutcomeScope): Promise<readonly UserCounts[]> {
  const rows = await within(db, scope)
    .select((name) => ['user_id', name.fn.max('user_name').as('name')])
    .select(counts)
    .groupBy('user_id')
    .execute()
  return rows
    .map((row) => ({ userId: row.user_id as UserId, userName: row.name, ...toCounts(row) }))
    .toSorted((a, b) => all(b) - all(a) || byName(a.userId, b.userId))
}

const weekMs = 7 * 24 * 3_600_000
/** The epoch began on a Thursday. */
const firstMondayMs = 4 * 24 * 3_600_000

/** By week and scenario; the first week first. */
export async function outcomeTrends(db: Db, scope: OutcomeScope): Promise<readonly OutcomeTrend[]> {
  const join = joined[familyOf(db)]
  // As the index has it.
  const week = sql<number | string>`(created_at - ${sql.lit(firstMondayMs)}) / ${sql.lit(weekMs)}`
  const rows = await within(db, scope)
    .select(['scenario', week.as('week')])
    .select(counts)
    .select([
      sql<number | string>`count(*) filter (where status <> 'sent' and verdict in (${sql.join(
        refusals.map((verdict) => sql.lit(verdict)),
      )}))`.as('refused'),
      join(sql`sent_at - created_at`).as('delays'),
      join(sql`edit_distance`).as('distances'),
    ])
    .groupBy(['scenario', week])
    .execute()
  return rows
    .map((row) => {
      const counted = toCounts(row)
      const ended = counted.sent + Number(row.refused)
      return {
        week: Number(row.week) * weekMs + firstMondayMs,
        scenario: row.scenario,
        ...counted,
        acceptanceRate: ended === 0 ? null : counted.sent / ended,
        medianToSendMs: median(row.delays),
        medianEditDistance: median(row.distances),
      }
    })
    .toSorted((a, b) => a.week - b.week || byName(a.scenario, b.scenario))
}

/** A person had the draft, and did not send it. */
const refusals: readonly Verdict[] = ['replied-without-draft', 'discarded']

/** All values of a group that are not null, with commas between them: neither database has a median that both have. */
const joined: { readonly [family in Family]: (value: RawBuilder<unknown>) => RawBuilder<string | null> } = {
  sqlite: (value) => sql`group_concat(${value})`,
  postgres: (value) => sql`string_agg((${value})::text, ',')`,
}

function median(values: string | null): number | null {
  if (values === null) return null
  // Numbers with commas between them are JSON, too, and read in a third of the time.
  const sorted = Float64Array.from(JSON.parse(`[${values}]`) as number[]).toSorted()
  const middle = sorted.length / 2
  return Number.isInteger(middle)
    ? ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
    : (sorted[Math.floor(middle)] ?? null)
}

/** Those of which the sent mail is known, the last sent first. */
export async function sentOutcomes(
  db: Db,
  { tenantId, userId }: { readonly tenantId: TenantId; readonly userId: UserId },
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Promise<{ readonly items: readonly Outcome[]; readonly total: number }> {
  const sent = db
    .selectFrom('email_outcomes')
    .where('tenant_id', '=', tenantId)
    .where('user_id', '=', userId)
    .where('sent_at', 'is not', null)
  const rows = await sent
    .selectAll()
    .orderBy('sent_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .offset(offset)
    .execute()
  const { total } = await sent
    .select((count) => count.fn.countAll<number | string>().as('total'))
    .executeTakeFirstOrThrow()
  return { items: rows.map(toOutcome), total: Number(total) }
}

function within(
  db: Db,
  { tenantId, userId, from, to }: OutcomeScope,
): SelectQueryBuilder<Schema, 'email_outcomes', object> {
  let query = db.selectFrom('email_outcomes').where('tenant_id', '=', tenantId)
  if (userId !== null) query = query.where('user_id', '=', userId)
  if (from !== null) query = query.where('created_at', '>=', from)
  return to === null ? query : query.where('created_at', '<', to)
}

function toCounts(row: { readonly [Name in keyof OutcomeCounts]: number | string }): OutcomeCounts {
  return { draftCreated: Number(row.draftCreated), sent: Number(row.sent), superseded: Number(row.superseded) }
}

function all({ draftCreated, sent, superseded }: OutcomeCounts): number {
  return draftCreated + sent + superseded
}

/** What has none comes last. */
function byName(a: string | null, b: string | null): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1
  return a < b ? -1 : 1
}
