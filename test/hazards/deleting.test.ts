import { describe, expect, test } from 'vitest'

import { settle } from '../live/harness.ts'
import { openEmbedded } from './embedded-device.ts'

const bystander = 'From: carol@example.com\r\nSubject: bystander\r\nMessage-ID: <b@example.com>\r\n\r\nnot ours\r\n'

describe('H01 a sync deletes no draft that the server does not have', () => {
  test('drafts made offline survive every round, and a folder that is empty', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    device.proxy.refuse()
    const draft = await device.create({ text: 'offline\n' })
    for (let round = 0; round < 3; round += 1) await device.sync()
    device.proxy.accept()
    await settle(device)
    expect(await device.get(draft.id)).toMatchObject({ status: 'draft', text: 'offline\n' })
    expect(embedded.texts()).toHaveLength(1)
  })

  test('a copy that vanishes between the rounds of an edit takes no text with it, however the rounds fall', async () => {
    for (const savedWhen of ['before the vanish', 'after the first round', 'after the purge is due'] as const) {
      await using embedded = await openEmbedded()
      const { device } = embedded
      const draft = await device.create({ text: 'one\n' })
      await settle(device)
      if (savedWhen === 'before the vanish') await device.engine.drafts.save(draft.id, { text: 'two\n' })
      await device.foreign(async (raw) => {
        const [copy] = await raw.listMessages('Drafts')
        await raw.markDeleted('Drafts', [copy!.uid])
        await raw.expunge('Drafts')
      })
      if (savedWhen !== 'before the vanish') {
        await device.sync()
        await device.engine.drafts.save(draft.id, { text: 'two\n' })
      }
      if (savedWhen === 'after the purge is due') await device.restart()
      await settle(device)
      await settle(device)
      expect(await device.get(draft.id)).toMatchObject({ status: 'draft', text: 'two\n' })
      expect(embedded.texts().map((text) => text.includes('two'))).toEqual([true])
    }
  })

  test('when most drafts are gone at once none is purged', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    for (let index = 0; index < 12; index += 1) await device.create({ subject: `draft ${index}` })
    await settle(device)
    await device.foreign(async (raw) => {
      const copies = await raw.listMessages('Drafts')
      await raw.markDeleted(
        'Drafts',
        copies.slice(0, 11).map((copy) => copy.uid),
      )
      await raw.expunge('Drafts')
    })
    for (let round = 0; round < 3; round += 1) await device.sync()
    expect((await device.engine.drafts.list({ status: 'draft' })).total).toBe(12)
    const report = await device.sync()
    expect(report.errors.map((error) => error.code)).toEqual(['MASS_VANISH'])
    expect(await device.engine.accounts.get(device.account.id)).toMatchObject({ lastError: { code: 'MASS_VANISH' } })
  })

  test('what is held after a mass vanish stays held when fewer are left to count, until somebody confirms it', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    const drafts = []
    for (let index = 0; index < 12; index += 1) drafts.push(await device.create({ subject: `draft ${index}` }))
    await settle(device)
    await device.foreign(async (raw) => {
      const copies = await raw.listMessages('Drafts')
      await raw.markDeleted(
        'Drafts',
        copies.slice(0, 11).map((copy) => copy.uid),
      )
      await raw.expunge('Drafts')
    })
    await device.sync()
    // Five of them are edited: they are uploaded again, and fewer than ten names are left to be compared.
    for (const draft of drafts.slice(0, 5)) await device.engine.drafts.save(draft.id, { text: 'edited\n' })
    for (let round = 0; round < 3; round += 1) await device.sync()
    expect((await device.engine.drafts.list({ status: 'draft' })).total).toBe(12)
    await device.engine.sync(device.account.id, { waitMs: 30_000, confirmLosses: true })
    expect((await device.engine.drafts.list({ status: 'draft' })).total).toBe(6)
    expect((await device.engine.drafts.list({ status: 'discarded' })).total).toBe(6)
    expect(embedded.texts()).toHaveLength(6)
  })
})

