import {
  type AccountId,
  type ConversationId,
  defaultOwner,
  type Outcome,
  type OutcomeId,
  type TenantId,
  type Umid,
  type UserId,
} from '@everdraft/core'
import { sqlite } from '@everdraft/sqlite'
import { describe, expect, test } from 'vitest'

// What only responders write otherwise.
import { insertOutcome } from '../../core/src/storage/email-outcomes.ts'
import { openStore } from '../../core/src/storage/store.ts'
import { start } from './harness.ts'

const analytics = '/webhook/analytics'
const [monday, tuesday] = [Date.UTC(2026, 0, 5, 9), Date.UTC(2026, 0, 6, 9)]

function written(name: string, createdAt: number): Outcome {
  return {
    id: `outcome-${name}` as OutcomeId,
    accountId: 'account-1' as AccountId,
    ...defaultOwner,
    userName: 'Ann Example',
    messageId: `draft-${name}` as Umid,
    conversationId: `<${name}@example.com>` as ConversationId,
    replyToMessageId: null,
    scenario: 'price list',
    draftSubject: 'Re: Prices',
    draftBody: 'Here are the prices.',
    finalSubject: 'Re: Prices',
    finalBody: 'Here are the prices.\n\n> Prices?',
    metadata: {},
    status: 'draft_created',
    createdAt,
    superseded: null,
    sent: null,
    verdict: 'pending',
  }
}

const sent: Outcome = {
  ...written('sent', monday),
  status: 'sent',
  verdict: 'sent-edited',
  sent: {
    messageId: '<sent@example.org>',
    subject: 'Re: Prices',
    body: 'Here are our prices.\n\n> Prices?',
    to: 'bob@example.com, carl@example.com',
    at: monday + 90_000,
    evidence: 'strong',
    score: 0.9,
    similarity: 0.95,
    editDistance: 3,
  },
}

const outcomes: readonly Outcome[] = [
  sent,
  { ...written('open', tuesday), scenario: '=HYPERLINK("https://example.com")' },
  { ...written('gone', tuesday), scenario: null, verdict: 'discarded' },
  { ...written('of-eve', tuesday), userId: 'eve' as UserId, userName: 'Eve Example' },
  { ...written('of-acme', tuesday), tenantId: 'acme' as TenantId, userId: 'ann' as UserId, userName: '' },
]

async function fill(file: string): Promise<void> {
  const { store } = await openStore(sqlite(file), { now: () => 0, schedule: () => () => {} })
  await store.write(async (write) => {
    for (const outcome of outcomes) await insertOutcome(write, outcome)
  })
  await store.close()
}

const started = () => start({}, {}, { fill })

