import { describe, expect, test } from 'vitest'

import { comeToRest, type SuiteStorage, withStatementHook } from '../harness.ts'

/** Failures beside the work itself. */
export function exerciseQueue({ openFakeDevice, fullDisk, accounts }: SuiteStorage): void {
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
      const disk = fullDisk('update "lane" set "busy"')
      await using device = await openFakeDevice({ wrap: disk.wrap })
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
      const disk = fullDisk('delete from "task"')
      await using device = await openFakeDevice({ wrap: disk.wrap })
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

  describe('a run that fails', () => {
    test('our own bug is kept with its error, costs nothing else, and is tried again by hand', async () => {
      await using device = await openFakeDevice()
      const { engine, mailbox, account } = device
      const first = await engine.drafts.create({ text: 'first' })
      mailbox.fault = (command) => (command === 'append' ? { throws: new TypeError('a bug of ours') } : null)
      await device.sync()
      mailbox.fault = () => null
      await engine.drafts.create({ text: 'second' })
      await device.time.advance(600_000)
      expect(mailbox.drafts()).toMatchObject([{ text: 'second' }])
      const [failed] = (await device.tasks()).filter((task) => task.state === 'failed')
      expect(failed).toMatchObject({ key: first.id, nextRunAt: null, lastError: { message: 'unexpected TypeError' } })
      await engine.tasks.retry(account.id, failed!.id)
      await device.time.advance(0)
      expect(mailbox.drafts().map(({ text }) => text)).toEqual(['second', 'first'])
      expect((await device.tasks()).filter((task) => task.state === 'failed')).toEqual([])
    })

    test('is tried again after waits that double, with full jitter, and never beyond the longest', async () => {
      const waits: number[][] = []
      for (let seed = 1; seed <= 3; seed += 1) {
        await using device = await openFakeDevice({ timing: { firstBackOffMs: 1_000, longestBackOffMs: 60_000 }, seed })
        await device.engine.drafts.create({ text: 'one' })
        device.mailbox.fault = (command) => (command === 'append' ? { refuse: 'UNAVAILABLE' } : null)
        const tries: number[] = []
        device.engine.subscribe({}, (event) => {
          if (event.type === 'task-retrying') tries.push((event.nextRunAt ?? 0) - event.at)
        })
        await device.time.advance(500_000)
        expect(tries.length).toBeGreaterThan(10)
        for (const [index, wait] of tries.entries()) {
          expect(wait).toBeGreaterThanOrEqual(0)
          expect(wait).toBeLessThanOrEqual(Math.min(60_000, 1_000 * 2 ** index))
        }
        expect(Math.max(...tries)).toBeGreaterThan(20_000)
        waits.push(tries)
        device.mailbox.fault = () => null
        await device.time.advance(61_000)
        expect(device.mailbox.drafts()).toHaveLength(1)
      }
      // Jitter: no two devices knock at the same times.
      expect(new Set(waits.map((tries) => tries.slice(0, 5).join())).size).toBe(waits.length)
    })

    test('a save while it backs off neither knocks sooner nor is forgotten', async () => {
      await using device = await openFakeDevice({ timing: { firstBackOffMs: 50_000 } })
      const draft = await device.engine.drafts.create({ text: 'one' })
      device.mailbox.fault = (command) => (command === 'append' ? { refuse: 'UNAVAILABLE' } : null)
      await device.time.advance(1_500)
      const [row] = (await device.tasks()).filter((task) => task.kind === 'draft_upload')
      device.mailbox.fault = () => null
      const waitMs = row!.nextRunAt! - (1_700_000_000_000 + 1_500)
      expect(waitMs).toBeGreaterThan(2_000)
      await device.engine.drafts.save(draft.id, { text: 'two' })
      await device.time.advance(waitMs - 1)
      expect(device.mailbox.drafts()).toEqual([])
      await device.time.advance(1)
      expect(device.mailbox.drafts()).toMatchObject([{ text: 'two' }])
    })
  })

  describe('saves in a row', () => {
    test('are one upload after the pause, and one each longest wait for who never pauses', async () => {
      await using device = await openFakeDevice()
      const draft = await device.engine.drafts.create({ text: 'start' })
      const uploads = () => device.mailbox.commands.filter((command) => command.startsWith('append')).length
      for (let index = 0; index < 120; index += 1) {
        await device.time.advance(1_000)
        await device.engine.drafts.save(draft.id, { text: `second ${index}` })
      }
      expect(uploads()).toBeGreaterThanOrEqual(3)
      expect(uploads()).toBeLessThanOrEqual(4)
      await device.time.advance(1_500)
      expect(uploads()).toBeLessThanOrEqual(5)
      expect(device.mailbox.drafts()).toMatchObject([{ text: 'second 119' }])
    })
  })

  describe('lanes', () => {
    test('tasks of one account run one after another, those of two accounts side by side', async () => {
      await using device = await openFakeDevice()
      const { engine, mailbox } = device
      const imap = { host: 'other.example.org', port: 993, security: 'tls', user: 'ben', password: 'x' } as const
      const ben = await engine.accounts.add({ address: 'ben@example.com', imap })
      await engine.sync(ben.id)
      const release = Promise.withResolvers<void>()
      const both = Promise.withResolvers<void>()
      let inside = 0
      let most = 0
      async function leave(): Promise<void> {
        await release.promise
        inside -= 1
      }
      mailbox.fault = (command) => {
        if (command !== 'append') return null
        inside += 1
        most = Math.max(most, inside)
        if (inside === 2) both.resolve()
        return { hold: leave() }
      }
      for (const accountId of [device.account.id, device.account.id, ben.id, ben.id]) {
        await engine.drafts.create({ accountId, text: 'one' })
      }
      const syncing = [device.sync(), engine.sync(ben.id)]
      await both.promise
      await comeToRest()
      expect(most).toBe(2)
      release.resolve()
      expect(await Promise.all(syncing)).toMatchObject([{ uploaded: 2 }, { uploaded: 2 }])
      expect(mailbox.drafts()).toHaveLength(4)
    })

    test('many accounts are served with a few looks at the queue each, and at rest with none', async () => {
      const count = { looks: 0 }
      await using device = await openFakeDevice({
        wrap: (storage) =>
          withStatementHook(storage, (statement, when) => {
            if (when === 'after' && /select .*min\("task"\."run_at"\)/.test(statement)) count.looks += 1
          }),
      })
      const { engine } = device
      for (let index = 0; index < accounts; index += 1) {
        const imap = { host: 'mail.example.org', port: 993, security: 'tls', user: `u${index}`, password: 'x' } as const
        await engine.accounts.add({ address: `u${index}@example.com`, imap })
      }
      await comeToRest()
      const connects = () => device.mailbox.commands.filter((command) => command === 'connect').length
      expect(connects()).toBe(accounts + 1)
      expect(count.looks).toBeGreaterThan(0)
      expect(count.looks).toBeLessThan(4 * accounts)
      const before = count.looks
      await comeToRest()
      await device.time.advance(20_000)
      expect(count.looks - before).toBeLessThan(10)
    })
  })

  describe('waiting until all is settled', () => {
    test('ends at once where nothing is due, and does not wait for what is due later', async () => {
      await using device = await openFakeDevice()
      expect((await device.sync()).settled).toBe(true)
      expect((await device.engine.sync(device.account.id, { waitMs: 0 })).settled).toBe(false)
    })

    test('gives up after its time, while the work goes on', async () => {
      await using device = await openFakeDevice()
      const { engine, mailbox } = device
      await engine.drafts.create({ text: 'one' })
      const reached = Promise.withResolvers<void>()
      const held = Promise.withResolvers<void>()
      mailbox.fault = (command) => {
        if (command !== 'append') return null
        reached.resolve()
        return { hold: held.promise }
      }
      const syncing = engine.sync(device.account.id, { waitMs: 3_000 })
      await reached.promise
      await device.time.advance(3_000)
      expect(await syncing).toMatchObject({ settled: false, pending: 1, uploaded: 0 })
      held.resolve()
      await comeToRest()
      expect(mailbox.drafts()).toHaveLength(1)
      expect(device.time.timers().every((at) => at > 0)).toBe(true)
    })
  })
}
