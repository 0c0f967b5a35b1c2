import type { MessageId, SendId } from '@everdraft/core'
import { sql } from 'kysely'
import { expect, test } from 'vitest'

import { newSend, type SendEvent } from '../../core/src/draft/send-state.ts'
import { getDraft } from '../../core/src/storage/drafts.ts'
import { entriesOf } from '../../core/src/storage/send-journal.ts'
import { type AppliedSend, applySendEvents, getSend, insertSend, noFacts } from '../../core/src/storage/sends.ts'
import { openFakeDevice, openStoreAt } from './harness.ts'

const id = '00000000-0000-7000-8000-00000000000a' as SendId

const accepted = { code: 'ACCEPTED', message: '250 fine' } as const

/** From the consent to the mark before the final dot. */
const toTheDot: readonly SendEvent[] = [
  { type: 'released' },
  { type: 'froze' },
  { type: 'opened', verdicts: [{ address: 'bob@example.com', kind: 'accepted', reason: accepted }], retryAt: 9_000 },
  { type: 'dot-marked' },
]

/** A store with one send, and what tells it as it was when it was read first. */
async function withSend() {
  const device = await openFakeDevice()
  const { accountId, id: draftId } = await device.engine.drafts.create({ to: 'bob@example.com', text: 'Dear Bob' })
  await device.engine.close()
  const store = await openStoreAt(device.file)
  const first = await store.write(async (write) => {
    const draft = await getDraft(write.db, draftId)
    const state = newSend(draft.version, ['bob@example.com'], 1_000)
    const messageId = '<a@example.org>' as MessageId
    const made = { id, accountId, draftId, state, facts: noFacts, messageId, sender: 'ann@example.org' }
    return await insertSend(write, { ...made, subject: 'Figures', createdAt: 1 }, draft, [], 1)
  })
  return {
    tell: (event: SendEvent, now: number): Promise<AppliedSend> =>
      store.write((write) => applySendEvents(write, first, [event], now)),
    journal: async () => entriesOf((await store.read((db) => getSend(db, id))).journal).map(({ type }) => type),
    /** Of what changes from step to step, in bytes. */
    size: async () => {
      const sizes = sql<number>`octet_length(state) + octet_length(facts) + octet_length(journal)`
      const row = await store.read((db) => db.selectFrom('send').select(sizes.as('size')).executeTakeFirstOrThrow())
      return row.size
    },
    async [Symbol.asyncDispose]() {
      await store.close()
      await device[Symbol.asyncDispose]()
    },
  }
}

test('what happens to a send is told to it as it is, however old the reader’s own view of it is', async () => {
  await using send = await withSend()
  const reason = { code: 'REFUSED', message: 'not now' } as const
  await send.tell({ type: 'held', reason }, 2)
  const applied = await send.tell({ type: 'cancelled' }, 3)
  expect(applied).toMatchObject({ rule: 'cancel', before: { state: { held: reason } }, send: { changes: 2 } })
  expect(await send.journal()).toEqual(['consented', 'held', 'cancelled'])
})

test('what could be cancelled when it was read is not where it is at the final dot', async () => {
  await using send = await withSend()
  for (const event of toTheDot) await send.tell(event, 2)
  expect(await send.tell({ type: 'cancelled' }, 3)).toMatchObject({
    rule: 'refuse',
    send: { changes: 4, state: { phase: 'dotting' } },
  })
  expect(await send.journal()).toEqual(['consented', ...toTheDot.map(({ type }) => type)])
})

test('what was refused when it was read is done where it may be by now', async () => {
  await using send = await withSend()
  expect(await send.tell({ type: 'froze' }, 2)).toMatchObject({ rule: 'refuse' })
  await send.tell({ type: 'released' }, 3)
  expect(await send.tell({ type: 'froze' }, 4)).toMatchObject({ send: { state: { phase: 'frozen' }, changes: 2 } })
  expect(await send.journal()).toEqual(['consented', 'released', 'froze'])
})

test('the row of a send on its way is as long at its last step as at its first', async () => {
  await using send = await withSend()
  const sizes: number[] = [await send.size()]
  for (const event of toTheDot) {
    await send.tell(event, 1_795_301_326_628)
    sizes.push(await send.size())
  }
  expect(new Set(sizes)).toEqual(new Set([1_000]))
  expect(await send.journal()).toEqual(['consented', 'released', 'froze', 'opened', 'dot-marked'])
})
