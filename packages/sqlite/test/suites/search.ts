import { describe, expect, test } from 'vitest'

import type { SuiteStorage } from '../harness.ts'

/** Every index finds the same drafts. */
export function exerciseSearch({ openFakeDevice }: SuiteStorage): void {
  describe('searching', () => {
    test('finds what is meant in any script, however its characters are composed and its words are written', async () => {
      await using device = await openFakeDevice()
      const { drafts } = device.engine
      const texts: Record<string, string> = {
        'from a Mac': 'Новый отчёт, 보고서 최종, がんばって, café'.normalize('NFD'),
        'from elsewhere': 'Новый отчёт, 보고서 최종, がんばって, café',
        unspaced: '会議の資料は明日、東京本社で。ภาษาไทยไม่มีช่องว่าง abc漢字xyz',
        apart: '明るい日本の本社',
        operators: `NEAR("a" b) x:y -z ^q AND {oder} 'tis O'Brien 50% _snake_case_`,
      }
      for (const [subject, text] of Object.entries(texts)) await drafts.create({ subject, text })
      await drafts.create({
        subject: 'HTML alone',
        html: '<style>p{color:tomato}</style><p>Gr&uuml;&szlig;e&nbsp;aus M&#252;n<b>chen</b><br>Stra&szlig;e</p>',
      })
      await device.engine.housekeep()
      const found = async (query: string): Promise<readonly string[]> =>
        (await drafts.search(query)).items.map(({ draft }) => draft.subject).toSorted()
      const both = ['from a Mac', 'from elsewhere']
      for (const word of ['новый', 'отчёт', '보고', '최종', 'がん', 'cafe', 'CAFÉ']) {
        expect([word, await found(word.normalize('NFC'))]).toEqual([word, both])
        expect([word, await found(word.normalize('NFD'))]).toEqual([word, both])
      }
      // The characters in a row, wherever a word may begin.
      for (const word of ['資料', '明日', '本社で', '会議 東京', 'ไทย', 'ช่องว่าง', 'abc', '漢字', 'xyz', '漢字xy']) {
        expect([word, await found(word)]).toEqual([word, ['unspaced']])
      }
      expect(await found('本社')).toEqual(['apart', 'unspaced'])
      expect(await found('社本')).toEqual([])
      for (const words of ['grüße münchen', 'Straße', 'aus']) expect(await found(words)).toEqual(['HTML alone'])
      for (const markup of ['uuml', 'tomato', 'szlig', 'nbsp']) expect(await found(markup)).toEqual([])
      for (const query of ['NEAR("a" b)', 'x:y', '"a" AND', '{oder', "O'Br", 'snak*', '50%', 'snake', '^q -z']) {
        expect([query, await found(query)]).toEqual([query, ['operators']])
      }
      for (const query of ['', '"', '***', '\u0301', '\u0000', '🎉', "';--"]) expect(await found(query)).toEqual([])
      expect((await drafts.search('資料')).items[0]!.snippet).toContain('の\u2068資料\u2069は明日')
      expect((await drafts.search('münchen')).items[0]!.snippet).toContain('\u2068München\u2069')
    })
  })
}
