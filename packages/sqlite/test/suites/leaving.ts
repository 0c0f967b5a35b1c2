import type { Umid } from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import { codeOf, nobody, type SuiteStorage } from '../harness.ts'

/** Drafts that go, and those that must stay here. */
export function exerciseLeaving({ openFakeDevice }: SuiteStorage): void {
  describe('discarding', () => {
    test('takes the copies from the server, keeps text and history, and refuses every later edit', async () => {
      await using device = await openFakeDevice()
      const { drafts } = device.engine
      const draft = await drafts.create({ text: 'one' })
      await drafts.save(draft.id, { text: 'two' })
      await device.sync()
      expect(device.mailbox.drafts()).toHaveLength(1)
      const discarded = await drafts.discard(draft.id)
      expect(discarded).toMatchObject({ status: 'discarded', text: 'two', version: 2 })
      await device.time.advance(0)
      expect(device.mailbox.drafts()).toEqual([])
      expect(await drafts.history(draft.id)).toHaveLength(2)
      expect(await codeOf(drafts.save(draft.id, { text: 'three' }))).toBe('NOT_A_DRAFT')
      expect(await codeOf(drafts.discard(draft.id))).toBe('NOT_A_DRAFT')
      expect(await codeOf(drafts.detach(draft.id, nobody as never))).toBe('NOT_A_DRAFT')
    })

    test('on an old version is refused: the newer words stay (H19)', async () => {
      await using device = await openFakeDevice()
      const { drafts } = device.engine
      const draft = await drafts.create({ text: 'one' })
      await drafts.save(draft.id, { text: 'two' })
      expect(await codeOf(drafts.discard(draft.id, { baseVersion: draft.version }))).toBe('VERSION_MISMATCH')
      expect((await drafts.get(draft.id)).status).toBe('draft')
    })

    test('while its upload is on the wire: no copy is left (H20)', async () => {
      await using device = await openFakeDevice()
      const { drafts } = device.engine
      const draft = await drafts.create({ text: 'one' })
      const reached = Promise.withResolvers<void>()
      const held = Promise.withResolvers<void>()
      device.mailbox.fault = (command) => {
        if (command !== 'append') return null
        reached.resolve()
        return { hold: held.promise }
      }
      const syncing = device.sync()
      await reached.promise
      await drafts.discard(draft.id)
      held.resolve()
      await syncing
      await device.time.advance(1_000)
      expect(device.mailbox.drafts()).toEqual([])
      expect((await drafts.get(draft.id)).status).toBe('discarded')
    })
  })

  describe('a draft that must stay here', () => {
    test('is never uploaded, and still durable (H37)', async () => {
      await using device = await openFakeDevice()
      const { engine } = device
      const draft = await engine.drafts.create({ text: 'secret', policy: 'local-only' })
      await engine.drafts.save(draft.id, { text: 'more secret' })
      await engine.drafts.attach(draft.id, { filename: 'a', content: new Uint8Array(10) })
      await engine.drafts.flush(draft.id)
      expect(await device.sync()).toMatchObject({ uploaded: 0, pending: 0 })
      await device.time.advance(3_600_000)
      await device.restart()
      await device.sync()
      expect(device.mailbox.commands.filter((command) => command.startsWith('append'))).toEqual([])
      expect(await device.engine.drafts.get(draft.id)).toMatchObject({ text: 'more secret', sync: { pending: null } })
    })
  })

  describe('a copy that somebody removes from the server', () => {
    test('takes its draft to the trash after a second round, text and history kept; another’s loss is confirmed as soon', async () => {
      await using device = await openFakeDevice()
      const { engine, mailbox } = device
      const [first, second] = [await engine.drafts.create({ text: 'one' }), await engine.drafts.create({ text: 'two' })]
      await device.sync()
      const remove = (id: Umid) => {
        const copy = mailbox.drafts().find((one) => one.draftId === id)
        mailbox.folder('Drafts').messages.delete(copy!.uid)
      }
      remove(second.id)
      await device.sync()
      expect((await engine.drafts.get(second.id)).status).toBe('draft')
      remove(first.id)
      expect(await device.sync()).toMatchObject({ purged: 1 })
      expect(await engine.drafts.get(second.id)).toMatchObject({ status: 'discarded', text: 'two' })
      expect((await engine.drafts.get(first.id)).status).toBe('draft')
      // One is confirmed, the other is new: it is looked at again after a minute, not at the next poll.
      await device.time.advance(60_000)
      expect((await engine.drafts.get(first.id)).status).toBe('discarded')
      expect((await engine.drafts.undiscard(first.id)).text).toBe('one')
      await device.sync()
      expect(mailbox.drafts()).toMatchObject([{ text: 'one' }])
    })

    test('while there are newer words here takes nothing away: they are uploaded anew (H01)', async () => {
      await using device = await openFakeDevice()
      const { engine, mailbox } = device
      const draft = await engine.drafts.create({ text: 'one' })
      await device.sync()
      await engine.drafts.save(draft.id, { text: 'two' })
      mailbox.folder('Drafts').messages.clear()
      for (let round = 0; round < 3; round += 1) await device.sync()
      expect(await engine.drafts.get(draft.id)).toMatchObject({ status: 'draft', text: 'two' })
      expect(mailbox.drafts()).toMatchObject([{ text: 'two' }])
    })
  })
}
