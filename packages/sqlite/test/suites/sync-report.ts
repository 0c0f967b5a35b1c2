import type { AccountId } from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import { codeOf, nobody, type SuiteStorage } from '../harness.ts'

/** What a round with the server tells. */
export function exerciseSyncReport({ openFakeDevice }: SuiteStorage): void {
  describe('the report of a sync', () => {
    test('counts first copies, replaced ones, what is pending and what failed', async () => {
      await using device = await openFakeDevice()
      const { engine, mailbox } = device
      const [one, two] = [await engine.drafts.create({ text: 'one' }), await engine.drafts.create({ text: 'two' })]
      expect(await device.sync()).toMatchObject({ uploaded: 2, replaced: 0, pending: 0, errors: [], settled: true })
      await engine.drafts.save(one.id, { text: 'one, again' })
      expect(await device.sync()).toMatchObject({ uploaded: 0, replaced: 1, pending: 0 })
      expect(await device.sync()).toMatchObject({ uploaded: 0, replaced: 0, pending: 0 })
      mailbox.fault = (command) => (command === 'append' ? { refuse: 'OVERQUOTA' } : null)
      await engine.drafts.save(two.id, { text: 'two, again' })
      const refused = await device.sync()
      expect(refused).toMatchObject({ uploaded: 0, replaced: 0, pending: 1, settled: true })
      expect(refused.errors).toMatchObject([{ code: 'OVERQUOTA' }])
      expect((await engine.drafts.get(two.id)).sync).toMatchObject({
        pending: { reason: 'parked' },
        lastError: { code: 'OVERQUOTA' },
      })
    })

    test('one draft that the server refuses keeps no other from its upload (H05, H36)', async () => {
      await using device = await openFakeDevice()
      const { engine, mailbox } = device
      let appends = 0
      mailbox.fault = (command, line) => {
        if (command !== 'append' || line === '') return null
        // Asked twice for each: when the command comes, and for its answer.
        appends += 1
        return appends <= 2 ? { refuse: 'TOOBIG' } : null
      }
      for (const text of ['one', 'two', 'three']) await engine.drafts.create({ text })
      expect(await device.sync()).toMatchObject({ uploaded: 2, pending: 1 })
      expect(mailbox.drafts()).toHaveLength(2)
    })

    test('offline it settles with the reason, and costs no attempt (H29)', async () => {
      await using device = await openFakeDevice()
      const { engine, mailbox } = device
      await engine.drafts.create({ text: 'one' })
      // The connection of before is idle, and closed.
      await device.time.advance(60_000)
      const later = await engine.drafts.create({ text: 'two' })
      mailbox.fault = (command) => (command === 'connect' ? { cut: 'before', code: 'UNREACHABLE' } : null)
      await device.time.advance(3_600_000)
      const tasks = await device.tasks()
      expect(tasks.every((task) => task.attempts === 0 && task.state === 'waiting')).toBe(true)
      expect((await engine.drafts.get(later.id)).sync).toMatchObject({
        pending: { reason: 'offline' },
        lastError: { code: 'UNREACHABLE' },
      })
      expect(await device.sync()).toMatchObject({ settled: true, uploaded: 0, pending: 1 })
      mailbox.fault = () => null
      // Retry by hand works at once.
      expect(await device.sync()).toMatchObject({ uploaded: 1, pending: 0, errors: [] })
    })

    test('for an account that is not there it is NOT_FOUND', async () => {
      await using device = await openFakeDevice()
      expect(await codeOf(device.engine.sync(nobody as AccountId))).toBe('NOT_FOUND')
    })
  })
}
