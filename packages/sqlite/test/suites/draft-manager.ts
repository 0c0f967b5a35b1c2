import { randomUUID } from 'node:crypto'

import type { DraftManagerOutput, DraftManagerRequest, Umid } from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import type { SuiteStorage } from '../harness.ts'

/** All that it asks of a storage; its rules are proved in test/engine. */
export function exerciseDraftManager({ openFakeDevice }: SuiteStorage): void {
  describe('the draft manager', () => {
    test('saves, knows its saves by their ids, finds the base by version, time and device, recovers, lists and deletes', async () => {
      await using device = await openFakeDevice()
      const { engine, account } = device
      const ask = async (asked: Omit<DraftManagerRequest, 'accountId'>): Promise<DraftManagerOutput> => {
        const answer = await engine.draftManager({ accountId: account.id, ...asked })
        if (answer.status === 'error') throw new Error(`${answer.errorCode}: ${answer.error}`)
        return answer.output
      }
      const [draftId, lost, begun] = [randomUUID(), randomUUID(), randomUUID()]
      const save = { action: 'auto-save', draftId, deviceId: 'laptop' } as const
      await ask({ ...save, draft: { subject: 'One', body: 'a\n' } })
      await ask({ ...save, saveId: lost, draft: { body: 'a\nb\n', version: 1 } })
      const again = await ask({ ...save, saveId: lost, draft: { body: 'a\nb\n', version: 1 } })
      expect(again).toMatchObject({ draft: { version: 2 }, conflictDetected: false })
      const named = await ask({ ...save, unansweredSaveIds: [lost], draft: { body: 'c\n', version: 1 } })
      expect(named).toMatchObject({ draft: { version: 3 }, conflictDetected: false })
      expect(named.stats.compressionSavings).toBeGreaterThan(0)
      const { draft: seen } = named
      const byDevice = await ask({ ...save, deviceId: 'phone', enableCompression: false, draft: { subject: 'Two' } })
      expect(byDevice).toMatchObject({
        draft: { version: 4 },
        conflictDetected: false,
        stats: { compressionSavings: 0 },
      })
      await engine.drafts.attach(draftId as Umid, { filename: 'a.bin', content: new Uint8Array(10) })
      const byTime = await ask({ ...save, deviceId: 'tablet', draft: { body: 'd\n', lastSavedAt: seen!.lastSavedAt } })
      expect(byTime.draft).toMatchObject({ body: 'd\n', subject: 'Two', attachments: [{ missing: false }] })
      await ask({ ...save, beginSave: true, saveId: begun, draft: { body: 'e\n', version: byTime.draft!.version } })
      const recovered = await ask({ action: 'recover', draftId, deviceId: 'laptop' })
      expect(recovered).toMatchObject({ draft: { body: 'e\n' }, recovery: { recoveryReason: 'browser-crash' } })
      const manual = await ask({ action: 'recover', draftId, recoveryReason: 'manual-recovery' })
      expect(manual.recovery?.candidates.filter(({ source }) => source === 'revision').length).toBeGreaterThan(3)
      expect((await ask({ action: 'list' })).drafts).toMatchObject([{ draftId, body: '' }])
      expect((await ask({ action: 'delete', draftId })).stats.storageUsed).toBeLessThan(-10)
      expect((await ask({ action: 'list' })).total).toBe(0)
    })
  })
}
