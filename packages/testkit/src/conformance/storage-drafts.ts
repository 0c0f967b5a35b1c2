import type { Umid } from '@everdraft/core'
import { expect, test } from 'vitest'

import { addAccount, codeOf, oddTexts, type StorageFixture } from './storage-fixture.ts'

export function exerciseDrafts(fixture: () => StorageFixture): void {
  test('a new store is at this version, and opens again as often as one likes', async () => {
    for (let time = 0; time < 3; time += 1) {
      const engine = await fixture().engine()
      expect((await engine.accounts.list()).total).toBe(0)
      await engine.close()
    }
  })

  test('all that a draft says comes back after a restart, whatever is written in it', async () => {
    const { engine, account } = await fixture().engineWithAccount()
    const written = []
    for (const [index, text] of oddTexts.entries()) {
      const inHeader = text.replace(/[\r\n\0]+/g, ' ')
      const draft = await engine.drafts.create({
        accountId: account.id,
        to: [{ name: inHeader.trim(), address: 'bob@example.com' }],
        subject: inHeader,
        text,
        html: `<p>${index}</p>`,
        metadata: { text, nested: { list: [1, null, text] } },
        tags: [`tag ${index}`],
      })
      written.push(draft)
    }
    await engine.close()
    const again = await fixture().engine()
    for (const draft of written) expect(await again.drafts.get(draft.id)).toEqual(draft)
    expect((await again.drafts.list({ tag: 'tag 3' })).items.map(({ id }) => id)).toEqual([written[3]?.id])
    expect((await again.drafts.list({ tag: 'tag' })).total).toBe(0)
  })

  test('a NUL is refused at the door, so that every database can keep what comes in', async () => {
    const { engine, account } = await fixture().engineWithAccount()
    const create = (fields: object) => codeOf(engine.drafts.create({ accountId: account.id, ...fields }))
    expect(await create({ subject: 'a\0b' })).toBe('VALIDATION_ERROR')
    expect(await create({ to: [{ name: 'a\0b', address: 'bob@example.com' }] })).toBe('VALIDATION_ERROR')
    expect(await create({ text: 'a\0b' })).toBe('VALIDATION_ERROR')
    expect(await codeOf(engine.templates.add(account.id, { name: 'a\0b' }))).toBe('VALIDATION_ERROR')
    expect((await engine.drafts.list()).total).toBe(0)
  })

  test('times of thousands of years from now are kept to the millisecond', async () => {
    // What the time in a UUID of version 7 holds.
    fixture().clock.now = 2 ** 48 - 1_000_000_000_001
    const { engine, account } = await fixture().engineWithAccount()
    const draft = await engine.drafts.create({ accountId: account.id, subject: 'late' })
    expect(draft).toMatchObject({ createdAt: fixture().clock.now, updatedAt: fixture().clock.now })
    await engine.close()
    const again = await fixture().engine()
    expect(await again.drafts.get(draft.id)).toMatchObject({ createdAt: fixture().clock.now })
    const { items } = await again.tasks.list(account.id)
    expect(items.find(({ kind }) => kind === 'draft_upload')?.createdAt).toBe(fixture().clock.now)
  })

  test('of many saves on one version exactly one is stored, and those of other drafts with it', async () => {
    const { engine, account } = await fixture().engineWithAccount()
    const drafts = []
    for (let index = 0; index < 5; index += 1) {
      drafts.push(await engine.drafts.create({ accountId: account.id, text: `draft ${index}` }))
    }
    // All in one group: each that is refused is taken back alone.
    const outcomes = await Promise.all(
      drafts.flatMap((draft) =>
        Array.from({ length: 12 }, async (_each, edit) => ({
          id: draft.id,
          text: `edit ${edit}`,
          code: await codeOf(engine.drafts.save(draft.id, { text: `edit ${edit}` }, { baseVersion: draft.version })),
        })),
      ),
    )
    for (const draft of drafts) {
      const own = outcomes.filter(({ id }) => id === draft.id)
      const stored = own.filter(({ code }) => code === 'no error')
      expect(stored).toHaveLength(1)
      expect(own.filter(({ code }) => code === 'VERSION_MISMATCH')).toHaveLength(11)
      expect(await engine.drafts.get(draft.id)).toMatchObject({ version: 2, text: stored[0]?.text })
      expect(await engine.drafts.history(draft.id)).toHaveLength(2)
    }
  })

  test('saves at the same time count up by one, and each is a revision that can be restored', async () => {
    const { engine, account } = await fixture().engineWithAccount()
    const draft = await engine.drafts.create({ accountId: account.id, text: 'version 1' })
    const saved = await Promise.all(
      Array.from({ length: 40 }, (_each, index) => engine.drafts.save(draft.id, { text: `version ${index + 2}` })),
    )
    expect(saved.map(({ version }) => version)).toEqual(Array.from({ length: 40 }, (_each, index) => index + 2))
    const history = await engine.drafts.history(draft.id)
    expect(history.map(({ version }) => version)).toEqual(Array.from({ length: 41 }, (_each, index) => 41 - index))
    for (const version of [1, 17, 32, 33, 41]) {
      const known = history.find((revision) => revision.version === version)
      if (known === undefined) throw new Error(`version ${version} is not in the history`)
      expect((await engine.drafts.restore(draft.id, known.version)).text).toBe(`version ${version}`)
    }
  })

  test('lists come newest change first, and those of the same time by their ids', async () => {
    const { engine, account } = await fixture().engineWithAccount()
    const other = await addAccount(engine, 'ben@example.com')
    const made: { readonly id: Umid; readonly at: number }[] = []
    for (const [index, minutes] of [5, 1, 9, 9, 9, 2].entries()) {
      fixture().clock.now += minutes
      const accountId = index === 1 ? other.id : account.id
      const draft = await engine.drafts.create({ accountId, subject: `draft ${index}` })
      made.push({ id: draft.id, at: fixture().clock.now })
      fixture().clock.now -= minutes
    }
    const expected = made.toSorted((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1)).map(({ id }) => id)
    const all = await engine.drafts.list()
    expect(all.items.map(({ id }) => id)).toEqual(expected)
    const second = await engine.drafts.list({ limit: 2, offset: 2 })
    expect(second).toMatchObject({ total: 6, limit: 2, offset: 2 })
    expect(second.items.map(({ id }) => id)).toEqual(expected.slice(2, 4))
    expect((await engine.drafts.list({ accountId: other.id })).items.map(({ id }) => id)).toEqual([made[1]?.id])
    expect((await engine.drafts.list({ syncState: 'local-only' })).total).toBe(6)
    expect((await engine.drafts.list({ status: 'sent' })).total).toBe(0)
  })

  test('the total of a list is right through discarding, moving, emptying and the end of an account', async () => {
    const { engine, account } = await fixture().engineWithAccount()
    const other = await addAccount(engine, 'bob@example.org')
    const ids: Umid[] = []
    for (let index = 0; index < 6; index += 1) {
      ids.push((await engine.drafts.create({ accountId: account.id, subject: `${index}` })).id)
    }
    const [first, second, third] = ids as [Umid, Umid, Umid]
    const expectTotals = async (inFirst: number, inOther: number, discarded: number): Promise<void> => {
      const filters = [
        { filter: {}, total: inFirst + inOther },
        { filter: { accountId: account.id }, total: inFirst },
        { filter: { accountId: other.id }, total: inOther },
        { filter: { status: 'discarded' }, total: discarded },
        { filter: { status: 'draft', syncState: 'local-only' }, total: inFirst + inOther - discarded },
      ] as const
      for (const { filter, total } of filters) {
        const list = await engine.drafts.list(filter)
        expect({ filter, total: list.total, items: list.items.length }).toEqual({ filter, total, items: total })
      }
    }
    await expectTotals(6, 0, 0)
    await engine.drafts.discard(first)
    await engine.drafts.discard(second)
    await expectTotals(6, 0, 2)
    await engine.drafts.undiscard(second)
    await engine.drafts.move(third, other.id)
    await engine.drafts.save(third, { text: 'moved' })
    await expectTotals(5, 1, 1)
    fixture().clock.now += 31 * 24 * 3_600_000
    expect((await engine.housekeep()).draftsEmptied).toBe(1)
    await expectTotals(4, 1, 0)
    await engine.accounts.remove(account.id, { unsent: 'discard' })
    await expectTotals(0, 1, 0)
  })

  test('two texts that cannot be merged are both kept, in a conflict that is resolved once', async () => {
    const { engine, account } = await fixture().engineWithAccount()
    const draft = await engine.drafts.create({ accountId: account.id, subject: 'one' })
    await engine.drafts.save(draft.id, { subject: 'theirs' })
    const options = { baseVersion: draft.version, onConflict: 'merge' } as const
    expect(await codeOf(engine.drafts.save(draft.id, { subject: 'ours' }, options))).toBe('CONFLICT')
    const [conflict] = await engine.drafts.conflicts(draft.id)
    if (conflict === undefined) throw new Error('there is no conflict')
    expect(conflict).toMatchObject({
      base: { subject: 'one' },
      local: { subject: 'ours' },
      remote: { subject: 'theirs' },
      fields: ['subject'],
      resolvedAt: null,
    })
    expect((await engine.drafts.resolve(draft.id, conflict.id, 'local-wins')).subject).toBe('ours')
    expect(await codeOf(engine.drafts.resolve(draft.id, conflict.id, 'remote-wins'))).toBe('NOT_FOUND')
    expect(await engine.drafts.conflicts(draft.id)).toMatchObject([
      { resolvedAt: fixture().clock.now, resolution: 'local-wins' },
    ])
  })

  test('a composer’s lease says where “discard my changes” goes back to, also after a restart', async () => {
    const { engine, account } = await fixture().engineWithAccount()
    const draft = await engine.drafts.create({ accountId: account.id, text: 'as it was' })
    await engine.drafts.open(draft.id).opened
    await engine.drafts.save(draft.id, { text: 'as it is' })
    await engine.close()
    const again = await fixture().engine()
    expect((await again.drafts.discardChanges(draft.id)).text).toBe('as it was')
  })

  test('templates come by name, in the order of their bytes', async () => {
    const { engine, account } = await fixture().engineWithAccount()
    for (const name of ['b', 'ä', 'B', 'a', 'Ä', '_']) {
      await engine.templates.add(account.id, { name, subject: `subject ${name}` })
    }
    const { items, total } = await engine.templates.list(account.id)
    expect(items.map(({ name }) => name)).toEqual(['B', '_', 'a', 'b', 'Ä', 'ä'])
    const [first] = items
    if (first === undefined) throw new Error('there is no template')
    const draft = await engine.drafts.create({ accountId: account.id, templateId: first.id })
    expect(draft.subject).toBe('subject B')
    await engine.templates.remove(account.id, first.id)
    expect((await engine.templates.list(account.id)).total).toBe(total - 1)
    expect(await codeOf(engine.templates.remove(account.id, first.id))).toBe('NOT_FOUND')
  })

  test('an account goes with all that belongs to it, and nothing of another’s', async () => {
    const { engine, account } = await fixture().engineWithAccount()
    const other = await addAccount(engine, 'ben@example.com')
    const kept = await engine.drafts.create({ accountId: other.id, subject: 'kept' })
    const gone = await engine.drafts.create({ accountId: account.id, subject: 'gone', text: 'words' })
    await engine.drafts.attach(gone.id, { filename: 'a', content: new Uint8Array(10) })
    expect(await codeOf(engine.accounts.remove(account.id))).toBe('UNSENT_DRAFTS')
    await engine.accounts.remove(account.id, { unsent: 'discard' })
    expect(await codeOf(engine.drafts.get(gone.id))).toBe('NOT_FOUND')
    expect((await engine.drafts.list()).items.map(({ id }) => id)).toEqual([kept.id])
    expect((await engine.accounts.list()).items.map(({ id }) => id)).toEqual([other.id])
  })
}
