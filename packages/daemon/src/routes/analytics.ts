import {
  type EvidenceClass,
  evidenceClasses,
  type Outcome,
  type OutcomeCounts,
  type OutcomeTrend,
  type Verdict,
  verdicts,
  wordDiff,
} from '@everdraft/core'
import { z } from 'zod'

import type { App, Context } from '../app.ts'
import { toCsv } from '../csv.ts'
import { limitSchema, offsetSchema, type PageJson, pageSchema, pageToJson, timeSchema, timeToJson } from '../fields.ts'
import { countedOutcomes, ownerOf } from '../ownership.ts'

export interface OutcomeCountsJson {
  readonly draft_created: number
  readonly sent: number
  readonly superseded: number
}

export interface ScenarioCountsJson extends OutcomeCountsJson {
  readonly scenario: string | null
}

export interface UserCountsJson extends OutcomeCountsJson {
  readonly user_id: string
  readonly user_name: string
}

export interface OutcomeTrendJson extends ScenarioCountsJson {
  readonly week: string
  readonly acceptance_rate: number | null
  readonly median_minutes_to_send: number | null
  readonly median_edit_distance: number | null
}

interface WordChangeJson {
  readonly kind: 'same' | 'added' | 'removed'
  readonly text: string
}

export interface DraftVsSentJson {
  readonly message_id: string
  readonly account_id: string
  readonly scenario: string | null
  readonly user_id: string
  readonly draft_subject: string
  readonly draft_body: string
  readonly sent_subject: string
  readonly sent_body: string
  readonly sent_to: string
  readonly created_at: string
  readonly sent_at: string
  readonly minutes_to_send: number
  readonly changed: boolean
  readonly similarity: number
  readonly edit_distance: number
  readonly verdict: Verdict
  readonly evidence: EvidenceClass
  readonly score: number
  readonly diff?: readonly WordChangeJson[] | null
}

const countShape = { draft_created: z.int(), sent: z.int(), superseded: z.int() }
const scenarioShape = { scenario: z.string().nullable(), ...countShape }

const countsSchema: z.ZodType<OutcomeCountsJson> = z.object(countShape).meta({ id: 'OutcomeCounts' })
const scenarioCountsSchema: z.ZodType<ScenarioCountsJson> = z.object(scenarioShape).meta({ id: 'ScenarioCounts' })
const userCountsSchema: z.ZodType<UserCountsJson> = z
  .object({ user_id: z.string(), user_name: z.string(), ...countShape })
  .meta({ id: 'UserCounts' })
const trendSchema: z.ZodType<OutcomeTrendJson> = z
  .object({
    week: z.iso.date().meta({ description: 'The Monday with which it began, UTC' }),
    ...scenarioShape,
    acceptance_rate: z.number().nullable(),
    median_minutes_to_send: z.number().nullable(),
    median_edit_distance: z.number().nullable(),
  })
  .meta({ id: 'OutcomeTrend' })

const wordChangeSchema: z.ZodType<WordChangeJson> = z
  .object({ kind: z.enum(['same', 'added', 'removed']), text: z.string() })
  .meta({ id: 'WordChange' })

const draftVsSentSchema: z.ZodType<DraftVsSentJson> = z
  .object({
    message_id: z.string(),
    account_id: z.string(),
    scenario: z.string().nullable(),
    user_id: z.string(),
    draft_subject: z.string(),
    draft_body: z.string(),
    sent_subject: z.string(),
    sent_body: z.string(),
    sent_to: z.string(),
    created_at: timeSchema,
    sent_at: timeSchema,
    minutes_to_send: z.number(),
    changed: z.boolean(),
    similarity: z.number(),
    edit_distance: z.int(),
    verdict: z.enum(verdicts),
    evidence: z.enum(evidenceClasses),
    score: z.number(),
    diff: z
      .array(wordChangeSchema)
      .nullable()
      .exactOptional()
      .meta({ description: 'With `diff=words`; null where the two have next to nothing in common' }),
  })
  .meta({ id: 'DraftVsSent' })

const dayMs = 24 * 3_600_000
const message = 'must be a date (2026-03-31), or a time with its offset (2026-03-31T12:00:00Z)'
const day = z.iso.date(message)
const instant = z.iso.datetime({ offset: true, error: message })
/** The bound of a range, in epoch milliseconds; a date is the day as a whole, UTC. */
const fromSchema: z.ZodType<number> = z.union([day, instant], message).transform((text) => Date.parse(text))
const toSchema: z.ZodType<number> = z.union(
  [day.transform((text) => Date.parse(text) + dayMs), instant.transform((text) => Date.parse(text))],
  message,
)

const rangeShape = { from: fromSchema.exactOptional(), to: toSchema.exactOptional() }
const rangeSchema = z.strictObject(rangeShape)

const aboutRange =
  'Of the drafts that responders made from `from` on and before `to`; as dates both days count as a whole, UTC. Each is counted once, as what it is now.'
const aboutTenant = ' A token with the scope `admin` counts those of all users of its tenant.'

