import { describe, expect, test } from 'vitest'

import { openFakeDevice, sqliteError, withStatementHook } from './harness.ts'

describe('what fails beside the work itself', () => {
  test('a listener that throws keeps nobody from hearing, and no save from being stored', async () => {
    await using device = await openFakeDevice()
    const heard: string[] = []
    device.engine.subscribe({}, (event) => {
      if (event.type === 'draft-created') throw new Error('a bug of the app')
    })
    device.engine.subscribe({}, (event) => void heard.push(event.type))
    const draft = await device.engine.drafts.create({ subject: 'A letter' })
    const saved = await device.engine.drafts.save(draft.id, { text: 'one' })
    expect(saved.version).toBe(2)
    expect(heard).toContain('draft-saved')
    // The bug is not swallowed: it is thrown where the platform reports what nobody catches.
    await expect(device.time.advance(0)).rejects.toThrow('a bug of the app')
  })

  test('a claim that the full disk refuses is tried again later, and not at once', async () => {
    const disk = { full: false, refused: 0 }
    await using device = await openFakeDevice({
      wrap: (storage) =>
        withStatementHook(storage, (statement, when) => {
          if (!disk.full || when !== 'before' || !statement.startsWith('update "lane" set "busy"')) return
          disk.refused += 1
          throw sqliteError('SQLITE_FULL')
        }),
    })
    await device.engine.drafts.create({ subject: 'A letter' })
    disk.full = true
    await device.time.advance(60_000)
    expect(disk.refused).toBeGreaterThan(0)
    expect(disk.refused).toBeLessThan(60)
    disk.full = false
    await device.time.advance(3_600_000)
    expect(device.mailbox.drafts()).toHaveLength(1)
  })

  test('a run whose end the full disk refuses is ended later: its lane goes on without a restart (H30)', async () => {
    const disk = { full: false, refused: 0 }
    await using device = await openFakeDevice({
      wrap: (storage) =>
        withStatementHook(storage, (statement, when) => {
          if (!disk.full || when !== 'before' || !statement.startsWith('delete from "task"')) return
          disk.refused += 1
          throw sqliteError('SQLITE_FULL')
        }),
    })
    const first = await device.engine.drafts.create({ subject: 'first' })
    disk.full = true
    await device.time.advance(60_000)
    expect(disk.refused).toBeGreaterThan(0)
    expect(disk.refused).toBeLessThan(60)
    disk.full = false
    await device.engine.drafts.save(first.id, { text: 'later' })
    await device.engine.drafts.create({ subject: 'second' })
    await device.time.advance(3_600_000)
    expect(device.mailbox.drafts().map((copy) => copy.subject)).toEqual(expect.arrayContaining(['first', 'second']))
    expect((await device.tasks()).filter((task) => task.state === 'running')).toEqual([])
  })

  test('closing in the middle of removing copies leaves the rest to the next start, and fails no task', async () => {
    await using device = await openFakeDevice()
    const { engine, mailbox } = device
    const draft = await engine.drafts.create({ subject: 'A letter' })
    await device.sync()
    // Copies that could not be removed so far: two debts.
    mailbox.fault = (command) => (command === 'mark' ? { refuse: 'SERVERBUG' } : null)
    for (const text of ['one', 'two']) {
      await engine.drafts.save(draft.id, { text })
      await device.sync()
    }
    expect(mailbox.drafts()).toHaveLength(3)
    const reached = Promise.withResolvers<void>()
    const held = Promise.withResolvers<void>()
    mailbox.fault = (command) => {
      if (command !== 'expunge') return null
      reached.resolve()
      return { hold: held.promise }
    }
    const syncing = device.sync()
    await reached.promise
    const closing = device.engine.close()
    held.resolve()
    await Promise.all([closing, syncing.catch(() => {})])
    mailbox.fault = () => null
    await device.restart()
    await device.time.advance(60_000)
    expect((await device.tasks()).filter((task) => task.state === 'failed')).toEqual([])
    expect(mailbox.drafts()).toMatchObject([{ text: 'two' }])
  })
})
