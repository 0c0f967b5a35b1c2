import { createEngine, inspectStore } from '@everdraft/core'
import { expect, test } from 'vitest'

import { onlyIf } from './mailbox-fixture.ts'
import { codeOf, type StorageExpectations, type StorageFixture } from './storage-fixture.ts'

const dayMs = 24 * 3_600_000

export function exerciseKeeping(fixture: () => StorageFixture, expected: StorageExpectations): void {
  test('old history is thinned out, and what is kept can still be read', async () => {
    const { engine, account } = await fixture().engineWithAccount()
    const draft = await engine.drafts.create({ accountId: account.id, text: 'version 1' })
    for (let version = 2; version <= 30; version += 1) {
      fixture().clock.now += 5 * 60_000
      await engine.drafts.save(draft.id, { text: `version ${version}` })
    }
    fixture().clock.now += 3 * 3_600_000
    const { revisionsDropped } = await engine.housekeep()
    expect(revisionsDropped).toBeGreaterThan(10)
    const history = await engine.drafts.history(draft.id)
    expect(history).toHaveLength(30 - revisionsDropped)
    for (const { version } of history) {
      expect((await engine.drafts.restore(draft.id, version)).text).toBe(`version ${version}`)
    }
  })

  test('the trash is emptied after 30 days, and not before', async () => {
    const { engine, account } = await fixture().engineWithAccount()
    const draft = await engine.drafts.create({ accountId: account.id, subject: 'private', text: 'walnut' })
    await engine.drafts.discard(draft.id)
    fixture().clock.now += 29 * dayMs
    expect(await engine.housekeep()).toMatchObject({ draftsEmptied: 0 })
    expect((await engine.drafts.undiscard(draft.id)).text).toBe('walnut')
    await engine.drafts.discard(draft.id)
    fixture().clock.now += 31 * dayMs
    expect(await engine.housekeep()).toMatchObject({ draftsEmptied: 1 })
    expect(await codeOf(engine.drafts.get(draft.id))).toBe('NOT_FOUND')
    expect((await engine.drafts.search('walnut')).total).toBe(0)
    expect((await engine.drafts.list()).total).toBe(0)
  })

  test('a store that is well has no findings, and repairing it changes nothing', async () => {
    const { engine, account } = await fixture().engineWithAccount()
    const draft = await engine.drafts.create({ accountId: account.id, subject: 'a', text: 'walnut' })
    await engine.drafts.save(draft.id, { text: 'almond' })
    const attached = await engine.drafts.attach(draft.id, { filename: 'a', content: new Uint8Array(300_000) })
    await engine.close()
    expect(await fixture().inspect()).toEqual({ findings: [], drafts: 1, accounts: 1 })
    const repaired = await inspectStore(fixture().place.storage(), { repair: true })
    expect(repaired.findings).toEqual([])
    const again = await fixture().engine()
    expect(await again.drafts.get(draft.id)).toEqual(attached.draft)
    await again.housekeep()
    expect((await again.drafts.search('almond')).total).toBe(1)
  })

  onlyIf(expected.backup)(
    'a copy that is made while the store is in use is a store, and writes over nothing',
    async () => {
      const { engine, account } = await fixture().engineWithAccount()
      const { copyPath, storageAt } = fixture().place
      if (copyPath === undefined || storageAt === undefined) throw new Error('there is no place for a copy')
      const draft = await engine.drafts.create({ accountId: account.id, text: 'before' })
      const copying = engine.backup(copyPath)
      const saved = await Promise.all(
        Array.from({ length: 20 }, (_each, index) => engine.drafts.save(draft.id, { text: `edit ${index}` })),
      )
      await copying
      expect(saved).toHaveLength(20)
      expect(await codeOf(engine.backup(copyPath))).toBe('STORAGE_ERROR')
      const mailbox = { format: { compose: never, parse: never }, connect: never }
      const copy = await createEngine({ storage: storageAt(copyPath), mailbox })
      const copied = await copy.drafts.get(draft.id)
      expect(copied.text).toMatch(/^(before|edit \d+)$/)
      await copy.close()
      expect((await inspectStore(storageAt(copyPath))).findings).toEqual([])
    },
  )
}

const never = (): Promise<never> => Promise.reject(new Error('not used'))