describe('what became of drafts', () => {
  test('counts, by scenario and by user: of the tenant for who may see to it, else of the user', async () => {
    const { call } = await started()
    expect((await call('GET', `${analytics}/counts`)).body).toEqual({ draft_created: 3, sent: 1, superseded: 0 })
    expect((await call('GET', `${analytics}/by-user`)).body).toEqual({
      items: [
        { user_id: 'default', user_name: 'Ann Example', draft_created: 2, sent: 1, superseded: 0 },
        { user_id: 'eve', user_name: 'Eve Example', draft_created: 1, sent: 0, superseded: 0 },
      ],
    })
    const made = await call('POST', '/tokens', { json: { tenant_id: 'default', user_id: 'eve', scopes: ['read'] } })
    const { token } = made.body
    expect((await call('GET', `${analytics}/counts`, { token })).body).toEqual({
      draft_created: 1,
      sent: 0,
      superseded: 0,
    })
    expect((await call('GET', `${analytics}/by-user`, { token })).body.items).toMatchObject([{ user_id: 'eve' }])
    expect((await call('GET', `${analytics}/by-scenario`, { token })).body).toEqual({
      items: [{ scenario: 'price list', draft_created: 1, sent: 0, superseded: 0 }],
    })
    expect((await call('GET', `${analytics}/draft-vs-sent`, { token })).body).toMatchObject({ items: [], total: 0 })
  })

  test('from and to: a date is the day as a whole, a time is as it is with its offset', async () => {
    const { call } = await started()
    const counts = async (query: string): Promise<number> =>
      (await call('GET', `${analytics}/counts?${query}`)).body.draft_created
    expect(await counts('from=2026-01-06')).toBe(3)
    expect(await counts('from=2026-01-06&to=2026-01-06')).toBe(3)
    expect(await counts('to=2026-01-05')).toBe(0)
    expect(await counts('to=2026-01-06T09:00:00Z')).toBe(0)
    expect(await counts('to=2026-01-06T10:00:01%2B01:00')).toBe(3)
  })

  test.each(['counts', 'by-scenario', 'by-user', 'trends'])(
    '%s: what is no date is 400 and named, and so is a from after its to',
    async (what) => {
      const { call } = await started()
      for (const [query, path] of [
        ['from=yesterday', 'from'],
        ['from=2026-02-30', 'from'],
        ['to=2026-01-06T10:00:00', 'to'],
        ['from=2026-01-08&to=2026-01-06', 'from'],
        ['since=2026-01-08', 'since'],
      ]) {
        const { status, body } = await call('GET', `${analytics}/${what}?${query}`)
        expect({ query, status, code: body.code }).toEqual({ query, status: 400, code: 'VALIDATION_ERROR' })
        expect(JSON.stringify(body)).toContain(path)
      }
    },
  )

  test('draft against sent, with the words that were changed where they are asked for', async () => {
    const { call } = await started()
    const expected = {
      message_id: 'draft-sent',
      account_id: 'account-1',
      scenario: 'price list',
      user_id: 'default',
      draft_subject: 'Re: Prices',
      draft_body: 'Here are the prices.',
      sent_subject: 'Re: Prices',
      sent_body: 'Here are our prices.\n\n> Prices?',
      sent_to: 'bob@example.com, carl@example.com',
      created_at: '2026-01-05T09:00:00.000Z',
      sent_at: '2026-01-05T09:01:30.000Z',
      minutes_to_send: 1.5,
      changed: true,
      similarity: 0.95,
      edit_distance: 3,
      verdict: 'sent-edited',
      evidence: 'strong',
      score: 0.9,
    }
    const plain = await call('GET', `${analytics}/draft-vs-sent?limit=1`)
    expect(plain.body).toEqual({ items: [expected], total: 1, limit: 1, offset: 0 })
    const { body } = await call('GET', `${analytics}/draft-vs-sent?diff=words`)
    const diff = [
      { kind: 'same', text: 'Here are ' },
      { kind: 'removed', text: 'the' },
      { kind: 'added', text: 'our' },
      { kind: 'same', text: ' prices.' },
    ]
    expect(body.items).toEqual([{ ...expected, diff }])
  })

  test('trends, as JSON and as a table in which no scenario is a formula', async () => {
    const { call } = await started()
    const made = await call('POST', '/tokens', { json: { tenant_id: 'default', user_id: 'default', scopes: ['read'] } })
    const { token } = made.body
    const { body } = await call('GET', `${analytics}/trends`, { token })
    expect(body.items).toMatchObject([
      { week: '2026-01-05', scenario: '=HYPERLINK("https://example.com")', acceptance_rate: null },
      { week: '2026-01-05', scenario: 'price list', sent: 1, acceptance_rate: 1, median_minutes_to_send: 1.5 },
      { week: '2026-01-05', scenario: null, draft_created: 1, acceptance_rate: 0, median_edit_distance: null },
    ])
    const table = await call('GET', `${analytics}/trends?format=csv`, { token })
    expect(table.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    expect(new TextDecoder().decode(table.bytes).split('\r\n')).toEqual([
      'week,scenario,draft_created,sent,superseded,acceptance_rate,median_minutes_to_send,median_edit_distance',
      '2026-01-05,"\'=HYPERLINK(""https://example.com"")",1,0,0,,,',
      '2026-01-05,price list,0,1,0,1,1.5,3',
      '2026-01-05,,1,0,0,0,,',
      '',
    ])
  })
})
