import { expect, test } from 'vitest'

import { addAccount, type StorageFixture } from './storage-fixture.ts'

export function exerciseSearch(fixture: () => StorageFixture): void {
  /** Drafts by their subjects, indexed. */
  async function openWith(drafts: readonly { readonly subject: string; readonly text?: string }[]) {
    const { engine, account } = await fixture().engineWithAccount()
    for (const draft of drafts) await engine.drafts.create({ accountId: account.id, ...draft })
    await engine.housekeep()
    const found = async (query: string) => {
      const { items, total } = await engine.drafts.search(query)
      expect(total).toBe(items.length)
      return items.map(({ draft }) => draft.subject).toSorted()
    }
    return { engine, account, found }
  }

  test('words are found by their beginnings, all of them, case and accents folded', async () => {
    const { found } = await openWith([
      { subject: 'Grüße', text: 'aus Ærøskøbing' },
      { subject: 'Report', text: 'The quarterly figures, naïve and über-short' },
      { subject: 'Łódź', text: 'Tromsø, Ελλάδα, ὉΔΌΣ, İstanbul, МОСКВА, 漢字 and e\u0301te\u0301' },
      { subject: 'numbers', text: 'invoice 2024-00817 of 3.5 kg' },
    ])
    expect(await found('grusse')).toEqual([])
    expect(await found('GRÜ')).toEqual(['Grüße'])
    expect(await found('gru')).toEqual(['Grüße'])
    expect(await found('quarter fig')).toEqual(['Report'])
    expect(await found('fig naive')).toEqual(['Report'])
    expect(await found('quarterly grüße')).toEqual([])
    expect(await found('uber')).toEqual(['Report'])
    expect(await found('short')).toEqual(['Report'])
    // SQLite’s index takes accents from Latin letters alone; so do the others.
    expect(await found('ΕΛΛΆΔΑ')).toEqual(['Łódź'])
    expect(await found('ελλαδα')).toEqual([])
    expect(await found('ὁδός')).toEqual(['Łódź'])
    expect(await found('istanbul')).toEqual(['Łódź'])
    expect(await found('москва')).toEqual(['Łódź'])
    expect(await found('été')).toEqual(['Łódź'])
    expect(await found('漢字')).toEqual(['Łódź'])
    expect(await found('00817')).toEqual(['numbers'])
    expect(await found('817')).toEqual([])
  })

  test('nothing in a query is an operator, and none without a letter or digit finds anything', async () => {
    const { found } = await openWith([{ subject: 'this OR that', text: 'near AND not a:b' }, { subject: 'other' }])
    for (const query of ['', ' ', '*', '"', "'", '& | ! ( )', ':*', '\\', '%', '_'])
      expect(await found(query)).toEqual([])
    for (const query of ['this OR', 'NOT near', "that' & this", 'a:b*', '"this that"', 'near!', 'this \\ that']) {
      expect(await found(query)).toEqual(['this OR that'])
    }
    expect(await found('that NEAR/2 other')).toEqual([])
  })

  test('subjects, people, texts, HTML without its tags and names of files are looked at', async () => {
    const { engine, account, found } = await openWith([{ subject: 'plain' }])
    await engine.drafts.create({
      accountId: account.id,
      subject: 'html',
      html: '<style>p { color: crimson }</style><p class="violet">Dear <b>reader</b></p>',
    })
    const full = await engine.drafts.create({
      accountId: account.id,
      subject: 'people',
      to: [{ name: 'Ben Example', address: 'ben@example.com' }],
      cc: 'cyd@example.com',
    })
    await engine.drafts.attach(full.id, { filename: 'Budget 2024.pdf', content: new Uint8Array(3) })
    await engine.housekeep()
    expect(await found('reader')).toEqual(['html'])
    expect(await found('violet')).toEqual([])
    expect(await found('crimson')).toEqual([])
    expect(await found('ben')).toEqual(['people'])
    expect(await found('cyd example')).toEqual(['people'])
    expect(await found('budget pdf')).toEqual(['people'])
  })

  test('what is found is what is said now, in the account that was asked for', async () => {
    const { engine, account, found } = await openWith([{ subject: 'first', text: 'walnut' }])
    const other = await addAccount(engine, 'ben@example.com')
    const [draft] = (await engine.drafts.list()).items
    if (draft === undefined) throw new Error('there is no draft')
    await engine.drafts.save(draft.id, { text: 'almond' })
    await engine.drafts.create({ accountId: other.id, subject: 'second', text: 'almond' })
    await engine.housekeep()
    expect(await found('walnut')).toEqual([])
    expect(await found('almond')).toEqual(['first', 'second'])
    const ofOne = await engine.drafts.search('almond', { accountId: account.id })
    expect(ofOne.items.map((hit) => hit.draft.subject)).toEqual(['first'])
    const page = await engine.drafts.search('almond', { limit: 1, offset: 1 })
    expect(page).toMatchObject({ total: 2, limit: 1, offset: 1 })
    expect(page.items).toHaveLength(1)
  })

  test('the best match comes first, with the words around it', async () => {
    const filler = 'and so on and so forth '.repeat(30)
    const { engine } = await openWith([
      { subject: 'long', text: `${filler} a walnut ${filler}` },
      { subject: 'short', text: 'walnut, walnut' },
    ])
    const { items } = await engine.drafts.search('waln')
    expect(items.map(({ draft }) => draft.subject)).toEqual(['short', 'long'])
    expect(items[0]?.snippet).toBe('\u2068walnut\u2069, \u2068walnut\u2069')
    expect(items[1]?.snippet).toContain('a \u2068walnut\u2069 and so on')
    expect(items[1]?.snippet).toMatch(/^….*…$/s)
    expect(items[1]?.snippet.length).toBeLessThan(120)
  })

  test('a text of a megabyte and words of a thousand letters are indexed', async () => {
    const { found } = await openWith([
      { subject: 'large', text: `${'all work and no play '.repeat(50_000)} ${'x'.repeat(5_000)} needle` },
    ])
    expect(await found('needle')).toEqual(['large'])
    expect(await found('x'.repeat(200))).toEqual(['large'])
  })
}
