import type { TenantId, UserId } from '@everdraft/core'
import { describe, expect, test } from 'vitest'

import { openEmbedded } from '../hazards/embedded-device.ts'
import type { Device } from '../live/harness.ts'

async function subjectsFound(device: Device, query: string): Promise<readonly string[]> {
  const { items } = await device.engine.drafts.search(query)
  return items.map((hit) => hit.draft.subject)
}

describe('search', () => {
  test('finds words by their beginnings, whatever their case and accents, in subject, text, people and files', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    const letter = await device.create({ subject: 'Der Bericht', text: 'Grüße aus Zürich, the quarterly figures\n' })
    await device.create({ subject: 'Другое', text: 'Привет из Москвы\n' })
    await device.engine.drafts.attach(letter.id, { filename: 'Façade.pdf', content: new Uint8Array(10) })
    await device.engine.housekeep()
    for (const query of ['bericht', 'GRÜ', 'zurich', 'quart fig', 'bob bericht', 'facade']) {
      expect(await subjectsFound(device, query), query).toEqual(['Der Bericht'])
    }
    expect(await subjectsFound(device, 'привет')).toEqual(['Другое'])
    expect(await subjectsFound(device, 'quarterly moscow')).toEqual([])
    const { items } = await device.engine.drafts.search('zurich')
    expect(items[0]!.snippet).toContain('\u2068Zürich\u2069')
  })

  test('finds what the head says, not what an earlier version said, and nothing that was emptied or belongs elsewhere', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    const draft = await device.create({ subject: 'mutable', text: 'pineapple\n' })
    await device.engine.housekeep()
    expect(await subjectsFound(device, 'pineapple')).toEqual(['mutable'])
    await device.engine.drafts.save(draft.id, { text: 'mango\n' })
    await device.engine.housekeep()
    expect(await subjectsFound(device, 'pineapple')).toEqual([])
    expect(await subjectsFound(device, 'mango')).toEqual(['mutable'])
    const other = await device.engine.accounts.add({
      address: 'other@example.org',
      imap: { host: '127.0.0.1', port: 1, security: 'none', user: 'x', password: 'x' },
    })
    expect((await device.engine.drafts.search('mango', { accountId: other.id })).total).toBe(0)
  })

  test('keeps to status, state and tag, and counts only what it may show', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    const { engine, account } = device
    const up = await engine.drafts.create({ accountId: account.id, subject: 'apple up', tags: ['red'] })
    await embedded.upload()
    const gone = await engine.drafts.create({ accountId: account.id, subject: 'apple gone', tags: ['red', 'old'] })
    await engine.drafts.discard(gone.id)
    await engine.drafts.create({ accountId: account.id, subject: 'apple here', tags: ['green'] })
    await engine.housekeep()
    const found = async (filter: Parameters<typeof engine.drafts.search>[1]) => {
      const { items, total } = await engine.drafts.search('apple', { ...filter, limit: 1 })
      return { first: items[0]?.draft.subject, total }
    }
    expect(await found({})).toMatchObject({ total: 3 })
    expect(await found({ status: 'discarded' })).toEqual({ first: 'apple gone', total: 1 })
    expect(await found({ syncState: 'synchronized' })).toEqual({ first: 'apple up', total: 1 })
    expect(await found({ tag: 'red' })).toMatchObject({ total: 2 })
    expect(await found({ tag: 'red', status: 'draft' })).toEqual({ first: 'apple up', total: 1 })
    expect(await found({ tag: "re'd" })).toEqual({ first: undefined, total: 0 })
    expect((await engine.drafts.list({ tag: 'red', syncState: 'synchronized' })).items.map((one) => one.id)).toEqual([
      up.id,
    ])
  })

  test('takes every text for words: operators, quotes and wildcards of the index are none', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    await device.create({ subject: 'near', text: 'a and b or c\n' })
    await device.engine.housekeep()
    for (const query of ['"', '*', 'a AND', 'NEAR(', 'subject:near', "'; drop table draft; --", '\u0000', '{}^', '']) {
      await expect(device.engine.drafts.search(query), query).resolves.toBeDefined()
    }
    expect(await subjectsFound(device, 'b OR c')).toEqual(['near'])
    expect(await subjectsFound(device, '***')).toEqual([])
  })
})

describe('templates', () => {
  test('a draft begins with what the template says; the fields given win', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    const template = await device.engine.templates.add(device.account.id, {
      name: 'Offer',
      subject: 'Our offer',
      text: 'Dear customer,\n',
      cc: 'sales@example.org',
    })
    const draft = await device.engine.drafts.create({
      accountId: device.account.id,
      templateId: template.id,
      subject: 'Our offer to you',
    })
    expect(draft).toMatchObject({
      subject: 'Our offer to you',
      text: 'Dear customer,\n',
      cc: [{ address: 'sales@example.org' }],
    })
    expect((await device.engine.templates.list(device.account.id)).items.map((one) => one.name)).toEqual(['Offer'])
    await device.engine.templates.remove(device.account.id, template.id)
    const gone = device.engine.drafts.create({ accountId: device.account.id, templateId: template.id })
    await expect(gone).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(device.engine.templates.add(device.account.id, { name: ' ' })).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
    })
  })

  test('picks the account of a draft that names neither an account nor a sender', async () => {
    await using embedded = await openEmbedded()
    const { device } = embedded
    const { engine } = device
    const template = await engine.templates.add(device.account.id, { name: 'Offer', text: 'Dear customer,\n' })
    const login = { host: '127.0.0.1', port: 1, security: 'none', user: 'x', password: 'x' } as const
    const work = await engine.accounts.add({ address: 'ann@work.example', imap: login })
    const theirs = await engine.accounts.add({
      address: 'bob@example.net',
      imap: login,
      owner: { tenantId: 'default' as TenantId, userId: 'bob' as UserId },
    })
    await engine.drafts.create({ accountId: work.id, to: 'carol@example.com' })
    const made = await engine.drafts.create({ templateId: template.id, to: 'carol@example.com' })
    expect(made).toMatchObject({ accountId: device.account.id, from: { address: 'ann@example.org' } })
    // A template is of one account: nobody else's draft begins with it.
    for (const other of [{ from: 'ann@work.example' }, { accountId: work.id }, { owner: theirs.owner }]) {
      const refused = engine.drafts.create({ templateId: template.id, ...other })
      await expect(refused).rejects.toMatchObject({ code: 'NOT_FOUND' })
    }
    expect((await engine.drafts.list()).total).toBe(2)
  })
})
