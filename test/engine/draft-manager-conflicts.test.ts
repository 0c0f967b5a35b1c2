import type { Version } from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import { type OfflineManager, openOfflineManager, umid, written } from './draft-manager-engine.ts'

const minuteMs = 60_000

describe('a conflict', () => {
  const both = { subject: 'One', body: 'Dear Bob,\n\nfirst\n\nlast\n' }

  /** The phone has saved on version 1 what the laptop does not know of. */
  async function movedOn(): Promise<{
    readonly manager: OfflineManager
    readonly draftId: string
    readonly heard: number
  }> {
    const manager = await openOfflineManager()
    const draftId = await written(manager, both)
    const heard = manager.clock.nowMs
    manager.clock.nowMs += minuteMs
    const draft = { version: 1, body: both.body.replace('first', 'by phone') }
    await manager.done({ action: 'auto-save', draftId, deviceId: 'phone', draft })
    manager.clock.nowMs += minuteMs
    return { manager, draftId, heard }
  }

  const claims = [
    ['the version', (_heard: number) => ({ version: 1 }), 'laptop'],
    ['the time', (heard: number) => ({ lastSavedAt: heard }), 'tablet'],
    ['the device', (_heard: number) => ({}), 'laptop'],
  ] as const
  test.each(claims)('is detected by %s', async (_name, claim, deviceId) => {
    const { manager, draftId, heard } = await movedOn()
    const draft = { ...claim(heard), body: both.body.replace('last', 'by laptop') }
    const merged = await manager.done({ action: 'auto-save', draftId, deviceId, draft })
    expect(merged).toMatchObject({
      conflictDetected: true,
      draft: { version: 3, body: 'Dear Bob,\n\nby phone\n\nby laptop\n' },
      conflict: { baseVersion: 1, remoteVersion: 2, resolutionStrategy: 'merge', conflictId: null },
      saveMetadata: { conflict: { remoteVersion: 2, remoteModifiedAt: heard + minuteMs, resolutionStrategy: 'merge' } },
    })
  })

  test('is none where nobody else has saved, nor where a client says nothing that is new', async () => {
    const { manager, draftId } = await movedOn()
    const own = await manager.done({ action: 'auto-save', draftId, deviceId: 'phone', draft: { subject: 'Two' } })
    expect(own).toMatchObject({ conflictDetected: false, draft: { version: 3 } })
    const nothingNew = await manager.done({
      action: 'auto-save',
      draftId,
      deviceId: 'laptop',
      draft: { ...both, version: 1 },
    })
    expect(nothingNew).toMatchObject({ conflictDetected: false, draft: { version: 3, subject: 'Two' } })
  })

  const strategies = [
    [true, 'local-wins', 'by laptop', 'by phone'],
    [false, 'remote-wins', 'by phone', 'by laptop'],
  ] as const
  test.each(strategies)(
    'preferLocal %s is %s, and what lost is in the history',
    async (preferLocal, strategy, wins, loses) => {
      const { manager, draftId } = await movedOn()
      const draft = { version: 1, body: both.body.replace('first', 'by laptop') }
      const asked = {
        action: 'auto-save',
        draftId,
        deviceId: 'laptop',
        draft,
        recoveryOptions: { preferLocal },
      } as const
      const saved = await manager.done(asked)
      expect(saved).toMatchObject({
        conflictDetected: true,
        conflict: { resolutionStrategy: strategy, conflictId: null },
      })
      expect(saved.draft?.body).toContain(wins)
      const bodies: string[] = []
      for (const { version } of await manager.engine.drafts.history(umid(draftId))) {
        bodies.push((await manager.engine.drafts.restore(umid(draftId), version)).text)
      }
      expect(bodies.some((body) => body.includes(loses))).toBe(true)
    },
  )

  test('that cannot be merged is CONFLICT_ERROR, nothing is saved over, and both are kept', async () => {
    const { manager, draftId } = await movedOn()
    const draft = { version: 1, subject: 'Two', body: both.body.replace('first', 'by laptop') }
    const answer = await manager.failed({ action: 'auto-save', draftId, deviceId: 'laptop', draft })
    expect(answer).toMatchObject({
      errorCode: 'CONFLICT_ERROR',
      output: {
        conflictDetected: true,
        draft: { version: 2, subject: 'One', body: both.body.replace('first', 'by phone') },
        conflict: { baseVersion: 1, remoteVersion: 2, fields: ['body'] },
        saveMetadata: { savedAt: null },
      },
    })
    const [conflict] = await manager.engine.drafts.conflicts(umid(draftId))
    expect(conflict).toMatchObject({
      id: answer.output?.conflict?.conflictId,
      local: { text: both.body.replace('first', 'by laptop'), subject: 'Two' },
      remote: { text: both.body.replace('first', 'by phone') },
    })
  })

  test('that waits is over when its device saves again, and wins', async () => {
    const { manager, draftId } = await movedOn()
    const save = { action: 'auto-save', draftId, deviceId: 'laptop' } as const
    const draft = { version: 1, body: both.body.replace('first', 'by laptop') }
    expect((await manager.failed({ ...save, draft })).errorCode).toBe('CONFLICT_ERROR')
    const wins = await manager.done({ ...save, draft, recoveryOptions: { preferLocal: true } })
    expect(wins.draft?.body).toBe(draft.body)
    const [conflict] = await manager.engine.drafts.conflicts(umid(draftId))
    expect(conflict).toMatchObject({ resolution: 'superseded', local: { text: draft.body } })
  })

  test('H19 a save on an old base, or of a page that has not loaded, overwrites nothing', async () => {
    const { manager, draftId } = await movedOn()
    const blank = { subject: '', body: '' }
    const unloaded = await manager.failed({ action: 'auto-save', draftId, deviceId: 'a page', draft: blank })
    expect(unloaded).toMatchObject({ errorCode: 'VALIDATION_ERROR', errors: [{ path: 'draft' }] })
    const another = { subject: 'Of another draft', body: 'of another draft\n', version: 1 }
    for (const draft of [blank, { ...blank, version: 1 }, another]) {
      const stale = await manager.failed({ action: 'auto-save', draftId, deviceId: 'laptop', draft })
      expect(stale.errorCode).toBe('CONFLICT_ERROR')
    }
    expect((await manager.done({ action: 'get', draftId })).draft?.body).toBe(both.body.replace('first', 'by phone'))
    const future = await manager.failed({ action: 'auto-save', draftId, draft: { body: 'b', version: 9 } })
    expect(future).toMatchObject({ errorCode: 'VALIDATION_ERROR', errors: [{ path: 'draft.version' }] })
  })

  test('H19 who has seen a draft may empty it, and what it said is in the history', async () => {
    const { manager, draftId } = await movedOn()
    const save = { action: 'auto-save', draftId } as const
    const seen = { version: 2, subject: '', body: '' }
    expect((await manager.done({ ...save, deviceId: 'a page', draft: seen })).draft).toMatchObject({
      version: 3,
      subject: '',
      body: '',
    })
    await manager.done({ ...save, deviceId: 'phone', draft: { version: 3, body: 'b' } })
    // Its own draft a device may empty without another word.
    expect((await manager.done({ ...save, deviceId: 'phone', draft: { body: '' } })).draft).toMatchObject({ body: '' })
    const before = await manager.engine.drafts.restore(umid(draftId), 2 as Version)
    expect(before.text).toBe(both.body.replace('first', 'by phone'))
  })
})
