import { describe, expect, test } from 'vitest'

import { openOfflineManager, umid, written } from './draft-manager-engine.ts'

const minuteMs = 60_000

describe('get, list and delete', () => {
  test('get with the syncToken that a draft has comes without the draft, until it has changed', async () => {
    const manager = await openOfflineManager()
    const draftId = await written(manager)
    const { draft } = await manager.done({ action: 'get', draftId })
    const same = await manager.done({ action: 'get', draftId, syncToken: draft!.syncToken })
    expect(same).toMatchObject({ changed: false, stats: { itemsAffected: 0 } })
    expect(same).not.toHaveProperty('draft')
    await manager.done({ action: 'auto-save', draftId, draft: { body: 'b' } })
    const changed = await manager.done({ action: 'get', draftId, syncToken: draft!.syncToken })
    expect(changed).toMatchObject({ changed: true, draft: { body: 'b' } })
  })

  test('list shows live drafts without their bodies, newest change first, page by page', async () => {
    const manager = await openOfflineManager()
    const ids: string[] = []
    for (let index = 0; index < 5; index += 1) {
      manager.clock.nowMs += 1_000
      ids.unshift(await written(manager, { subject: `${index}`, body: 'a', bodyHtml: '<p>a</p>' }))
    }
    await manager.done({ action: 'delete', draftId: ids.pop()! })
    const { drafts, total } = await manager.done({ action: 'list' })
    expect(drafts?.map(({ draftId }) => draftId)).toEqual(ids)
    expect(drafts?.every(({ body, bodyHtml }) => body === '' && bodyHtml === null)).toBe(true)
    expect(total).toBe(4)
    const page = await manager.done({ action: 'list', limit: 2, offset: 1 })
    expect(page.drafts?.map(({ draftId }) => draftId)).toEqual(ids.slice(1, 3))
    expect(page.stats.itemsAffected).toBe(2)
  })

  test('delete puts a draft into the trash, frees its bytes, and is for the tenant and the user alone', async () => {
    const manager = await openOfflineManager()
    const draftId = await written(manager)
    const { owner } = manager.account
    for (const other of [await manager.addAccount('acme', 'eve'), await manager.addAccount('globex', 'ann')]) {
      const refused = await manager.failed({ action: 'delete', draftId }, { owner: other.owner })
      expect(refused).toMatchObject({ error: 'Unauthorized', errorCode: 'UNAUTHORIZED' })
      const within = await manager.failed({ action: 'delete', draftId, accountId: other.id }, { owner: other.owner })
      expect(within.error).toBe('Unauthorized')
    }
    const deleted = await manager.done({ action: 'delete', draftId }, { owner })
    expect(deleted).toMatchObject({ draft: { draftId, status: 'discarded' }, stats: { itemsAffected: 1 } })
    expect(deleted.stats.storageUsed).toBeLessThan(0)
    for (const action of ['get', 'delete', 'auto-save'] as const) {
      const refused = await manager.failed({ action, draftId, draft: { body: 'b' } })
      expect(refused.errorCode, action).toBe('DRAFT_MANAGER_ERROR')
    }
    expect((await manager.engine.drafts.undiscard(umid(draftId))).text).toBe('a\n')
  })

  test('delete at another version than the client saw deletes nothing', async () => {
    const manager = await openOfflineManager()
    const draftId = await written(manager)
    await manager.done({ action: 'auto-save', draftId, draft: { body: 'b' } })
    const refused = await manager.failed({ action: 'delete', draftId, draft: { version: 1 } })
    expect(refused.errorCode).toBe('CONFLICT_ERROR')
    expect((await manager.done({ action: 'get', draftId })).draft?.status).toBe('draft')
    await manager.done({ action: 'delete', draftId, draft: { version: 2 } })
  })

  test('what has left the trash for good is not there, and its id is not used again', async () => {
    const manager = await openOfflineManager()
    const draftId = await written(manager)
    await manager.done({ action: 'delete', draftId })
    manager.clock.nowMs += 31 * 24 * 60 * minuteMs
    expect((await manager.engine.housekeep()).draftsEmptied).toBe(1)
    for (const action of ['get', 'delete', 'recover'] as const) {
      expect((await manager.failed({ action, draftId })).error, action).toBe('Unauthorized')
    }
    const again = await manager.failed({ action: 'auto-save', draftId, draft: { body: 'b' } })
    expect(again.errorCode).toBe('DRAFT_MANAGER_ERROR')
    expect((await manager.done({ action: 'list' })).total).toBe(0)
  })

  test('a draft that is in the outbox is shown, and neither saved nor deleted', async () => {
    const manager = await openOfflineManager()
    const draftId = await written(manager, { subject: 'One', body: 'a\n', to: [{ address: 'bob@example.com' }] })
    await manager.engine.drafts.send(umid(draftId), { undoMs: minuteMs })
    expect((await manager.done({ action: 'get', draftId })).draft?.status).toBe('queued')
    for (const action of ['auto-save', 'delete'] as const) {
      const refused = await manager.failed({ action, draftId, draft: { body: 'b' } })
      expect(refused).toMatchObject({ errorCode: 'DRAFT_MANAGER_ERROR', error: expect.stringContaining('queued') })
    }
  })
})
