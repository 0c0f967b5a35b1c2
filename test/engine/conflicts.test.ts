import type { DraftChanges, EverdraftError, Version } from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import { openEmbedded } from '../hazards/embedded-device.ts'
import type { Device } from '../live/harness.ts'

const twoParagraphs = 'first paragraph\n\nsecond paragraph\n'

/** Somebody else saved on version 1 before we did. */
async function divergedDraft(device: Device, theirs: DraftChanges) {
  const draft = await device.create({ subject: 'subject', text: twoParagraphs })
  await device.engine.drafts.save(draft.id, theirs, { baseVersion: draft.version })
  return draft
}

describe('a save on an old version', () => {
  test('H19 is refused, and nothing of it is stored, unless merging was asked for', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    const draft = await divergedDraft(device, { subject: 'theirs' })
    const late = device.engine.drafts.save(draft.id, { subject: 'ours' }, { baseVersion: draft.version })
    await expect(late).rejects.toMatchObject({ code: 'VERSION_MISMATCH' })
    expect(await device.get(draft.id)).toMatchObject({ version: 2, subject: 'theirs' })
    expect(await device.engine.drafts.conflicts(draft.id)).toEqual([])
  })

  test('merges what can be merged: other fields, other paragraphs, both sides\u2019 recipients', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    const draft = await divergedDraft(device, {
      subject: 'theirs',
      text: twoParagraphs.replace('first', 'THEIR first'),
      to: ['bob@example.com', 'theirs@example.com'],
    })
    const merged = await device.engine.drafts.save(
      draft.id,
      { text: twoParagraphs.replace('second', 'OUR second'), to: ['bob@example.com', 'ours@example.com'] },
      { baseVersion: draft.version, onConflict: 'merge' },
    )
    expect(merged).toMatchObject({
      version: 3,
      subject: 'theirs',
      text: 'THEIR first paragraph\n\nOUR second paragraph\n',
    })
    const addresses = merged.to.map((one) => one.address).toSorted((a, b) => a.localeCompare(b))
    expect(addresses).toEqual(['bob@example.com', 'ours@example.com', 'theirs@example.com'])
  })

  test('that cannot be merged raises a conflict that holds both texts and the base, and saves over nothing', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    const draft = await divergedDraft(device, { text: 'their text\n' })
    const late = device.engine.drafts.save(
      draft.id,
      { text: 'our text\n' },
      { baseVersion: draft.version, onConflict: 'merge' },
    )
    const refusal = await late.catch((error: unknown) => error)
    expect(refusal).toMatchObject({ code: 'CONFLICT' })
    expect(await device.get(draft.id)).toMatchObject({ version: 2, text: 'their text\n' })
    await device.restart()
    const [conflict] = await device.engine.drafts.conflicts(draft.id)
    expect(conflict).toMatchObject({
      id: (refusal as EverdraftError).conflictId,
      fields: ['text'],
      base: { text: twoParagraphs },
      local: { text: 'our text\n' },
      remote: { text: 'their text\n' },
      resolvedAt: null,
    })
    expect(device.events.map((event) => event.type)).toContain('conflict-raised')
  })

  for (const { how, text } of [
    { how: 'local-wins', text: 'our text\n' },
    { how: 'remote-wins', text: 'their text\n' },
    { how: { text: 'both texts\n' }, text: 'both texts\n' },
  ] as const) {
    test(`a conflict is resolved by ${typeof how === 'string' ? how : 'the merged fields'}, once`, async () => {
      await using embedded = await openEmbedded()
      const { device } = embedded
      const draft = await divergedDraft(device, { text: 'their text\n' })
      const options = { baseVersion: draft.version, onConflict: 'merge' } as const
      await expect(device.engine.drafts.save(draft.id, { text: 'our text\n' }, options)).rejects.toThrow('conflict')
      const [conflict] = await device.engine.drafts.conflicts(draft.id)
      await expect(device.engine.drafts.resolve(draft.id, conflict!.id, 'merge')).rejects.toMatchObject({
        code: 'CONFLICT',
      })
      expect(await device.engine.drafts.resolve(draft.id, conflict!.id, how)).toMatchObject({ text })
      const again = device.engine.drafts.resolve(draft.id, conflict!.id, how)
      await expect(again).rejects.toMatchObject({ code: 'NOT_FOUND' })
      expect((await device.engine.drafts.conflicts(draft.id))[0]).toMatchObject({ local: { text: 'our text\n' } })
    })
  }

  test('what loses stays in history, whichever side wins', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    for (const { strategy, wins, loses } of [
      { strategy: 'local-wins', wins: 'our text\n', loses: 'their text\n' },
      { strategy: 'remote-wins', wins: 'their text\n', loses: 'our text\n' },
    ] as const) {
      const draft = await divergedDraft(device, { text: 'their text\n' })
      const saved = await device.engine.drafts.save(
        draft.id,
        { text: 'our text\n' },
        { baseVersion: draft.version, onConflict: strategy },
      )
      expect(saved.text).toBe(wins)
      const texts: string[] = []
      for (const { version } of await device.engine.drafts.history(draft.id)) {
        texts.push((await device.engine.drafts.restore(draft.id, version)).text)
      }
      expect(texts).toContain(loses)
    }
  })

  test('whose base is not kept any more is in conflict rather than guessed', async () => {
    let now = Date.parse('2026-01-01T00:00:00Z')
    await using embedded = await openEmbedded({}, { environment: { now: () => now } })
    const { device } = embedded
    const draft = await device.create({ text: 'one\n' })
    for (const text of ['two\n', 'three\n', 'four\n']) {
      now += 60_000
      await device.engine.drafts.save(draft.id, { text })
    }
    now += 4 * 3_600_000
    await device.engine.drafts.save(draft.id, { text: 'five\n' })
    await device.engine.housekeep()
    const late = device.engine.drafts.save(
      draft.id,
      { text: 'ours\n' },
      { baseVersion: 2 as Version, onConflict: 'merge' },
    )
    await expect(late).rejects.toMatchObject({ code: 'CONFLICT' })
    const [conflict] = await device.engine.drafts.conflicts(draft.id)
    expect(conflict).toMatchObject({ local: { text: 'ours\n' }, remote: { text: 'five\n' }, fields: ['text'] })
  })
})
