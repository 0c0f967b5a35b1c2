import type { DraftContent, Version } from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import { openEmbedded } from '../hazards/embedded-device.ts'
import { incompressible, settle } from '../live/harness.ts'

const hourMs = 3_600_000

describe('history', () => {
  test('every version can be restored, by a new revision that says what it said', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    const draft = await device.create({ text: 'version 1\n' })
    const said = new Map<number, Pick<DraftContent, 'text' | 'subject'>>([[1, draft]])
    for (let version = 2; version <= 80; version += 1) {
      const text = `version ${version}\n${'same words\n'.repeat(version % 7)}`
      said.set(version, await device.engine.drafts.save(draft.id, { text, subject: `subject ${version % 5}` }))
    }
    let head = 80
    for (const version of [1, 32, 33, 50, 64, 79]) {
      const restored = await device.engine.drafts.restore(draft.id, version as Version)
      head += 1
      expect(restored.version).toBe(head)
      expect({ text: restored.text, subject: restored.subject }).toEqual({
        text: said.get(version)!.text,
        subject: said.get(version)!.subject,
      })
    }
    const history = await device.engine.drafts.history(draft.id)
    expect(history.map((revision) => revision.version as number)).toEqual(
      Array.from({ length: head }, (_, index) => head - index),
    )
    await expect(device.engine.drafts.restore(draft.id, 999 as Version)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('a save stores what changed: a word in a long text costs less than a hundredth of it', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    const long = Array.from({ length: 5_000 }, (_, index) => `line ${index}\n`).join('')
    const draft = await device.create({ text: long })
    await device.engine.drafts.save(draft.id, { text: long.replace('line 2500', 'line 2500 and a word') })
    const [newest] = await device.engine.drafts.history(draft.id)
    expect(newest!.bytes).toBeLessThan(long.length / 100)
  })

  test('H18 discarding changes goes back to what was opened, and is not discarding the draft', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    const draft = await device.create({ text: 'as it was\n' })
    await settle(device)
    const composer = device.engine.drafts.open(draft.id)
    await composer.opened
    await device.engine.drafts.save(draft.id, { text: 'one\n' })
    await device.engine.drafts.save(draft.id, { text: 'two\n', subject: 'changed' })
    const reverted = await device.engine.drafts.discardChanges(draft.id)
    expect(reverted).toMatchObject({ status: 'draft', text: 'as it was\n', subject: draft.subject, version: 4 })
    await composer.close()
    await settle(device)
    expect(embedded.texts().map((text) => text.includes('as it was'))).toEqual([true])
    expect((await device.engine.drafts.restore(draft.id, 3 as Version)).text).toBe('two\n')
  })

  test('H18 discarding changes leaves what another program has written since it was opened', async () => {
    let now = Date.parse('2026-01-01T00:00:00Z')
    await using embedded = await openEmbedded({}, { environment: { now: () => now } })
    const { device } = embedded
    const draft = await device.create({ text: 'as it was\n' })
    await settle(device)
    await using composer = device.engine.drafts.open(draft.id)
    await composer.opened
    await device.engine.drafts.save(draft.id, { text: 'as it was, and mine\n' })
    await settle(device)
    await device.foreign(async (raw) => {
      const [copy] = await raw.listMessages('Drafts')
      await raw.append('Drafts', copy!.bytes.toString('latin1').replace('and mine', 'and theirs'), ['\\Draft'])
      await raw.select('Drafts')
      await raw.markDeleted('Drafts', [copy!.uid])
      await raw.expunge('Drafts')
    })
    await settle(device)
    expect(await device.get(draft.id)).toMatchObject({ text: 'as it was, and theirs\n' })
    const unchanged = await device.engine.drafts.discardChanges(draft.id)
    expect(unchanged).toMatchObject({ text: 'as it was, and theirs\n', sync: { state: 'synchronized' } })
    for (let edit = 1; edit <= 4; edit += 1) {
      now += hourMs / 3
      await composer.renew()
      await device.engine.drafts.save(draft.id, { text: `mine ${edit}\n` })
      await settle(device)
    }
    // What the discarding goes back to is not thinned out meanwhile.
    now += 2 * hourMs
    await composer.renew()
    expect((await device.engine.housekeep()).revisionsDropped).toBeGreaterThan(0)
    expect(await device.engine.drafts.discardChanges(draft.id)).toMatchObject({ text: 'as it was, and theirs\n' })
  })

  test('H18 a composer whose process ended is open no more once its lease is over', async () => {
    let aheadMs = 0
    await using embedded = await openEmbedded({}, { environment: { now: () => Date.now() + aheadMs } })
    const { device } = embedded
    const draft = await device.create({ text: 'when it was opened\n' })
    await device.engine.drafts.open(draft.id).opened
    await device.engine.drafts.save(draft.id, { text: 'on the server\n' })
    await settle(device)
    await device.restart()
    await device.engine.drafts.save(draft.id, { text: 'later\n' })
    aheadMs = 3 * 60_000
    expect(await device.engine.drafts.discardChanges(draft.id)).toMatchObject({ text: 'on the server\n' })
  })

  test('H18 without a composer it goes back to what was synchronized last', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    const draft = await device.create({ text: 'on the server\n' })
    await settle(device)
    await device.engine.drafts.save(draft.id, { text: 'one\n' })
    await device.engine.drafts.save(draft.id, { text: 'two\n' })
    expect(await device.engine.drafts.discardChanges(draft.id)).toMatchObject({ text: 'on the server\n' })
  })

  test('a discarded draft is taken back with its attachments and uploaded again', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    const draft = await device.create({ text: 'kept\n' })
    await device.attach(draft.id, incompressible(50_000))
    await settle(device)
    await device.engine.drafts.discard(draft.id)
    await settle(device)
    expect(embedded.texts()).toEqual([])
    const back = await device.engine.drafts.undiscard(draft.id)
    expect(back).toMatchObject({ status: 'draft', text: 'kept\n' })
    await settle(device)
    expect(embedded.texts()).toHaveLength(1)
    await expect(device.engine.drafts.undiscard(draft.id)).rejects.toMatchObject({ code: 'NOT_DISCARDED' })
  })
})

