import { join } from 'node:path'

import {
  type AccountId,
  type ConversationId,
  createEngine,
  defaultOwner,
  type Engine,
  type OutcomeId,
  type Umid,
} from '@everdraft/core'
import { sqlite } from '@everdraft/sqlite'
import Database from 'better-sqlite3'

// What only responders write otherwise.
import { platformNow, platformSchedule } from '../../core/src/engine/platform.ts'
import { insertOutcome } from '../../core/src/storage/email-outcomes.ts'
import { openStore } from '../../core/src/storage/store.ts'
import { benchFolder } from '../../testkit/bench/real-disk.ts'
import { quantile, ratios } from '../../testkit/bench/statistics.ts'
import { count, ratio, ratioWithSpread, type Section, type Suite } from '../../testkit/bench/suite.ts'
import { unreachable } from './unreachable.ts'

const plans = {
  full: { outcomes: 100_000, rounds: 7, calls: 20 },
  quick: { outcomes: 500, rounds: 1, calls: 3 },
} as const

type Plan = (typeof plans)[keyof typeof plans]

const scenarios = 10
const bodyBytes = 1_000
const minutesBetween = 5
const targetMs = 50

/** What became of many drafts, asked as the routes of the figures ask it. */
export const figures: Suite = {
  name: 'figures',
  async run({ quick, say }) {
    const plan = quick ? plans.quick : plans.full
    await using folder = await benchFolder()
    const file = join(folder.path, 'everdraft.db')
    say(`writing ${count(plan.outcomes)} outcomes`)
    await fill(file, plan)
    const peer = await byHand(join(folder.path, 'by-hand.db'), plan)
    const times = calls.map((): number[] => [])
    const engineRounds: number[] = []
    const handRounds: number[] = []
    {
      await using engine = await createEngine({ storage: sqlite(file), mailbox: unreachable() })
      for (let round = 0; round <= plan.rounds; round += 1) {
        const medians: number[] = []
        for (const [index, { ask }] of calls.entries()) {
          const ofRound = await timesMs(() => ask(engine), plan.calls)
          medians.push(quantile(ofRound, 0.5))
          if (round > 0) times[index]?.push(...ofRound)
        }
        const byHandMs = quantile(await timesMs(peer.trends, plan.calls), 0.5)
        // The first round only warms up.
        if (round === 0) continue
        engineRounds.push(medians[trendsAt] ?? 0)
        handRounds.push(byHandMs)
      }
    }
    peer.close()
    return section(plan, times, ratios(engineRounds, handRounds))
  },
}

interface Call {
  readonly name: string
  readonly ask: (engine: Engine) => Promise<unknown>
}

const owner = defaultOwner

const calls: readonly Call[] = [
  { name: '`counts`', ask: (engine) => engine.outcomes.counts({ owner }) },
  { name: '`counts` of one month', ask: (engine) => engine.outcomes.counts({ owner, ...oneMonth() }) },
  { name: '`byScenario`', ask: (engine) => engine.outcomes.byScenario({ owner }) },
  { name: '`byUser`, of the tenant', ask: (engine) => engine.outcomes.byUser({ owner, ofTenant: true }) },
  { name: '`trends`', ask: (engine) => engine.outcomes.trends({ owner }) },
  { name: '`sent`, 50 of them', ask: (engine) => engine.outcomes.sent({ owner }) },
  { name: '`sent`, 50 from the 1,000th on', ask: (engine) => engine.outcomes.sent({ owner, offset: 1_000 }) },
]
const trendsAt = calls.findIndex(({ name }) => name === '`trends`')

const firstAt = Date.UTC(2025, 0, 1)
const madeAt = (index: number): number => firstAt + index * minutesBetween * 60_000

function oneMonth(): { readonly from: number; readonly to: number } {
  return { from: Date.UTC(2025, 1, 1), to: Date.UTC(2025, 2, 1) }
}

async function timesMs(act: () => unknown, times: number): Promise<readonly number[]> {
  const taken: number[] = []
  for (let turn = 0; turn < times; turn += 1) {
    const started = performance.now()
    await act()
    taken.push(performance.now() - started)
  }
  return taken
}

const batch = 1_000

