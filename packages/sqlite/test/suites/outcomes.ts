import {
  type AccountId,
  type ConversationId,
  defaultOwner,
  type MessageId,
  type Outcome,
  type OutcomeId,
  type SentOutcome,
  type TenantId,
  type Umid,
  type UserId,
  type Verdict,
} from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import {
  insertOutcome,
  openOutcomes,
  outcomeOfDraft,
  outcomesOfConversation,
  setCorrelated,
  setSuperseded,
} from '../../../core/src/storage/email-outcomes.ts'
import {
  countByScenario,
  countByUser,
  countOutcomes,
  outcomeTrends,
  type OutcomeScope,
  sentOutcomes,
} from '../../../core/src/storage/outcome-figures.ts'
import { codeOf, type OpenedStore, type SuiteStorage } from '../harness.ts'

const accountId = 'account-1' as AccountId
const conversationId = '<root@example.com>' as ConversationId

function outcome(name: string, createdAt: number): Outcome {
  return {
    id: `outcome-${name}` as OutcomeId,
    accountId,
    ...defaultOwner,
    userName: 'Ann Example',
    messageId: `draft-${name}` as Umid,
    conversationId,
    replyToMessageId: '<root@example.com>' as MessageId,
    scenario: 'price list',
    draftSubject: 'Re: Prices',
    draftBody: 'Here they are.',
    finalSubject: 'Re: Prices',
    finalBody: 'Here they are.\n\n> Prices?',
    metadata: { model: 'x', tokens: 3 },
    status: 'draft_created',
    createdAt,
    superseded: null,
    sent: null,
    verdict: 'pending',
  }
}

const sent: SentOutcome = {
  messageId: '<sent@example.org>',
  subject: 'Re: Prices',
  body: 'Here they are!',
  to: 'bob@example.com',
  at: 50,
  evidence: 'strong',
  score: 0.875,
  similarity: 0.93,
  editDistance: 1,
}

