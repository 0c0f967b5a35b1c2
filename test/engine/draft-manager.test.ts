import { randomUUID } from 'node:crypto'

import { describe, expect, test } from 'vitest'

import { openOfflineManager, umid } from './draft-manager-engine.ts'

const nobody = '00000000-0000-7000-8000-000000000000'

describe('auto-save', () => {
  test('an unknown draftId begins a draft at version 1, and each save after it is one more', async () => {
    const { done, engine, clock } = await openOfflineManager()
    const draftId = randomUUID()
    const first = await done({ action: 'auto-save', draftId, draft: { subject: 'One', body: 'a' } })
    expect(first).toMatchObject({
      actionPerformed: 'auto-save',
      conflictDetected: false,
      draft: { draftId, version: 1, subject: 'One', body: 'a', isDirty: true, status: 'draft', tenantId: 'acme', userId: 'ann' },
      saveMetadata: { draftId, device: 'unknown', savedAt: clock.nowMs, conflict: null },
    })
    for (const version of [2, 3, 4]) {
      clock.nowMs += 1_000
      const { draft } = await done({ action: 'auto-save', draftId, draft: { body: `a${version}` } })
      expect(draft).toMatchObject({ version, subject: 'One', body: `a${version}`, lastSavedAt: clock.nowMs })
    }
    expect((await engine.drafts.history(umid(draftId))).map(({ version }) => version)).toEqual([4, 3, 2, 1])
  })
})