describe('keeping house', () => {
  test('thins out old revisions, but never the head, what is on the server, or what is restored from', async () => {
    let now = Date.parse('2026-01-01T00:00:00Z')
    await using embedded = await openEmbedded({}, { environment: { now: () => now } })
    const { device } = embedded
    const draft = await device.create({ text: 'version 1\n' })
    await device.sync()
    expect((await device.get(draft.id)).sync.uploadedVersion).toBe(1)
    for (let version = 2; version <= 120; version += 1) {
      now += hourMs / 20
      await device.engine.drafts.save(draft.id, { text: `version ${version}\n` })
    }
    const before = await device.engine.drafts.history(draft.id)
    const { revisionsDropped } = await device.engine.housekeep()
    const after = await device.engine.drafts.history(draft.id)
    expect(revisionsDropped).toBe(before.length - after.length)
    // Twenty of the last hour, one of each of the five hours before, and the one on the server.
    expect(after.length).toBeGreaterThanOrEqual(25)
    expect(after.length).toBeLessThanOrEqual(28)
    expect(after[0]!.version).toBe(120)
    expect(after.map((revision) => revision.version as number)).toContain(1)
    for (const { version } of after) {
      const { text } = await device.engine.drafts.restore(draft.id, version)
      expect(text).toBe(`version ${version}\n`)
    }
    expect(await device.engine.housekeep()).toMatchObject({ revisionsDropped: 0 })
  })

  test('H14 an attachment is collected when no kept revision names it, and not before', async () => {
    let now = Date.parse('2026-01-01T00:00:00Z')
    await using embedded = await openEmbedded({}, { environment: { now: () => now } })
    const { device } = embedded
    const draft = await device.create()
    const { attachments } = await device.attach(draft.id, incompressible(10_000))
    await device.engine.drafts.detach(draft.id, attachments[0]!.id)
    expect(await device.engine.housekeep()).toMatchObject({ blobsCollected: 0 })
    // The revision with it can still be restored, bytes and all.
    await device.engine.drafts.restore(draft.id, 2 as Version)
    const { content } = await device.engine.drafts.readAttachment(draft.id, attachments[0]!.id)
    let size = 0
    for await (const piece of content) size += piece.length
    expect(size).toBe(10_000)
    await device.engine.drafts.detach(draft.id, attachments[0]!.id)
    now += 3 * hourMs
    await device.engine.drafts.save(draft.id, { text: 'later\n' })
    expect(await device.engine.housekeep()).toMatchObject({ blobsCollected: 1 })
    await expect(device.engine.drafts.restore(draft.id, 2 as Version)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('the trash is emptied after thirty days, and a draft in it can be taken back until then', async () => {
    let now = Date.parse('2026-01-01T00:00:00Z')
    await using embedded = await openEmbedded({}, { environment: { now: () => now } })
    const { device } = embedded
    const [first, second] = [await device.create({ text: 'first\n' }), await device.create({ text: 'second\n' })]
    await device.engine.drafts.discard(first.id)
    await device.engine.drafts.discard(second.id)
    now += 29 * 24 * hourMs
    expect(await device.engine.housekeep()).toMatchObject({ draftsEmptied: 0 })
    await device.engine.drafts.undiscard(first.id)
    now += 2 * 24 * hourMs
    expect(await device.engine.housekeep()).toMatchObject({ draftsEmptied: 1 })
    expect((await device.get(first.id)).text).toBe('first\n')
    await expect(device.get(second.id)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(device.engine.drafts.undiscard(second.id)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect((await device.engine.drafts.list({ status: 'discarded' })).total).toBe(0)
  })
})

describe('a composer', () => {
  test('a draft that is open in one is not purged, however often its copy is seen to be gone', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    const draft = await device.create({ text: 'being written\n' })
    await settle(device)
    const composer = device.engine.drafts.open(draft.id)
    await composer.opened
    await device.foreign(async (raw) => {
      const [copy] = await raw.listMessages('Drafts')
      await raw.markDeleted('Drafts', [copy!.uid])
      await raw.expunge('Drafts')
    })
    for (let round = 0; round < 3; round += 1) await device.sync()
    expect((await device.get(draft.id)).status).toBe('draft')
    await composer.close()
    await device.sync()
    expect((await device.get(draft.id)).status).toBe('discarded')
  })

  test('closing it uploads at once; opening and closing without a change does nothing (H17)', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    const draft = await device.create({ text: 'one\n' })
    await settle(device)
    const mark = device.proxy.mark()
    {
      await using composer = device.engine.drafts.open(draft.id)
      await composer.opened
    }
    expect(device.proxy.since(mark).toServer).toBe(0)
    {
      await using composer = device.engine.drafts.open(draft.id)
      await composer.opened
      await device.engine.drafts.save(draft.id, { text: 'two\n' })
    }
    await expect.poll(async () => (await device.get(draft.id)).sync.state).toBe('synchronized')
    expect(embedded.texts()[0]).toContain('two')
  })
})
