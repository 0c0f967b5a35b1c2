import { expect, test } from 'vitest'

import { type FakeDevice, openFakeDevice, withStatementHook } from './harness.ts'
import { sqlite } from '../src/index.ts'

const drafts = 30

/** Tells of each draft that is put into the index. */
function openIndexed(onIndexed: () => void): Promise<FakeDevice> {
  return openFakeDevice({
    storageAt: (file) =>
      withStatementHook(sqlite(file), (statement, when) => {
        if (when === 'after' && /insert into draft_search /.test(statement)) onIndexed()
      }),
  })
}

test('the index waits for calm also while it is at work: whoever saves meanwhile goes first, and it is late by ten seconds at most', async () => {
  let onIndexed: (() => void) | null = null
  await using device = await openIndexed(() => onIndexed?.())
  const { engine, account, time } = device
  const found = async (): Promise<number> => (await engine.drafts.search('apple')).total
  for (let number = 0; number < drafts; number += 1) {
    await engine.drafts.create({ accountId: account.id, text: 'an apple' })
  }
  const saved = await engine.drafts.create({ accountId: account.id, text: 'a pear' })
  let saves = 0
  const saveOnce = (): void => {
    onIndexed = null
    // Shares the commit after the one that the index is at.
    void engine.drafts.save(saved.id, { text: `a pear, ${(saves += 1)}` })
  }
  onIndexed = saveOnce
  await time.advance(400)
  const first = await found()
  expect(first).toBeGreaterThan(0)
  expect(first).toBeLessThan(drafts)
  await time.advance(399)
  expect(await found()).toBe(first)
  await time.advance(1)
  expect(await found()).toBe(drafts)

  for (let number = 0; number < drafts; number += 1) {
    await engine.drafts.create({ accountId: account.id, text: 'another apple' })
  }
  for (let waited = 0; waited < 10_000; waited += 100) {
    expect(await found()).toBe(drafts)
    await engine.drafts.save(saved.id, { text: `a pear, ${(saves += 1)}` })
    onIndexed = saveOnce
    await time.advance(100)
  }
  await engine.drafts.save(saved.id, { text: 'a pear' })
  await time.advance(100)
  expect(await found()).toBe(2 * drafts)
})

test('who saves all the time has each draft indexed once in ten seconds, and not all the time', async () => {
  let indexed = 0
  let onIndexed: (() => void) | null = null
  await using device = await openIndexed(() => onIndexed?.())
  const { engine, account, time } = device
  const { id } = await engine.drafts.create({ accountId: account.id, text: 'an apple' })
  onIndexed = () => {
    indexed += 1
    if (indexed > 100) throw new Error('it is indexed all the time')
    // Shares the commit after the one that the index is at: as soon as it is indexed it is behind again.
    void engine.drafts.save(id, { text: `an apple, ${indexed}` })
  }
  for (let waited = 0; waited < 60_000; waited += 200) {
    await engine.drafts.save(id, { text: `an apple after ${waited} ms` })
    await time.advance(200)
  }
  expect(indexed).toBeGreaterThanOrEqual(5)
  expect(indexed).toBeLessThanOrEqual(6)
  onIndexed = null
  await engine.drafts.save(id, { text: 'a pear' })
  await time.advance(400)
  expect((await engine.drafts.search('pear')).total).toBe(1)
})