/** Three of five were sent, one superseded, one is open. */
async function fill(file: string, { outcomes }: Plan): Promise<void> {
  const { store } = await openStore(sqlite(file), { now: platformNow, schedule: platformSchedule })
  const body = 'word '.repeat(bodyBytes / 5)
  for (let first = 0; first < outcomes; first += batch) {
    await store.write(async ({ db }) => {
      for (let index = first; index < Math.min(outcomes, first + batch); index += 1) {
        const createdAt = madeAt(index)
        const kind = index % 5
        await insertOutcome(
          { db, emit: () => {} },
          {
            id: `outcome-${index}` as OutcomeId,
            accountId: 'account' as AccountId,
            ...owner,
            userName: 'Ann Example',
            messageId: `draft-${index}` as Umid,
            conversationId: `<${index}@example.com>` as ConversationId,
            replyToMessageId: null,
            scenario: `scenario ${index % scenarios}`,
            draftSubject: 'Re: Prices',
            draftBody: body,
            finalSubject: 'Re: Prices',
            finalBody: body,
            metadata: {},
            status: kind < 3 ? 'sent' : kind === 3 ? 'superseded' : 'draft_created',
            createdAt,
            superseded: null,
            sent:
              kind < 3
                ? {
                    messageId: `<sent-${index}@example.org>`,
                    subject: 'Re: Prices',
                    body,
                    to: 'bob@example.com',
                    at: createdAt + (index % 97) * 60_000,
                    evidence: 'exact',
                    score: 1,
                    similarity: 1,
                    editDistance: index % 31,
                  }
                : null,
            verdict: kind < 3 ? 'sent-edited' : 'pending',
          },
        )
      }
    })
  }
  await store.close()
}

interface ByHand {
  readonly trends: () => unknown
  readonly close: () => void
}

/** As one would write it: a narrow table without the texts, and an index on the time. */
async function byHand(file: string, { outcomes }: Plan): Promise<ByHand> {
  const db = new Database(file)
  db.exec(`create table outcome (
    id integer primary key, user text, scenario text, status text, created_at integer, sent_at integer, edits integer
  ) strict; create index by_time on outcome (user, created_at)`)
  const add = db.prepare(
    'insert into outcome (user, scenario, status, created_at, sent_at, edits) values (?, ?, ?, ?, ?, ?)',
  )
  db.transaction(() => {
    for (let index = 0; index < outcomes; index += 1) {
      const isSent = index % 5 < 3
      const at = madeAt(index)
      const status = isSent ? 'sent' : index % 5 === 3 ? 'superseded' : 'draft_created'
      const sentAt = isSent ? at + (index % 97) * 60_000 : null
      add.run(owner.userId, `scenario ${index % scenarios}`, status, at, sentAt, isSent ? index % 31 : null)
    }
  })()
  const trends = db.prepare(`select scenario, (created_at - 345600000) / 604800000 as week,
    count(*) filter (where status = 'sent') as sent, group_concat(sent_at - created_at) as delays,
    group_concat(edits) as edits from outcome where user = ? group by scenario, week`)
  return { trends: () => trends.all(owner.userId), close: () => void db.close() }
}

function section(
  { outcomes, rounds, calls: each }: Plan,
  times: readonly (readonly number[])[],
  againstHand: ReturnType<typeof ratios>,
): Section {
  return {
    title: 'Figures of outcomes',
    intro: `${count(outcomes)} drafts of responders, three in five of them sent, of one user, in ${scenarios} scenarios; texts of ${count(bodyBytes)} bytes. ${rounds} rounds of ${each} calls each.`,
    settings: [
      'engine: `engine.outcomes`, as the routes below `/webhook/analytics` ask it; nothing is remembered between calls',
      'by hand: better-sqlite3 on a table without the texts, with an index on user and time, and the SQL of the trends without the medians',
    ],
    tables: [
      {
        caption: 'Milliseconds for each call',
        columns: ['call', 'p50', 'p95', 'target for p95'],
        rows: calls.map(({ name }, index) => {
          const of = times[index] ?? []
          return [name, ratio(quantile(of, 0.5)), ratio(quantile(of, 0.95)), `≤ ${targetMs}`]
        }),
      },
      {
        caption: 'The slowest of them against the same by hand',
        columns: ['call', 'engine ÷ by hand'],
        rows: [['`trends`', ratioWithSpread(againstHand)]],
      },
    ],
    notes: [],
  }
}
