import {
  createEngine,
  type Engine,
  type KnownOriginal,
  type MessageId,
  type SubmissionPort,
  WireError,
} from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import { codeOf, type FakeDevice, imapOfBen, type SuiteStorage } from '../harness.ts'

/** Nobody is there: what is asked for waits, and nothing goes. */
const unreachable: SubmissionPort = {
  connect: () => Promise.reject(new WireError('UNREACHABLE', 'nobody is there')),
}

/** The same store after so long, by an engine that can be asked to send. Time that passes step by step would be full of rounds. */
async function reopened(device: FakeDevice, afterMs = 0): Promise<Engine & AsyncDisposable> {
  await device.engine.close()
  const { environment } = device.time
  return await createEngine({
    storage: device.storage(),
    mailbox: device.mailbox.port,
    submission: unreachable,
    watch: false,
    probe: false,
    environment: { ...environment, now: () => environment.now() + afterMs },
  })
}

const request = { scope: 'a program', key: 'the key', digest: 'of this' }
const other = { ...request, digest: 'of that' }
const dayMs = 24 * 3_600_000

/** What may be asked for twice without being wanted twice. */
export function exerciseRepeatedRequests({ openFakeDevice }: SuiteStorage): void {
  describe('a request that comes twice', () => {
    test('makes one draft, over a restart, for a day; another one under its key is refused', async () => {
      await using device = await openFakeDevice()
      const { accountId, id } = await device.engine.drafts.create({ text: 'one' }, { request })
      await device.restart()
      expect((await device.engine.drafts.create({ text: 'one' }, { request })).id).toBe(id)
      expect(await codeOf(device.engine.drafts.create({ text: 'two' }, { request: other }))).toBe(
        'IDEMPOTENCY_KEY_REUSED',
      )
      const elsewhere = await device.engine.drafts.create(
        { text: 'one' },
        { request: { ...request, scope: 'another' } },
      )
      expect(elsewhere.id).not.toBe(id)
      await using engine = await reopened(device, dayMs + 1)
      await engine.housekeep()
      expect((await engine.drafts.create({ text: 'two' }, { request: other })).id).not.toBe(id)
      expect((await engine.drafts.list({ accountId })).total).toBe(3)
    })

    test('makes one reply, and asks no server the second time', async () => {
      await using device = await openFakeDevice()
      const { id: accountId } = device.account
      const original: KnownOriginal = {
        messageId: '<a@example.org>' as MessageId,
        from: { address: 'bob@example.org', name: 'Bob Example' },
        sender: null,
        replyTo: [],
        to: [],
        cc: [],
        mailFollowupTo: [],
        listPost: null,
        subject: 'Figures',
        date: null,
        inReplyTo: null,
        references: [],
        text: 'Look',
        html: null,
      }
      const reply = { original, mode: 'reply' } as const
      const made = await device.engine.drafts.reply(accountId, reply, { request })
      await device.restart()
      // Of a message that no server has.
      const again = await device.engine.drafts.reply(
        accountId,
        { messageId: '<b@example.org>', mode: 'reply' },
        { request },
      )
      expect(again.id).toBe(made.id)
      expect(await codeOf(device.engine.drafts.reply(accountId, reply, { request: other }))).toBe(
        'IDEMPOTENCY_KEY_REUSED',
      )
    })

    test('is one consent to send, although the draft is none any more', async () => {
      await using device = await openFakeDevice()
      const engine = await reopened(device)
      const account = await engine.accounts.add({ address: 'ben@example.com', imap: imapOfBen, smtp: imapOfBen })
      const draft = await engine.drafts.create({ accountId: account.id, to: 'bob@example.com', text: 'Dear Bob' })
      const sendAt = device.time.environment.now() + 2 * dayMs
      const sent = await engine.drafts.send(draft.id, { sendAt, request })
      expect((await engine.drafts.send(draft.id, { sendAt, request })).id).toBe(sent.id)
      expect((await engine.sends.ofRequest(request))?.id).toBe(sent.id)
      expect(await engine.sends.ofRequest({ ...request, key: 'another' })).toBeNull()
      expect(await codeOf(engine.sends.ofRequest(other))).toBe('IDEMPOTENCY_KEY_REUSED')
      expect(await codeOf(engine.drafts.send(draft.id, { request: { ...request, key: 'another' } }))).toBe(
        'NOT_A_DRAFT',
      )
      expect((await engine.sends.list()).total).toBe(1)
      await engine.close()
      await using later = await reopened(device, dayMs + 1)
      expect(await later.sends.ofRequest(request)).toBeNull()
    })
  })
}