describe('H06 EXPUNGE takes nobody else\u2019s mail', () => {
  test('without UIDPLUS a foreign message marked \\Deleted survives every replace and discard', async () => {
    await using embedded = await openEmbedded({ without: ['UIDPLUS', 'REPLACE', 'CATENATE'] })
    const { device, mailServer } = embedded
    await device.foreign((raw) => raw.append('Drafts', bystander, ['\\Deleted']))
    const draft = await device.create({ text: 'one\n' })
    await embedded.upload()
    await device.engine.drafts.save(draft.id, { text: 'two\n' })
    await embedded.upload()
    expect(embedded.texts().map((text) => text.includes('two'))).toEqual([true])
    await device.engine.drafts.discard(draft.id)
    await embedded.upload()
    expect(embedded.texts()).toEqual([])
    const all = mailServer.mailbox('ann', 'Drafts').map((message) => new TextDecoder().decode(message.bytes))
    expect(all.filter((text) => text.includes('not ours'))).toHaveLength(1)
  })

  test('without UIDPLUS, where only our copies are marked, they are removed for good', async () => {
    await using embedded = await openEmbedded({ without: ['UIDPLUS', 'REPLACE', 'CATENATE'] })
    const { device, mailServer } = embedded
    await device.foreign((raw) => raw.append('Drafts', bystander, []))
    const draft = await device.create({ text: 'one\n' })
    await embedded.upload()
    await device.engine.drafts.save(draft.id, { text: 'two\n' })
    await embedded.upload()
    expect(mailServer.mailbox('ann', 'Drafts')).toHaveLength(2)
  })
})

describe('H07 H10 no operation removes a UID it holds no receipt for', () => {
  test('a UIDVALIDITY reset between append and delete: no stale UID is stored to or expunged', async () => {
    await using embedded = await openEmbedded({ without: ['REPLACE'] })
    const { device, mailServer } = embedded
    await device.foreign((raw) => raw.append('Drafts', bystander, []))
    await device.foreign((raw) => raw.append('Drafts', bystander, []))
    const draft = await device.create({ text: 'one\n' })
    await embedded.upload()
    await device.engine.drafts.save(draft.id, { text: 'two\n' })
    const fault = mailServer.faults.add({
      on: { verb: 'STORE' },
      do: { kind: 'cut' },
    })
    await embedded.upload()
    expect(fault.fired).toBe(true)
    // Nothing is tried again before the folder is another one.
    device.proxy.refuse()
    await device.foreign(async (raw) => {
      const copies = await raw.listMessages('Drafts')
      const ours = copies.filter((copy) => copy.messageId !== '<b@example.com>')
      await raw.markDeleted('Drafts', [ours[0]!.uid])
      await raw.expunge('Drafts')
    })
    mailServer.resetUidValidity('ann', 'Drafts')
    device.proxy.accept()
    await embedded.upload()
    expect(embedded.texts().filter((text) => text.includes('not ours'))).toHaveLength(2)
    await settle(device)
    expect(embedded.texts().filter((text) => text.includes('not ours'))).toHaveLength(2)
    expect(embedded.texts().filter((text) => text.includes('two'))).toHaveLength(1)
    expect(embedded.texts()).toHaveLength(3)
  })

  test('UIDs that restart under the same UIDVALIDITY: the message under the owed UID is another one, and stays', async () => {
    await using embedded = await openEmbedded({ without: ['REPLACE'] })
    const { device } = embedded
    const discarded = await device.create({ text: 'discarded\n' })
    const kept = await device.create({ text: 'kept\n' })
    await embedded.upload()
    const { uid, uidValidity } = (await device.get(discarded.id)).sync
    device.proxy.cutAll('rst')
    device.proxy.refuse()
    await device.engine.drafts.discard(discarded.id)
    await embedded.upload()
    await embedded.comeBackEmpty()
    await device.foreign(async (raw) => {
      for (let index = 0; index < 4; index += 1) await raw.append('Drafts', bystander, [])
      expect(String((await raw.select('Drafts')).untagged.map((line) => line.text))).toContain(String(uidValidity))
      expect((await raw.listMessages('Drafts')).map((message) => message.uid)).toContain(uid)
    })
    device.proxy.accept()
    await embedded.upload()
    expect(embedded.texts().filter((text) => text.includes('not ours'))).toHaveLength(4)
    await settle(device)
    await settle(device)
    expect(embedded.texts().filter((text) => text.includes('not ours'))).toHaveLength(4)
    // And what was wanted is there again.
    expect(embedded.texts().filter((text) => text.includes('kept'))).toHaveLength(1)
    expect((await device.get(kept.id)).status).toBe('draft')
  })
})

describe('H17 merely opening a draft does nothing', () => {
  test('get, list, history and an empty save make no revision, no task and no byte', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    const draft = await device.create()
    await settle(device)
    const mark = device.proxy.mark()
    const events = device.events.length
    await device.get(draft.id)
    await device.engine.drafts.list()
    await device.engine.drafts.history(draft.id)
    const saved = await device.engine.drafts.save(draft.id, {
      subject: draft.subject,
      to: draft.to,
      text: draft.text.replaceAll('\n', '\r\n'),
      metadata: { ...draft.metadata },
    })
    await embedded.upload()
    expect(saved).toMatchObject({ version: 1, updatedAt: draft.updatedAt, sync: { state: 'synchronized' } })
    expect(device.events.length).toBe(events)
    expect(device.proxy.since(mark).toServer).toBe(0)
  })
})
