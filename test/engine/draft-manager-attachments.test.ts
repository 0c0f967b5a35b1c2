import { randomUUID } from 'node:crypto'

import type { AttachmentId } from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import { openOfflineManager, umid, written } from './draft-manager-engine.ts'

const minuteMs = 60_000

describe('attachments', () => {
  test('H13 a save that does not name them leaves them, one that names some removes the others, and the history has all', async () => {
    const manager = await openOfflineManager()
    const draftId = await written(manager)
    const id = umid(draftId)
    for (const [index, filename] of ['a.bin', 'b.bin'].entries()) {
      await manager.engine.drafts.attach(id, { filename, content: new Uint8Array(1_000).fill(index) })
    }
    const saved = await manager.done({ action: 'auto-save', draftId, draft: { body: 'b' } })
    const [first, second] = saved.draft!.attachments
    expect(saved.draft?.attachments).toMatchObject([
      { filename: 'a.bin', size: 1_000, missing: false, uploadedAt: manager.clock.nowMs },
      { filename: 'b.bin', missing: false },
    ])
    const removed = await manager.done({ action: 'auto-save', draftId, draft: { body: 'b', attachments: [first!] } })
    expect(removed).toMatchObject({
      draft: { attachments: [{ id: first?.id }] },
      saveMetadata: { changesSummary: { attachmentsRemoved: 1, fieldsChanged: ['attachments'] } },
    })
    const taken = await manager.done({
      action: 'auto-save',
      draftId,
      draft: { body: 'b', attachments: [first!, { ...second!, filename: 'c.bin' }] },
    })
    expect(taken.draft?.attachments).toMatchObject([
      { id: first?.id },
      { id: second?.id, filename: 'c.bin', missing: false },
    ])
    const { content } = await manager.engine.drafts.readAttachment(id, second!.id as AttachmentId)
    let bytes = 0
    for await (const piece of content) bytes += piece.length
    expect(bytes).toBe(1_000)
  })

  test('H15 one that is named twice, or saved again, is there once', async () => {
    const manager = await openOfflineManager()
    const draftId = await written(manager)
    await manager.engine.drafts.attach(umid(draftId), { filename: 'a.bin', content: new Uint8Array(10) })
    const { draft } = await manager.done({ action: 'get', draftId })
    const missing = { id: randomUUID(), filename: 'b.bin', size: 5 }
    const attachments = [...draft!.attachments, ...draft!.attachments, missing, missing]
    for (const deviceId of ['laptop', 'phone', 'laptop']) {
      const saved = await manager.done({ action: 'auto-save', draftId, deviceId, draft: { body: 'b', attachments } })
      expect(saved.draft?.attachments.map(({ filename }) => filename)).toEqual(['a.bin', 'b.bin'])
    }
    expect(await manager.engine.drafts.history(umid(draftId))).toHaveLength(3)
  })

  test('one whose bytes are not stored is kept, marked missing, and the draft is not sent without it', async () => {
    const manager = await openOfflineManager()
    const { engine } = manager
    const id = randomUUID()
    const missing = {
      id,
      filename: 'scan.pdf',
      mimeType: 'application/pdf',
      size: 4,
      contentId: null,
      blobUrl: 'https://example.com/scan',
    }
    const draft = { subject: 'One', body: 'a\n', to: [{ address: 'bob@example.com' }], attachments: [missing] }
    const draftId = await written(manager, draft)
    const expected = { ...missing, missing: true, uploadedAt: null }
    expect((await manager.done({ action: 'get', draftId })).draft?.attachments).toEqual([expected])
    await manager.done({ action: 'auto-save', draftId, draft: { body: 'b\n' } })
    expect((await manager.done({ action: 'get', draftId })).draft?.attachments).toEqual([expected])
    await expect(engine.drafts.send(umid(draftId))).rejects.toMatchObject({
      code: 'UNSENDABLE',
      errors: [{ path: 'attachments[0]', message: 'is not here in whole: its bytes are missing' }],
    })
    await engine.drafts.attach(umid(draftId), {
      id: id as AttachmentId,
      filename: 'scan.pdf',
      contentType: 'application/pdf',
      content: new Uint8Array(4),
    })
    const { draft: whole } = await manager.done({ action: 'get', draftId })
    expect(whole?.attachments).toMatchObject([{ id, missing: false, size: 4 }])
    expect(await engine.drafts.send(umid(draftId), { undoMs: minuteMs })).toMatchObject({ status: 'queued' })
  })

  test('one that is missing can be given up, and then it is sent without', async () => {
    const manager = await openOfflineManager()
    const attachments = [{ id: randomUUID(), filename: 'scan.pdf', size: 4 }]
    const draftId = await written(manager, {
      subject: 'One',
      body: 'a\n',
      to: [{ address: 'bob@example.com' }],
      attachments,
    })
    const saved = await manager.done({ action: 'auto-save', draftId, draft: { body: 'a\n', attachments: [] } })
    expect(saved.saveMetadata?.changesSummary).toMatchObject({ attachmentsRemoved: 1, fieldsChanged: ['attachments'] })
    expect(await manager.engine.drafts.send(umid(draftId), { undoMs: minuteMs })).toMatchObject({ status: 'queued' })
  })
})
