import { WireError } from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import { comeToRest, password, secondAccount, type SuiteStorage } from '../harness.ts'

/** What subscribers hear, and what they never do. */
export function exerciseEvents({ openFakeDevice }: SuiteStorage): void {
  describe('events', () => {
    test('of a draft’s life come in order, with cursors that grow, and only to who asked for that account', async () => {
      await using device = await openFakeDevice()
      const { engine } = device
      const ben = await secondAccount(engine)
      await comeToRest()
      const heard: string[] = []
      const others: string[] = []
      const cursors: number[] = []
      engine.subscribe({ accountId: device.account.id }, (event) => {
        heard.push(event.type)
        cursors.push(event.cursor)
      })
      const off = engine.subscribe({ accountId: ben.id }, (event) => void others.push(event.type))
      const draft = await engine.drafts.create({ accountId: device.account.id, text: 'one' })
      await engine.drafts.save(draft.id, { text: 'two' })
      await device.sync()
      await engine.drafts.save(draft.id, { text: 'three' })
      await engine.drafts.discard(draft.id)
      await device.sync()
      expect(heard).toEqual([
        'draft-created',
        'draft-saved',
        'upload-started',
        'draft-sync-changed',
        'upload-finished',
        'draft-sync-changed',
        'draft-saved',
        'draft-sync-changed',
        'draft-discarded',
        'copy-removed',
      ])
      expect(cursors).toEqual(cursors.toSorted((a, b) => a - b))
      expect(others).toEqual([])
      off()
      await engine.drafts.create({ accountId: ben.id })
      expect(others).toEqual([])
    })

    test('a password and the words of a user stand in no event, error, task or view of an account', async () => {
      await using device = await openFakeDevice()
      const { engine, mailbox, account } = device
      const secret = 'the words of the user'
      const failures: unknown[] = []
      const draft = await engine.drafts.create({ subject: secret, text: secret, to: `${secret} <a@b.example>` })
      const faults = [
        { throws: new Error(`login ${password} failed for ${secret}`) },
        { throws: new WireError('AUTH_FAILED', 'the server refused the login') },
        { cut: 'after' },
        { refuse: 'OVERQUOTA' },
      ] as const
      for (const fault of faults) {
        for (const at of ['connect', 'append'] as const) {
          mailbox.fault = (command) => (command === at ? fault : null)
          await engine.drafts.save(draft.id, { text: `${secret} ${Math.random()}` })
          failures.push(await device.sync())
          failures.push(await engine.accounts.verify(account.id).catch((error: unknown) => JSON.stringify(error)))
          await device.time.advance(120_000)
        }
      }
      failures.push(await engine.drafts.save(draft.id, { subject: `${secret}\r\n` }).catch((error: unknown) => error))
      const told = JSON.stringify([
        device.events,
        failures,
        await device.tasks(),
        await engine.accounts.list(),
        await engine.accounts.get(account.id),
        (await engine.drafts.get(draft.id)).sync,
      ])
      expect(told).toContain('INTERNAL')
      expect(told).toContain('AUTH_FAILED')
      expect(told).not.toContain(password)
      expect(told).not.toContain(secret)
      expect(mailbox.passwords.every((given) => given === password)).toBe(true)
    })
  })
}
