import {
  type AccountId,
  type AttemptId,
  type ConversationId,
  defaultOwner,
  emptyContent,
  type FolderPath,
  type MessageId,
  type Outcome,
  type OutcomeId,
  type SentOutcome,
  type Uid,
  type UidValidity,
  type Umid,
  type Version,
} from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import { insertAccount } from '../../../core/src/storage/accounts.ts'
import { insertAttempt } from '../../../core/src/storage/attempts.ts'
import { applyDraftEvent } from '../../../core/src/storage/draft-states.ts'
import { draftsTouchedSince, newestCursor } from '../../../core/src/storage/events.ts'
import {
  dropMailAnswersBefore,
  isAnsweredInSent,
  noteRivalDraft,
  noteSentAnswers,
  rivalDrafts,
} from '../../../core/src/storage/mail-answers.ts'
import { insertDraft } from '../../../core/src/storage/drafts.ts'
import { insertOutcome, setCorrelated } from '../../../core/src/storage/email-outcomes.ts'
import {
  copiesOf,
  draftStands,
  draftWords,
  explainedMails,
  isUnclear,
  missingDrafts,
  outcomeLook,
  outcomesOfDrafts,
  outcomeSights,
  sendsOf,
  setOutcomeSight,
  setWeighed,
  setWeighingDue,
  type Sight,
  successorStands,
  unclearDrafts,
  unclearOutcomes,
} from '../../../core/src/storage/outcome-traces.ts'
import {
  dropSentMail,
  dropSentMailsBefore,
  forgetSentMails,
  keepSentMail,
  type KeptSentMail,
  keptSentMails,
} from '../../../core/src/storage/sent-mails.ts'
import type { Db } from '../../../core/src/storage/db.ts'
import type { SuiteStorage } from '../harness.ts'

const accountId = 'account-1' as AccountId
const since = { madeAt: 100, sentAt: 500 }

function outcome(name: string, createdAt: number): Outcome {
  return {
    id: `outcome-${name}` as OutcomeId,
    accountId,
    ...defaultOwner,
    userName: '',
    messageId: `draft-${name}` as Umid,
    conversationId: `<${name}@example.com>` as ConversationId,
    replyToMessageId: null,
    scenario: null,
    draftSubject: '',
    draftBody: '',
    finalSubject: '',
    finalBody: '',
    metadata: {},
    status: 'draft_created',
    createdAt,
    superseded: null,
    sent: null,
    verdict: 'pending',
  }
}

function sent(messageId: string, at: number, evidence: SentOutcome['evidence']): SentOutcome {
  return { messageId, subject: '', body: '', to: '', at, evidence, score: 1, similarity: 1, editDistance: 0 }
}

async function addAccount(db: Db): Promise<void> {
  const imap = { host: '127.0.0.1', port: 1, security: 'none', user: 'ann' } as const
  const account = { id: accountId, owner: defaultOwner, address: 'ann@example.org', name: '', imap, smtp: null }
  await insertAccount(db, { ...account, createdAt: 1 }, [])
}

async function addDraft(db: Db, id: string, now: number, succeeds: string | null = null): Promise<void> {
  await insertDraft(db, {
    id: id as Umid,
    accountId,
    token: `token of ${id}`,
    policy: 'sync',
    content: { ...emptyContent, subject: `Subject of ${id}` },
    now,
    succeeds: succeeds as Umid | null,
  })
}

async function addCopy(db: Db, draftId: string, at: number, method: 'append' | 'import'): Promise<void> {
  await insertAttempt(db, {
    id: `attempt-${draftId}-${at}` as AttemptId,
    accountId,
    draftId: draftId as Umid,
    version: 1 as Version,
    messageId: `<${draftId}.${at}@example.org>` as MessageId,
    baseMessageId: null,
    digest: '',
    method,
    folder: 'Drafts' as FolderPath,
    uidValidity: 7 as UidValidity,
    uidNext: null,
    parts: [],
    size: 1,
    state: 'stored',
    bytesSent: 0,
    createdAt: at,
    endedAt: at,
  })
}

