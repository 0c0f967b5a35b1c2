import type { AccountId, ConversationId, InboxMarkId, MessageId, ResponderSettings, Umid } from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import type { KeptMail } from '../../../core/src/responder/reply-content.ts'
import { conversationOf, dropConversationsBefore, joinConversation } from '../../../core/src/storage/conversations.ts'
import {
  dropInboxMarksBefore,
  draftAnswering,
  endInboxMark,
  endOpenInboxMarks,
  findInboxMark,
  inboxMarksOfConversation,
  insertInboxMark,
  mailAnsweredBy,
  openInboxMarks,
  setInboxMarkFailed,
} from '../../../core/src/storage/inbox-marks.ts'
import {
  deleteResponder,
  findResponder,
  restartResponders,
  setResponder,
} from '../../../core/src/storage/responders.ts'
import { codeOf, type SuiteStorage } from '../harness.ts'

const accountId = 'account-1' as AccountId
const conversationId = '<1@example.com>' as ConversationId
const ids = ['<1@example.com>', '<2@example.com>'] as MessageId[]

const settings: ResponderSettings = {
  accountId,
  target: { kind: 'url', url: 'https://hooks.example.com/', allowPrivate: true },
  filters: { from: ['*@example.com'], headers: { 'X-Team': ['sales'] } },
  scenario: null,
  timeoutMs: 30_000,
  cooldownMs: 2_592_000_000,
  hourlyLimit: 100,
  createdAt: 1,
  updatedAt: 2,
}

const mail: KeptMail = {
  messageId: ids[0]!,
  date: null,
  from: { address: 'bob@example.com', name: 'Bób' },
  sender: null,
  replyTo: [],
  to: [],
  cc: [],
  mailFollowupTo: [],
  listPost: null,
  subject: 'Größe?',
  inReplyTo: null,
  references: [],
  text: '“7” ☃\n',
  html: null,
}

const mark = (name: string, foundAt: number) => ({
  id: `mark-${name}` as InboxMarkId,
  accountId,
  conversationId,
  mail,
  foundAt,
})

/** What responders are set to, and the mails that they are asked about. */
export function exerciseAnswers({ openNotes }: SuiteStorage): void {
  describe('answers', () => {
    test('the settings of a responder are read as they were written, replaced, and gone', async () => {
      await using notes = await openNotes()
      const { store } = notes
      await store.write(({ db }) => setResponder(db, settings))
      expect(await store.read((db) => findResponder(db, accountId))).toEqual(settings)
      const other = { ...settings, target: { kind: 'module', name: 'a' } as const, scenario: 'x' }
      await store.write(({ db }) => setResponder(db, other))
      expect(await store.read((db) => findResponder(db, accountId))).toEqual(other)
      await store.write(({ db }) => restartResponders(db, 9))
      expect((await store.read((db) => findResponder(db, accountId)))?.createdAt).toBe(9)
      await store.write(({ db }) => deleteResponder(db, accountId))
      expect(await store.read((db) => findResponder(db, accountId))).toBeNull()
      expect(await codeOf(store.write(({ db }) => deleteResponder(db, accountId)))).toBe('NOT_FOUND')
    })

    test('a mail is found once, waits, fails, and ends', async () => {
      await using notes = await openNotes()
      const { store } = notes
      const first = await store.write(({ db }) => insertInboxMark(db, { ...mark('a', 1), identity: 'same' }))
      const again = await store.write(({ db }) => insertInboxMark(db, { ...mark('b', 2), identity: 'same' }))
      expect([first, again]).toEqual([true, false])
      await store.write(({ db }) => insertInboxMark(db, { ...mark('c', 3), identity: 'other' }))
      const found = await store.read((db) => findInboxMark(db, mark('a', 1).id))
      const fresh = { state: 'waiting', reason: null, failures: 0, draftId: null } as const
      expect(found).toEqual({ ...mark('a', 1), identity: 'same', ...fresh })
      const reason = { code: 'RESPONDER_TIMEOUT', message: 'late', at: 4 }
      await store.write(({ db }) => setInboxMarkFailed(db, found!.id, { state: 'parked', reason, failures: 12 }))
      const open = (states: Parameters<typeof openInboxMarks>[2]) =>
        store.read(async (db) => (await openInboxMarks(db, accountId, states)).map(({ id }) => id))
      expect(await open(['waiting'])).toEqual(['mark-c'])
      expect(await open(['waiting', 'parked'])).toEqual(['mark-a', 'mark-c'])
      await store.write(({ db }) => endInboxMark(db, found!.id, { state: 'drafted', draftId: 'draft-a' as Umid }, 5))
      await store.write(({ db }) => endOpenInboxMarks(db, accountId, { ...reason, at: 7 }))
      expect(await open(['waiting', 'parked'])).toEqual([])
      const last = (limit: number) => store.read((db) => inboxMarksOfConversation(db, accountId, conversationId, limit))
      expect(await store.read((db) => draftAnswering(db, accountId, 'same'))).toBe('draft-a')
      expect(await store.read((db) => draftAnswering(db, accountId, 'other'))).toBeNull()
      expect(await store.read((db) => mailAnsweredBy(db, 'draft-a' as Umid))).toBe('same')
      expect(await store.read((db) => mailAnsweredBy(db, 'draft-b' as Umid))).toBeNull()
      const marks = await last(20)
      expect(await last(1)).toEqual(marks.slice(-1))
      expect(marks).toMatchObject([
        { state: 'drafted', draftId: 'draft-a', reason: null },
        { state: 'skipped', draftId: null, reason: { at: 7 } },
      ])
      await store.write(({ db }) => dropInboxMarksBefore(db, 6))
      expect(await store.read((db) => findInboxMark(db, found!.id))).toBeNull()
    })

    test('a Message-ID belongs to the conversation that it came into first', async () => {
      await using notes = await openNotes()
      const { store } = notes
      await store.write(({ db }) => joinConversation(db, accountId, { conversationId, ids, now: 1 }))
      const others = ['<2@example.com>', '<3@example.com>'] as MessageId[]
      const other = { conversationId: 'other' as ConversationId, ids: others, now: 2 }
      await store.write(({ db }) => joinConversation(db, accountId, other))
      const of = (...asked: readonly string[]) =>
        store.read((db) => conversationOf(db, accountId, asked as readonly MessageId[]))
      expect(await of('<0@example.com>', '<2@example.com>', '<3@example.com>')).toBe(conversationId)
      expect(await of('<3@example.com>')).toBe('other')
      expect([await of(), await of('<0@example.com>')]).toEqual([null, null])
      await store.write(({ db }) => dropConversationsBefore(db, 2))
      expect([await of('<1@example.com>'), await of('<3@example.com>')]).toEqual([null, 'other'])
    })
  })
}