/** What became of the drafts that programs wrote. */
export function analyticsRoutes(app: App, { engine }: Context): void {
  app.get(
    '/webhook/analytics/counts',
    {
      config: { access: 'read' },
      schema: {
        summary: 'How many drafts responders made, and what became of them',
        description: aboutRange + aboutTenant,
        querystring: rangeSchema,
        response: { 200: countsSchema },
      },
    },
    async (request) => countsToJson(await engine.outcomes.counts({ ...countedOutcomes(request), ...request.query })),
  )

  app.get(
    '/webhook/analytics/by-scenario',
    {
      config: { access: 'read' },
      schema: {
        summary: 'The same for each scenario',
        description: `${aboutRange}${aboutTenant} \`scenario\` is null for those without one.`,
        querystring: rangeSchema,
        response: { 200: z.object({ items: z.array(scenarioCountsSchema) }) },
      },
    },
    async (request) => {
      const found = await engine.outcomes.byScenario({ ...countedOutcomes(request), ...request.query })
      return { items: found.map((one) => ({ scenario: one.scenario, ...countsToJson(one) })) }
    },
  )

  app.get(
    '/webhook/analytics/by-user',
    {
      config: { access: 'read' },
      schema: {
        summary: 'The same for each user',
        description: `${aboutRange}${aboutTenant}`,
        querystring: rangeSchema,
        response: { 200: z.object({ items: z.array(userCountsSchema) }) },
      },
    },
    async (request) => {
      const found = await engine.outcomes.byUser({ ...countedOutcomes(request), ...request.query })
      const items = found.map((one) => ({ user_id: one.userId, user_name: one.userName, ...countsToJson(one) }))
      return { items }
    },
  )

  app.get(
    '/webhook/analytics/trends',
    {
      config: { access: 'read' },
      schema: {
        summary: 'By week and scenario: how many, how many of them were sent, how soon, and how much was changed',
        description: `${aboutRange}${aboutTenant} \`acceptance_rate\` is the part that was sent of those which somebody sent, discarded, or answered without. With \`format=csv\` it is a table (RFC 4180).`,
        querystring: z.strictObject({ ...rangeShape, format: z.enum(['json', 'csv']).default('json') }),
        response: {
          200: {
            description: 'The first week first',
            content: {
              'application/json': { schema: z.object({ items: z.array(trendSchema) }) },
              'text/csv': { schema: z.string() },
            },
          },
        },
      },
    },
    async (request, reply) => {
      const { format, ...range } = request.query
      const items = (await engine.outcomes.trends({ ...countedOutcomes(request), ...range })).map(trendToJson)
      if (format === 'json') return { items }
      const rows = items.map((item) => trendColumns.map((name) => item[name]))
      return reply.type('text/csv; charset=utf-8').send(toCsv(trendColumns, rows))
    },
  )

  app.get(
    '/webhook/analytics/draft-vs-sent',
    {
      config: { access: 'read' },
      schema: {
        summary: 'Each draft of a responder that was sent, and the mail that came of it; the last sent first',
        description: 'Of the own ones. With `diff=words` the words that were added and removed are told, too.',
        querystring: z.strictObject({
          limit: limitSchema,
          offset: offsetSchema,
          diff: z.enum(['words']).exactOptional(),
        }),
        response: { 200: pageSchema(draftVsSentSchema) },
      },
    },
    async (request): Promise<PageJson<DraftVsSentJson>> => {
      const { diff, ...page } = request.query
      const found = await engine.outcomes.sent({ owner: ownerOf(request), ...page })
      return pageToJson(found, (outcome) => draftVsSentToJson(outcome, diff === 'words'))
    },
  )
}

function countsToJson({ draftCreated, sent, superseded }: OutcomeCounts): OutcomeCountsJson {
  return { draft_created: draftCreated, sent, superseded }
}

const trendColumns = [
  'week',
  'scenario',
  'draft_created',
  'sent',
  'superseded',
  'acceptance_rate',
  'median_minutes_to_send',
  'median_edit_distance',
] as const satisfies readonly (keyof OutcomeTrendJson)[]

function trendToJson(trend: OutcomeTrend): OutcomeTrendJson {
  return {
    week: timeToJson(trend.week).slice(0, 10),
    scenario: trend.scenario,
    ...countsToJson(trend),
    acceptance_rate: trend.acceptanceRate,
    median_minutes_to_send: trend.medianToSendMs === null ? null : toMinutes(trend.medianToSendMs),
    median_edit_distance: trend.medianEditDistance,
  }
}

function draftVsSentToJson(outcome: Outcome, withDiff: boolean): DraftVsSentJson {
  const { sent, verdict } = outcome
  if (sent === null) throw new TypeError('an outcome that was not sent')
  return {
    message_id: outcome.messageId,
    account_id: outcome.accountId,
    scenario: outcome.scenario,
    user_id: outcome.userId,
    draft_subject: outcome.draftSubject,
    draft_body: outcome.draftBody,
    sent_subject: sent.subject,
    sent_body: sent.body,
    sent_to: sent.to,
    created_at: timeToJson(outcome.createdAt),
    sent_at: timeToJson(sent.at),
    minutes_to_send: toMinutes(sent.at - outcome.createdAt),
    changed: verdict !== 'sent-unchanged',
    similarity: sent.similarity,
    edit_distance: sent.editDistance,
    verdict,
    evidence: sent.evidence,
    score: sent.score,
    ...(withDiff ? { diff: wordDiff(outcome.draftBody, sent.body) } : {}),
  }
}

/** To a tenth. */
function toMinutes(milliseconds: number): number {
  return Math.round(milliseconds / 6_000) / 10
}