const place = (uid: number) => ({
  accountId,
  folder: 'Sent' as FolderPath,
  uidValidity: 7 as UidValidity,
  uid: uid as Uid,
})

function mail(sentAt: number): KeptSentMail {
  return {
    messageId: `<${sentAt}@example.org>` as MessageId,
    originalIds: [],
    everdraftId: null,
    serverIds: ['M1'],
    sentAt,
    content: { ...emptyContent, text: 'Größe 😀\n', attachments: null },
  }
}

/** What a sent mail is compared with. */
export function exerciseOutcomeTraces({ openNotes }: SuiteStorage): void {
  describe('traces of drafts that programs wrote', () => {
    test('unclear is what is not sent, or was lately and not beyond doubt, and is not too old', async () => {
      await using notes = await openNotes()
      await notes.store.write(async (write) => {
        for (const [name, at] of [
          ['old', 50],
          ['open', 200],
          ['exact', 201],
          ['weak', 202],
          ['settled', 203],
        ] as const) {
          await insertOutcome(write, outcome(name, at))
        }
        const all = [
          ['exact', sent('<exact@example.org>', 900, 'exact')],
          ['weak', sent('<weak@example.org>', 901, 'probable')],
          ['settled', sent('<settled@example.org>', 300, 'strong')],
        ] as const
        for (const [name, one] of all) {
          await setCorrelated(write, `outcome-${name}` as OutcomeId, { sent: one, verdict: 'sent-edited' })
        }
      })
      const { store } = notes
      expect(await store.read((db) => unclearDrafts(db, accountId, since))).toEqual([
        { draftId: 'draft-open', createdAt: 200 },
        { draftId: 'draft-weak', createdAt: 202 },
      ])
      expect(await store.read((db) => unclearDrafts(db, accountId, since, 1))).toHaveLength(1)
      expect(await store.read((db) => unclearDrafts(db, 'account-2' as AccountId, since))).toEqual([])
      const outcomes = await store.read((db) => unclearOutcomes(db, accountId, since))
      expect(outcomes.map(({ id }) => id)).toEqual(['outcome-open', 'outcome-weak'])
      const asked = ['<exact@example.org>', '<settled@example.org>', '<unknown@example.org>']
      expect(await store.read((db) => explainedMails(db, accountId, asked))).toEqual(
        new Map([
          ['<exact@example.org>', 'draft-exact'],
          ['<settled@example.org>', 'draft-settled'],
        ]),
      )
    })

    test('what happened to drafts since an event, and which are missing', async () => {
      await using notes = await openNotes()
      const { store } = notes
      const draftId = 'first' as Umid
      const receipt = { ...place(5), folder: 'Drafts' as FolderPath, messageId: '<1@example.org>' as MessageId }
      const bound = { ...receipt, version: 1 as Version, attemptId: 'attempt' as AttemptId }
      await store.write(async (write) => {
        await addAccount(write.db)
        await addDraft(write.db, 'first', 10)
        await addDraft(write.db, 'second', 20, 'first')
        await applyDraftEvent(write, draftId, { type: 'uploaded', receipt: bound, replaced: null }, 30)
        await insertOutcome(write, { ...outcome('x', 10), messageId: draftId })
      })
      const before = await store.read((db) => newestCursor(db))
      const touched = (of: AccountId) => store.read((db) => draftsTouchedSince(db, of, before))
      expect(await touched(accountId)).toEqual(new Set())
      await store.write(async ({ emit }) => {
        const version = 1 as Version
        emit({ type: 'draft-imported', accountId, draftId: 'second' as Umid, version, succeeds: draftId })
        emit({ type: 'draft-discarded', accountId: 'account-2' as AccountId, draftId: 'other' as Umid, version })
        emit({ type: 'account-changed', accountId })
      })
      expect(await touched(accountId)).toEqual(new Set(['first', 'second']))
      expect(await store.read((db) => missingDrafts(db, accountId))).toEqual(new Set())
      await store.write((write) => applyDraftEvent(write, draftId, { type: 'name-vanished', at: 40 }, 40))
      expect(await store.read((db) => missingDrafts(db, accountId))).toEqual(new Set(['first']))
      const outcomes = await store.read((db) => outcomesOfDrafts(db, accountId, [draftId, 'second' as Umid]))
      expect(outcomes).toMatchObject([{ messageId: 'first', verdict: 'pending' }])
      expect(await store.read((db) => outcomesOfDrafts(db, 'account-2' as AccountId, [draftId]))).toEqual([])
    })

    test('what is unclear of outcomes is the same in rows and in words', () => {
      const open = outcome('open', 200)
      expect(isUnclear(open, since)).toBe(true)
      expect(isUnclear(outcome('old', 99), since)).toBe(false)
      expect(isUnclear({ ...open, sent: sent('<1@example.org>', 900, 'exact') }, since)).toBe(false)
      expect(isUnclear({ ...open, sent: sent('<1@example.org>', 901, 'probable') }, since)).toBe(true)
      expect(isUnclear({ ...open, sent: sent('<1@example.org>', 300, 'strong') }, since)).toBe(false)
    })

    test('what answers a mail elsewhere: in Sent to one of these people, or a draft of another device', async () => {
      await using notes = await openNotes()
      const { store } = notes
      const asked = '<asked@example.com>' as MessageId
      const answers = [{ mail: asked, recipients: ['bob@example.com', 'carla@example.com'] }]
      const isAnswered = (of: AccountId, ...people: readonly string[]) =>
        store.read((db) => isAnsweredInSent(db, of, { mail: asked, people }))
      const rival = { accountId, identity: 'a mail', draftId: 'second' as Umid, isEdited: false }
      const rivals = () => store.read((db) => rivalDrafts(db, accountId, 'a mail'))
      await store.write(async ({ db }) => {
        await addAccount(db)
        await addDraft(db, 'first', 10)
        await addDraft(db, 'second', 20)
        for (const _ of ['once', 'again']) await noteSentAnswers(db, accountId, answers, 5)
        await noteRivalDraft(db, rival, 6)
        await noteRivalDraft(db, { ...rival, draftId: 'first' as Umid }, 6)
      })
      expect(await isAnswered(accountId, 'dan@example.com', 'bob@example.com')).toBe(true)
      expect(await isAnswered(accountId, 'dan@example.com')).toBe(false)
      expect(await isAnswered(accountId)).toBe(false)
      expect(await isAnswered('account-2' as AccountId, 'bob@example.com')).toBe(false)
      const untouched = [
        { draftId: 'first', isEdited: false },
        { draftId: 'second', isEdited: false },
      ]
      expect(await rivals()).toEqual(untouched)
      // What was edited once stays so.
      await store.write(({ db }) => noteRivalDraft(db, { ...rival, isEdited: true }, 7))
      await store.write(({ db }) => noteRivalDraft(db, rival, 8))
      expect(await rivals()).toEqual([untouched[0], { draftId: 'second', isEdited: true }])
      await store.write(({ db }) => dropMailAnswersBefore(db, 6))
      expect(await isAnswered(accountId, 'bob@example.com')).toBe(false)
      expect(await rivals()).toHaveLength(2)
    })

    test('a draft, what came of it, and all copies of both', async () => {
      await using notes = await openNotes()
      await notes.store.write(async ({ db }) => {
        await addAccount(db)
        await addDraft(db, 'first', 10)
        await addDraft(db, 'second', 20, 'first')
        await addCopy(db, 'first', 12, 'import')
        await addCopy(db, 'first', 11, 'append')
      })
      const { store } = notes
      const first = 'first' as Umid
      const stand = { status: 'draft', version: 1, isPurged: false, trashedAt: null, missingSince: null, name: null }
      expect(await store.read((db) => draftStands(db, [first, 'none' as Umid]))).toEqual([
        { draftId: 'first', ...stand, createdAt: 10, succeeds: null },
      ])
      expect(await store.read((db) => successorStands(db, [first]))).toEqual([
        { draftId: 'second', ...stand, createdAt: 20, succeeds: 'first' },
      ])
      const words = await store.read((db) => draftWords(db, [first]))
      expect(words.get(first)).toMatchObject({ token: 'token of first', content: { subject: 'Subject of first' } })
      const copies = await store.read((db) => copiesOf(db, [first]))
      expect(copies.get(first)).toEqual([
        { draftId: 'first', messageId: '<first.11@example.org>', isUpload: true },
        { draftId: 'first', messageId: '<first.12@example.org>', isUpload: false },
      ])
      expect(await store.read((db) => sendsOf(db, [first]))).toEqual(new Map())
    })

    test('more drafts than a statement takes are read in several', async () => {
      await using notes = await openNotes()
      const ids = Array.from({ length: 501 }, (_, at) => `many-${at}`)
      await notes.store.write(async ({ db }) => {
        await addAccount(db)
        for (const id of ids) await addDraft(db, id, 1)
      })
      const stands = await notes.store.read((db) => draftStands(db, ids as Umid[]))
      expect(new Set(stands.map(({ draftId }) => draftId)).size).toBe(ids.length)
    })

    test('when a draft was seen is kept, and changes', async () => {
      await using notes = await openNotes()
      const copies = [{ uidValidity: 7 as UidValidity, uid: 1 as Uid, ids: ['M1'] }]
      const sight: Sight = { seenAt: 1, goneAt: 2, copies }
      const set = (one: Sight): Promise<void> =>
        notes.store.write(({ db }) => setOutcomeSight(db, accountId, 'first' as Umid, one))
      await set(sight)
      expect(await notes.store.read((db) => outcomeSights(db, ['first'] as Umid[]))).toEqual(
        new Map([['first', sight]]),
      )
      await set({ seenAt: 3, goneAt: null, copies: [] })
      expect(
        (await notes.store.read((db) => outcomeSights(db, ['first'] as Umid[]))).get('first' as Umid)?.goneAt,
      ).toBeNull()
    })

    test('what was read is to be weighed, until it was', async () => {
      await using notes = await openNotes()
      const look = () => notes.store.read((db) => outcomeLook(db, accountId))
      expect(await look()).toEqual({ weighedAt: 0, isDue: true })
      await notes.store.write(({ db }) => setWeighed(db, accountId, 5))
      expect(await look()).toEqual({ weighedAt: 5, isDue: false })
      await notes.store.write(({ db }) => setWeighingDue(db, accountId))
      expect(await look()).toEqual({ weighedAt: 5, isDue: true })
    })

    test('mails from Sent are kept as they were read, once each, until they are let go', async () => {
      await using notes = await openNotes()
      const { store } = notes
      const kept = (): Promise<readonly number[]> =>
        store.read(async (db) => (await keptSentMails(db, accountId)).map(({ place: { uid } }) => uid))
      await store.write(async ({ db }) => {
        for (const uid of [3, 1, 2, 4]) await keepSentMail(db, place(uid), mail(uid * 10))
        await keepSentMail(db, place(1), mail(10))
      })
      expect(await kept()).toEqual([1, 2, 3, 4])
      expect((await store.read((db) => keptSentMails(db, accountId)))[0]).toEqual({ place: place(1), mail: mail(10) })
      await store.write(({ db }) => dropSentMail(db, place(3)))
      await store.write(({ db }) => dropSentMailsBefore(db, 20))
      expect(await kept()).toEqual([2, 4])
      await store.write(({ db }) => forgetSentMails(db, accountId))
      expect(await kept()).toEqual([])
    })
  })
}
