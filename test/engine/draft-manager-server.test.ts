import { randomUUID } from 'node:crypto'

import type { DraftManagerOutput, DraftManagerRequest } from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import { type EmbeddedDevice, openEmbedded } from '../hazards/embedded-device.ts'
import { settle } from '../live/harness.ts'
import { umid } from './draft-manager-engine.ts'

const hourMs = 3_600_000

async function done(
  { device: { engine, account } }: EmbeddedDevice,
  asked: Omit<DraftManagerRequest, 'accountId'>,
): Promise<DraftManagerOutput> {
  const answer = await engine.draftManager({ accountId: account.id, ...asked })
  if (answer.status === 'error') throw new Error(`${answer.errorCode}: ${answer.error}`)
  return answer.output
}

describe('with a mail server, the draft manager’s drafts', () => {
  test('are never sent by their scheduledSendTime, however long it is past', async () => {
    let aheadMs = 0
    const now = (): number => Date.now() + aheadMs
    await using embedded = await openEmbedded({}, { environment: { now } })
    const { device } = embedded
    const draft = {
      subject: 'One',
      body: 'a\n',
      to: [{ address: 'ann@example.org' }],
      scheduledSendTime: now() + hourMs,
    }
    const saved = await done(embedded, { action: 'auto-save', draft })
    await settle(device)
    aheadMs = 2 * hourMs
    await device.restart()
    await settle(device)
    await device.engine.housekeep()
    const { draft: seen } = await done(embedded, { action: 'get', draftId: saved.draft!.draftId })
    expect(seen).toMatchObject({ status: 'draft', scheduledSendTime: draft.scheduledSendTime, version: 1 })
    expect((await device.engine.sends.list()).total).toBe(0)
    expect(
      (await device.engine.tasks.list(device.account.id)).items.filter(({ kind }) => kind.startsWith('outbox')),
    ).toEqual([])
    for (const folder of ['INBOX', 'Sent']) expect(embedded.mailServer.mailbox('ann', folder)).toEqual([])
    // What somebody asks for has its own hour.
    const sendAt = now() + hourMs
    await device.engine.drafts.send(umid(saved.draft?.draftId), { sendAt })
    expect((await done(embedded, { action: 'get', draftId: saved.draft!.draftId })).draft).toMatchObject({
      status: 'queued',
      scheduledSendTime: sendAt,
    })
  })

  test('H13 are uploaded like any other, are dirty until then, and what is missing of them keeps no word from the server', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    const attachments = [{ id: randomUUID(), filename: 'scan.pdf', size: 5 }]
    const { draft } = await done(embedded, {
      action: 'auto-save',
      draft: { subject: 'One', body: 'first\n', attachments },
    })
    const { draftId } = draft!
    expect(draft?.isDirty).toBe(true)
    await settle(device)
    expect(embedded.texts()).toEqual([expect.stringContaining('first')])
    await device.engine.drafts.attach(umid(draftId), {
      filename: 'a.txt',
      content: new TextEncoder().encode('bytes of a'),
    })
    await settle(device)
    const clean = await done(embedded, { action: 'get', draftId })
    expect(clean.draft).toMatchObject({
      isDirty: false,
      attachments: [
        { filename: 'a.txt', missing: false },
        { filename: 'scan.pdf', missing: true },
      ],
    })
    const next = await done(embedded, { action: 'auto-save', draftId, draft: { body: 'second\n', version: 2 } })
    expect(next.draft?.isDirty).toBe(true)
    await settle(device)
    const [text] = embedded.texts()
    expect(text).toContain('second')
    expect(text).toContain('a.txt')
    expect(text).not.toContain('scan.pdf')
    await done(embedded, { action: 'delete', draftId })
    await settle(device)
    expect(embedded.texts()).toEqual([])
  })
})
