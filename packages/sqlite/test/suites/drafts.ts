import type { AccountId, Umid, Version } from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import { codeOf, nobody, secondAccount, type SuiteStorage } from '../harness.ts'

/** What is said to a draft, and what it answers. */
export function exerciseDrafts({ openFakeDevice }: SuiteStorage): void {
  describe('creating', () => {
    test('a draft is at version 1, local-only, from the account, and waits for its upload', async () => {
      await using device = await openFakeDevice()
      const draft = await device.engine.drafts.create({ subject: 'A letter', to: 'Bob <bob@example.com>' })
      expect(draft).toMatchObject({
        accountId: device.account.id,
        version: 1,
        status: 'draft',
        from: { address: 'ann@example.org', name: 'Ann' },
        to: [{ address: 'bob@example.com', name: 'Bob' }],
        sync: { state: 'local-only', pending: { reason: 'waiting' }, uid: null, lastError: null },
      })
      expect(await device.engine.drafts.history(draft.id)).toMatchObject([
        { version: 1, by: 'user', fieldsChanged: ['from', 'to', 'subject'] },
      ])
    })

    test('without an account it goes to the one whose address it is from, whatever the letter case', async () => {
      await using device = await openFakeDevice()
      const ben = await secondAccount(device.engine)
      const byFrom = async (from: string) => (await device.engine.drafts.create({ from })).accountId
      expect(await byFrom('Ann <ANN@Example.org>')).toBe(device.account.id)
      expect(await byFrom('ben@example.com')).toBe(ben.id)
    })

    test('without an account and sender it goes to the account used last', async () => {
      await using device = await openFakeDevice()
      await device.time.advance(1_000)
      const ben = await secondAccount(device.engine)
      expect((await device.engine.drafts.create({})).accountId).toBe(ben.id)
      await device.time.advance(1_000)
      await device.engine.drafts.create({ accountId: device.account.id })
      const picked = await device.engine.drafts.create({})
      expect(picked.accountId).toBe(device.account.id)
      expect(picked.from?.address).toBe('ann@example.org')
    })

    test('for an account that is not there it is NOT_FOUND, and nothing is stored', async () => {
      await using device = await openFakeDevice()
      expect(await codeOf(device.engine.drafts.create({ accountId: nobody as AccountId }))).toBe('NOT_FOUND')
      expect((await device.engine.drafts.list()).total).toBe(0)
    })

    test('a sender left blank is the account’s own', async () => {
      await using device = await openFakeDevice()
      expect((await device.engine.drafts.create({ from: ' ' })).from).toEqual({
        address: 'ann@example.org',
        name: 'Ann',
      })
    })
  })

  describe('saving', () => {
    test('an edit on an old version is refused and stores nothing (H19)', async () => {
      await using device = await openFakeDevice()
      const { drafts } = device.engine
      const draft = await drafts.create({ text: 'one' })
      await drafts.save(draft.id, { text: 'two' }, { baseVersion: draft.version })
      expect(await codeOf(drafts.save(draft.id, { text: 'three' }, { baseVersion: draft.version }))).toBe(
        'VERSION_MISMATCH',
      )
      expect(await drafts.get(draft.id)).toMatchObject({ version: 2, text: 'two' })
      expect(await drafts.history(draft.id)).toHaveLength(2)
    })

    test('of twenty edits on one version exactly one is stored (H19)', async () => {
      await using device = await openFakeDevice()
      const { drafts } = device.engine
      const draft = await drafts.create({ text: 'one' })
      const codes = await Promise.all(
        Array.from({ length: 20 }, (_each, index) =>
          codeOf(drafts.save(draft.id, { text: `edit ${index}` }, { baseVersion: draft.version })),
        ),
      )
      expect(codes.filter((code) => code === 'no error')).toHaveLength(1)
      expect(codes.filter((code) => code === 'VERSION_MISMATCH')).toHaveLength(19)
      expect((await drafts.get(draft.id)).version).toBe(2)
    })

    test('what changes nothing makes no revision, no event and no upload (H17)', async () => {
      await using device = await openFakeDevice()
      const { drafts } = device.engine
      const fields = {
        to: 'Bob <bob@example.com>',
        text: 'one\ntwo',
        metadata: { b: 1, a: { d: 1, c: 2 } },
        tags: ['x'],
      }
      const draft = await drafts.create(fields)
      await device.sync()
      const { length } = device.events
      const commands = device.mailbox.commands.length
      for (const same of [
        {},
        { to: [{ address: 'bob@example.com', name: 'Bob' }] },
        { text: 'one\r\ntwo' },
        { metadata: { a: { c: 2, d: 1 }, b: 1 } },
        { tags: [' x ', 'x'] },
        { cc: null, html: null, bcc: [] },
      ]) {
        const saved = await drafts.save(draft.id, same)
        expect(saved.version, JSON.stringify(same)).toBe(1)
      }
      await device.time.advance(200_000)
      expect(device.events.length).toBe(length)
      expect(device.mailbox.commands.slice(commands).filter((command) => command.startsWith('append'))).toEqual([])
    })

    test('reading, listing and flushing a draft changes nothing (H17)', async () => {
      await using device = await openFakeDevice()
      const { drafts } = device.engine
      const draft = await drafts.create({ text: 'one' })
      await device.sync()
      const before = await drafts.get(draft.id)
      const { length } = device.events
      await drafts.list()
      await drafts.history(draft.id)
      await drafts.flush(draft.id)
      await device.time.advance(1_000)
      expect(await drafts.get(draft.id)).toEqual(before)
      expect(device.events.length).toBe(length)
    })

    test('null empties a field, and the history says which fields changed and by whom', async () => {
      await using device = await openFakeDevice()
      const { drafts } = device.engine
      const draft = await drafts.create({ subject: 'A letter', to: 'b@c', html: '<p>hi</p>', tags: ['x'] })
      await drafts.save(draft.id, { subject: null, to: null, html: null, tags: null }, { by: 'program' })
      expect(await drafts.get(draft.id)).toMatchObject({ subject: '', to: [], html: null, tags: [] })
      expect((await drafts.history(draft.id))[0]).toMatchObject({
        version: 2,
        by: 'program',
        fieldsChanged: ['to', 'subject', 'html', 'tags'],
      })
    })

    test('a draft that is not there is NOT_FOUND for every act', async () => {
      await using device = await openFakeDevice()
      const { drafts } = device.engine
      const id = nobody as Umid
      expect(
        await Promise.all(
          [
            drafts.get(id),
            drafts.save(id, { text: 'x' }),
            drafts.discard(id),
            drafts.history(id),
            drafts.flush(id),
            drafts.detach(id, nobody as never),
            drafts.readAttachment(id, nobody as never),
          ].map(codeOf),
        ),
      ).toEqual(Array.from({ length: 7 }, () => 'NOT_FOUND'))
    })

    test('get beside saves and uploads never meets a draft between two states', async () => {
      await using device = await openFakeDevice({ timing: { uploadDelayMs: 0 } })
      const { drafts } = device.engine
      const draft = await drafts.create({ text: 'start' })
      for (let round = 0; round < 20; round += 1) {
        const syncing = device.sync()
        const reads = Array.from({ length: 10 }, () => drafts.get(draft.id))
        const saving = drafts.save(draft.id, { text: `round ${round}` })
        const lists = Array.from({ length: 10 }, () => drafts.list())
        for (const read of await Promise.all(reads)) {
          const { state, uploadedVersion } = read.sync
          if (state === 'synchronized') expect(uploadedVersion).toBe(read.version)
          if (state === 'local-only') expect(uploadedVersion).toBeNull()
        }
        await Promise.all([saving, syncing, ...lists])
      }
    })
  })

  describe('versions', () => {
    test('count up by one, whatever is saved at the same time', async () => {
      await using device = await openFakeDevice()
      const { drafts } = device.engine
      const draft = await drafts.create({ text: 'start' })
      await Promise.all(Array.from({ length: 50 }, (_each, index) => drafts.save(draft.id, { text: `edit ${index}` })))
      const history = await drafts.history(draft.id)
      expect(history.map(({ version }) => version)).toEqual(
        Array.from({ length: 51 }, (_each, index) => (51 - index) as Version),
      )
    })
  })
}
