import {
  type AccountId,
  type ConversationId,
  defaultOwner,
  type MessageId,
  type Outcome,
  type OutcomeId,
  type SentOutcome,
  type Umid,
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
import { codeOf, type SuiteStorage } from '../harness.ts'

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
      await expect(notes.store.write((write) => insertOutcome(write, again))).rejects.toThrow()
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
      await expect(notes.store.write((write) => setCorrelated(write, second.id, found))).rejects.toThrow()
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
}
