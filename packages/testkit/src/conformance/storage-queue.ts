import type { EventCursor, Owner } from '@everdraft/core'
import { expect, test } from 'vitest'

import { addAccount, codeOf, type StorageFixture } from './storage-fixture.ts'

export function exerciseQueue(fixture: () => StorageFixture): void {
  test('one thing to do is one row, however often it is asked for, and the number that it stands for is counted', async () => {
    const { engine, account } = await fixture().engineWithAccount()
    const draft = await engine.drafts.create({ accountId: account.id, text: '0' })
    await Promise.all(
      Array.from({ length: 10 }, (_each, index) => engine.drafts.save(draft.id, { text: `${index + 1}` })),
    )
    const { items } = await engine.tasks.list(account.id)
    expect(items.filter(({ kind }) => kind === 'draft_upload')).toMatchObject([
      { key: draft.id, state: 'waiting', superseded: 10, attempts: 0 },
    ])
  })

  test('rows are there after a restart, in the order in which they were asked for', async () => {
    const { engine, account } = await fixture().engineWithAccount()
    const ids = []
    for (let index = 0; index < 12; index += 1) ids.push((await engine.drafts.create({ accountId: account.id })).id)
    await engine.close()
    const again = await fixture().engine()
    const { items } = await again.tasks.list(account.id, { limit: 500 })
    expect(items.filter(({ kind }) => kind === 'draft_upload').map(({ key }) => key)).toEqual(ids)
  })

  test('a server that is not reached costs no attempt; the rows say why they wait, and since when is told', async () => {
    const { engine, account } = await fixture().engineWithAccount()
    const other = await addAccount(engine, 'ben@example.com')
    const draft = await engine.drafts.create({ accountId: account.id })
    const report = await engine.sync(account.id)
    expect(report).toMatchObject({ settled: true, pending: 1, uploaded: 0 })
    expect(report.errors.map(({ code }) => code)).toContain('UNREACHABLE')
    const { items } = await engine.tasks.list(account.id)
    const failed = items.find(({ lastError }) => lastError !== null)
    if (failed === undefined) throw new Error('no task tells of its failure')
    expect(failed).toMatchObject({ state: 'waiting', attempts: 0, lastError: { code: 'UNREACHABLE' } })
    const timeline = await engine.tasks.timeline(account.id, failed.id)
    expect(timeline.map(({ what }) => what)).toEqual(expect.arrayContaining(['planned', 'started']))
    expect((await engine.tasks.retry(account.id, failed.id)).id).toBe(failed.id)
    expect(await codeOf(engine.tasks.retry(other.id, failed.id))).toBe('NOT_FOUND')
    expect((await engine.drafts.get(draft.id)).sync.state).toBe('local-only')
  })

  test('events have cursors that grow, survive a restart and are never given twice', async () => {
    const { engine, account } = await fixture().engineWithAccount()
    const heard: { readonly type: string; readonly cursor: number }[] = []
    engine.subscribe({ accountId: account.id }, (event) => void heard.push(event))
    const draft = await engine.drafts.create({ accountId: account.id })
    for (let version = 2; version < 8; version += 1) await engine.drafts.save(draft.id, { text: `${version}` })
    await engine.close()
    const saved = heard.filter(({ type }) => type === 'draft-saved')
    expect(saved).toHaveLength(6)
    const cursors = heard.map(({ cursor }) => cursor)
    expect(cursors).toEqual(cursors.toSorted((a, b) => a - b))
    expect(new Set(cursors).size).toBe(cursors.length)

    const again = await fixture().engine()
    const after = saved[2]?.cursor
    const missed: typeof heard = []
    const all = Promise.withResolvers<void>()
    const end = again.subscribe({ accountId: account.id, after: after as never }, (event) => {
      missed.push(event)
      if (event.type === 'draft-discarded') all.resolve()
    })
    await again.drafts.discard(draft.id)
    await all.promise
    end()
    const since = missed.filter(({ type }) => type === 'draft-saved').map(({ cursor }) => cursor)
    expect(since).toEqual(saved.slice(3).map(({ cursor }) => cursor))
    expect(missed.at(-1)?.cursor).toBeGreaterThan(Math.max(...cursors))
  })

  test('the log of events is read by owner, page by page, and says where to go on past what is others’', async () => {
    const { engine, account } = await fixture().engineWithAccount()
    const server = { host: '127.0.0.1', port: 1, security: 'none', user: 'ben', password: 'secret' } as const
    const owner = { tenantId: 'acme', userId: 'ben' } as Owner
    const ben = await engine.accounts.add({ address: 'ben@example.com', imap: server, owner })
    const anns = { owner: account.owner, accountId: null }
    const bens = { owner, accountId: null }
    const { next: begin } = await engine.events.page(bens, { after: null })
    const drafts: string[] = []
    for (let n = 0; n < 5; n += 1) drafts.push((await engine.drafts.create({ accountId: account.id })).id)
    const quiet = await engine.events.page(bens, { after: begin })
    expect(quiet).toMatchObject({ isLast: true, hasGap: false })
    expect(quiet.items.filter(({ accountId }) => accountId !== ben.id)).toEqual([])
    expect(quiet.next).toBeGreaterThan(begin)
    const told: string[] = []
    for (let after = begin, isLast = false; !isLast;) {
      const page = await engine.events.page(anns, { after, limit: 2 })
      expect(page.items.length).toBeLessThanOrEqual(2)
      for (const event of page.items) if (event.type === 'draft-created') told.push(event.draftId)
      after = page.next
      isLast = page.isLast
    }
    expect(told).toEqual(drafts)
    expect((await engine.events.page({ ...anns, accountId: ben.id }, { after: begin })).items).toEqual([])

    await engine.accounts.remove(ben.id)
    const removed = await engine.events.page(bens, { after: begin })
    expect(removed.items).toMatchObject([{ type: 'account-removed', accountId: ben.id, owner }])
    expect(await engine.events.page(anns, { after: 1_000_000 as EventCursor })).toMatchObject({
      items: [],
      next: removed.next,
      isLast: true,
      hasGap: true,
    })

    fixture().clock.now += 31 * 24 * 3_600_000
    await engine.housekeep()
    const late = await engine.events.page(anns, { after: begin })
    expect(late.hasGap).toBe(true)
    // The newest is kept, whosever it is: it says how far the log has come. What is due after a month may have been tried meanwhile.
    expect(late.next).toBeGreaterThanOrEqual(removed.next)
    expect(late.items.filter(({ cursor }) => cursor < removed.next)).toEqual([])
    const later = await engine.events.page(anns, { after: late.next })
    expect(later.hasGap).toBe(false)
    expect(later.items.filter(({ type }) => type !== 'task-retrying')).toEqual([])
  })
}
