import { DatabaseSync } from 'node:sqlite'

import type { SendRecord } from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import { openSender, type Sender } from './sender.ts'

const dayMs = 24 * 3_600_000

async function send({ device }: Sender, text: string, sendAt?: number): Promise<SendRecord> {
  const draft = await device.create({ text })
  return await device.engine.drafts.send(draft.id, sendAt === undefined ? {} : { sendAt })
}

describe('the records of sends', () => {
  test('come in pages, the newest first, by account, draft and status, and are the same after a restart', async () => {
    await using sender = await openSender()
    const { device } = sender
    const ids: string[] = []
    for (const text of ['one\n', 'two\n', 'three\n']) {
      const { id } = await send(sender, text)
      await sender.reaches(id, 'cleaned')
      ids.unshift(id)
    }
    const waiting = await send(sender, 'four\n', Date.now() + dayMs)
    ids.unshift(waiting.id)
    const accountId = device.account.id
    const pages = async (): Promise<readonly SendRecord[]> => {
      const read: SendRecord[] = []
      for (const offset of [0, 3]) {
        const page = await device.engine.sends.list({ accountId, limit: 3, offset })
        expect(page).toMatchObject({ total: 4, limit: 3, offset })
        read.push(...page.items)
      }
      return read
    }
    const before = await pages()
    expect(before.map(({ id }) => id)).toEqual(ids)
    expect(before[1]).toMatchObject({
      accountId,
      from: 'ann@example.org',
      subject: 'A letter',
      status: 'sent',
      attempts: 1,
      error: null,
      recipients: [{ address: 'bob@example.com', status: 'accepted' }],
    })
    expect(before[1]?.verifiedAt).not.toBeNull()
    await device.restart()
    expect(await pages()).toEqual(before)
    const queued = await device.engine.sends.list({ status: 'queued' })
    expect(queued.items.map(({ id }) => id)).toEqual([waiting.id])
    const { draftId } = before[2]!
    expect((await device.engine.sends.list({ draftId })).items).toEqual([before[2]])
    await expect(device.engine.sends.list({ limit: 501 })).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
  })

  test('are found by the request that made them, for a day', async () => {
    let passedMs = 0
    await using sender = await openSender({}, {}, { environment: { now: () => Date.now() + passedMs } })
    const { engine } = sender.device
    const draft = await sender.device.create()
    const request = { scope: 'a test', key: 'the key', digest: 'of what was asked for' }
    const first = await engine.drafts.send(draft.id, { request })
    await sender.reaches(first.id, 'cleaned')
    expect((await engine.drafts.send(draft.id, { request })).id).toBe(first.id)
    expect((await engine.sends.ofRequest(request))?.id).toBe(first.id)
    expect(await engine.sends.ofRequest({ ...request, scope: 'another' })).toBeNull()
    await expect(engine.sends.ofRequest({ ...request, digest: 'of another thing' })).rejects.toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
    })
    expect(sender.mailServer.submissions).toHaveLength(1)
    passedMs = dayMs + 1
    await engine.housekeep()
    passedMs = 0
    expect(await engine.sends.ofRequest(request)).toBeNull()
    await expect(engine.drafts.send(draft.id, { request })).rejects.toMatchObject({ code: 'NOT_A_DRAFT' })
  })

  test('are kept for as long as is said, with their journal, and what is open for ever', async () => {
    let passedMs = 0
    const environment = { now: (): number => Date.now() + passedMs }
    await using sender = await openSender(
      {},
      { sentCopyLookAgainMs: 60_000 },
      { environment, housekeeping: { sendMs: 10 * dayMs } },
    )
    const { device } = sender
    const { id: ended } = await send(sender, 'ended\n')
    await sender.reaches(ended, 'cleaned')
    const { id: waiting } = await send(sender, 'waits\n', Date.now() + 100 * dayMs)
    // The copy in Sent was looked at again for the last time.
    passedMs = 2 * dayMs
    await device.engine.sync(device.account.id, { waitMs: 10_000 })
    passedMs = 11 * dayMs
    await device.engine.housekeep()
    expect(await device.engine.sends.get(ended)).toMatchObject({ status: 'sent' })
    passedMs = 13 * dayMs
    await device.engine.housekeep()
    await expect(device.engine.sends.get(ended)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(await device.engine.sends.get(waiting)).toMatchObject({ status: 'queued' })
    await device.engine.close()
    const raw = new DatabaseSync(device.file, { readOnly: true })
    const kept = raw.prepare('select id from send').all()
    raw.close()
    expect(kept).toEqual([{ id: waiting }])
    await device.restart()
  })
})