/** What programs have written, and what became of it. */
export function exerciseOutcomes({ openNotes }: SuiteStorage): void {
  describe('outcomes', () => {
    test('an outcome is read as it was written, and is told of', async () => {
      await using notes = await openNotes()
      const first = outcome('a', 1)
      await notes.store.write((write) => insertOutcome(write, first))
      expect(await notes.store.read((db) => outcomeOfDraft(db, first.messageId))).toEqual(first)
      expect(await notes.store.read((db) => outcomeOfDraft(db, 'draft-b' as Umid))).toBeNull()
      expect(notes.events).toMatchObject([
        { type: 'outcome.created', accountId, draftId: 'draft-a', outcomeId: 'outcome-a' },
      ])
    })

    test('a draft has one outcome', async () => {
      await using notes = await openNotes()
      await notes.store.write((write) => insertOutcome(write, outcome('a', 1)))
      const again = { ...outcome('b', 2), messageId: 'draft-a' as Umid }
      expect(await codeOf(notes.store.write((write) => insertOutcome(write, again)))).toBe('STORAGE_ERROR')
      expect(await notes.store.read((db) => openOutcomes(db, accountId))).toHaveLength(1)
    })

    test('only what is open is superseded, and says by what and whether its copy stays', async () => {
      await using notes = await openNotes()
      const [first, second] = [outcome('a', 1), outcome('b', 2)]
      const superseded = { at: 2, by: second.messageId, isKept: true }
      await notes.store.write(async (write) => {
        await insertOutcome(write, first)
        await insertOutcome(write, second)
        await setSuperseded(write, first.id, superseded)
      })
      expect(await notes.store.read((db) => outcomesOfConversation(db, accountId, conversationId))).toEqual([
        { ...first, status: 'superseded', superseded },
        second,
      ])
      expect(await notes.store.read((db) => openOutcomes(db, accountId))).toEqual([second])
      expect(notes.events.at(-1)).toMatchObject({ type: 'outcome.superseded', draftId: 'draft-a', by: 'draft-b' })
      expect(await codeOf(notes.store.write((write) => setSuperseded(write, first.id, superseded)))).toBe('NOT_FOUND')
    })

    test('a sent mail belongs to one outcome, and moves where better evidence names another', async () => {
      await using notes = await openNotes()
      const [first, second] = [outcome('a', 1), outcome('b', 2)]
      const found = { sent, verdict: 'sent-edited' } as const
      await notes.store.write(async (write) => {
        await insertOutcome(write, first)
        await insertOutcome(write, second)
        await setCorrelated(write, first.id, found)
      })
      const of = (draftId: Umid) => notes.store.read((db) => outcomeOfDraft(db, draftId))
      expect(await of(first.messageId)).toEqual({ ...first, status: 'sent', ...found })
      expect(await codeOf(notes.store.write((write) => setCorrelated(write, second.id, found)))).toBe('STORAGE_ERROR')
      await notes.store.write(async (write) => {
        await setCorrelated(write, first.id, { sent: null, verdict: 'pending' })
        await setCorrelated(write, second.id, found)
        // The same again is no news.
        await setCorrelated(write, second.id, found)
      })
      expect(await of(first.messageId)).toEqual(first)
      expect((await of(second.messageId))?.sent).toEqual(sent)
      const told = notes.events.filter(({ type }) => type === 'outcome.sent')
      expect(told).toMatchObject([
        { outcomeId: first.id, evidence: 'strong', verdict: 'sent-edited' },
        { outcomeId: second.id, evidence: 'strong', verdict: 'sent-edited' },
      ])
    })
  })

  describe('figures of outcomes', () => {
    test('each counts once, as what it is now, and only those of the user, or of the tenant', async () => {
      await using notes = await openNotes()
      await fill(notes)
      const own: OutcomeScope = { ...defaultOwner, from: null, to: null }
      const counts = (changes: Partial<OutcomeScope> = {}) =>
        notes.store.read((db) => countOutcomes(db, { ...own, ...changes }))
      expect(await counts()).toEqual({ draftCreated: 2, sent: 3, superseded: 1 })
      expect(await counts({ userId: null })).toEqual({ draftCreated: 3, sent: 3, superseded: 1 })
      expect(await counts({ tenantId: 'acme' as TenantId })).toEqual({ draftCreated: 0, sent: 0, superseded: 0 })
      // From on, and not at the end.
      expect(await counts({ from: monday, to: monday + dayMs })).toEqual({ draftCreated: 0, sent: 2, superseded: 1 })
      expect(await counts({ from: monday + 1, to: monday + dayMs + 1 })).toEqual({
        draftCreated: 1,
        sent: 1,
        superseded: 1,
      })
      expect(await notes.store.read((db) => countByScenario(db, own))).toEqual([
        { scenario: 'price list', draftCreated: 1, sent: 3, superseded: 1 },
        { scenario: null, draftCreated: 1, sent: 0, superseded: 0 },
      ])
      expect(await notes.store.read((db) => countByUser(db, { ...own, userId: null }))).toEqual([
        { userId: 'default', userName: 'Ann Example', draftCreated: 2, sent: 3, superseded: 1 },
        { userId: 'bob', userName: '', draftCreated: 1, sent: 0, superseded: 0 },
      ])
    })

    test('by week and scenario: how many were sent of those whose end is known, how soon, how much was changed', async () => {
      await using notes = await openNotes()
      await fill(notes)
      const scope = { ...defaultOwner, from: null, to: null }
      expect(await notes.store.read((db) => outcomeTrends(db, scope))).toEqual([
        {
          week: monday,
          scenario: 'price list',
          draftCreated: 1,
          sent: 2,
          superseded: 1,
          acceptanceRate: 2 / 3,
          medianToSendMs: (1_000 + 4_000) / 2,
          medianEditDistance: 15,
        },
        {
          week: monday + 7 * dayMs,
          scenario: 'price list',
          draftCreated: 0,
          sent: 1,
          superseded: 0,
          acceptanceRate: 1,
          medianToSendMs: 9_000,
          medianEditDistance: 0,
        },
        {
          week: monday + 7 * dayMs,
          scenario: null,
          draftCreated: 1,
          sent: 0,
          superseded: 0,
          acceptanceRate: null,
          medianToSendMs: null,
          medianEditDistance: null,
        },
      ])
    })

    test('those of which the sent mail is known, the last sent first, a page of them', async () => {
      await using notes = await openNotes()
      await fill(notes)
      const page = (limit: number, offset: number) =>
        notes.store.read((db) => sentOutcomes(db, defaultOwner, { limit, offset }))
      const { items, total } = await page(2, 0)
      expect({ total, of: items.map(({ messageId }) => messageId) }).toEqual({ total: 3, of: ['draft-e', 'draft-b'] })
      expect((await page(2, 2)).items.map(({ messageId }) => messageId)).toEqual(['draft-a'])
    })
  })
}

const dayMs = 24 * 3_600_000
/** 5 January 2026. */
const monday = Date.UTC(2026, 0, 5)

/** Two weeks of two users. */
async function fill({ store }: OpenedStore): Promise<void> {
  await store.write(async (write) => {
    const add = async (
      name: string,
      at: number,
      end: { readonly afterMs: number; readonly editDistance: number } | Verdict | 'superseded',
      changes: Partial<Outcome> = {},
    ): Promise<void> => {
      const made = { ...outcome(name, at), ...changes }
      await insertOutcome(write, made)
      if (end === 'superseded') await setSuperseded(write, made.id, { at, by: 'draft-z' as Umid, isKept: false })
      else if (typeof end === 'string') await setCorrelated(write, made.id, { sent: null, verdict: end })
      else {
        const { afterMs, editDistance } = end
        const mail = { ...sent, messageId: `<${name}@example.org>`, at: at + afterMs, editDistance }
        await setCorrelated(write, made.id, { sent: mail, verdict: 'sent-edited' })
      }
    }
    await add('a', monday, { afterMs: 1_000, editDistance: 10 })
    await add('b', monday + 1, { afterMs: 4_000, editDistance: 20 })
    await add('c', monday + dayMs - 1, 'superseded')
    await add('d', monday + dayMs, 'discarded')
    await add('e', monday + 7 * dayMs, { afterMs: 9_000, editDistance: 0 })
    await add('f', monday + 8 * dayMs, 'pending', { scenario: null })
    await add('g', monday, 'pending', { userId: 'bob' as UserId, userName: '' })
  })
}
