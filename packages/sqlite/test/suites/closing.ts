import { createEngine } from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import { codeOf, type SuiteStorage } from '../harness.ts'

/** The end of an engine, and its next start. */
export function exerciseClosing({ openFakeDevice, fullDisk }: SuiteStorage): void {
  describe('closing', () => {
    test('while an upload runs: it ends in time, and at the next start there is one copy and nothing to do', async () => {
      await using device = await openFakeDevice()
      const { engine, mailbox } = device
      await engine.drafts.create({ text: 'one' })
      const reached = Promise.withResolvers<void>()
      mailbox.fault = (command) => {
        if (command !== 'append') return null
        reached.resolve()
        return { hold: new Promise(() => {}) }
      }
      const syncing = codeOf(device.sync())
      await reached.promise
      const closing = engine.close()
      // The grace is over, and the connection is cut.
      await device.time.advance(5_000)
      await closing
      await syncing
      mailbox.fault = () => null
      await device.restart()
      expect(await device.sync()).toMatchObject({ pending: 0, errors: [] })
      expect(mailbox.drafts()).toHaveLength(1)
    })

    test('twice is once, and every later call fails with CLOSED', async () => {
      await using device = await openFakeDevice()
      const { engine, account } = device
      const draft = await engine.drafts.create({ text: 'one' })
      await Promise.all([engine.close(), engine.close()])
      expect(
        await Promise.all(
          [
            engine.drafts.create({ text: 'two' }),
            engine.drafts.get(draft.id),
            engine.drafts.save(draft.id, { text: 'three' }),
            engine.drafts.attach(draft.id, { filename: 'a', content: new Uint8Array(1) }),
            engine.sync(account.id),
            engine.accounts.list(),
            engine.accounts.verify(account.id),
          ].map(codeOf),
        ),
      ).toEqual(Array.from({ length: 7 }, () => 'CLOSED'))
      expect(device.time.timers()).toEqual([])
    })

    test('an engine that cannot start gives the file free again', async () => {
      await using device = await openFakeDevice()
      await device.engine.close()
      const disk = fullDisk('delete from "blob"')
      disk.full = true
      const storage = disk.wrap(device.storage())
      expect(await codeOf(createEngine({ storage, mailbox: device.mailbox.port }))).toBe('STORAGE_ERROR')
      await device.restart()
      expect((await device.engine.accounts.list()).total).toBe(1)
    })
  })
}
