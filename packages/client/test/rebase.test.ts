import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { emptyContent, type EditorContent } from '../src/auto-save/content.ts'
import { judgeFoundSave } from '../src/auto-save/found-saves.ts'
import { rebase } from '../src/auto-save/rebase.ts'
import type { BegunSave } from '../src/auto-save/shadow.ts'

const withBody = (body: string): EditorContent => ({ ...emptyContent, body })

test('what was typed stays, and what others wrote comes in, if they are apart', () => {
  const word = fc.string({ minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(word, word, word, word, word, fc.boolean(), (start, one, middle, other, end, isMineFirst) => {
      const base = withBody(`${start}|${middle}|${end}`)
      const first = withBody(`${start}${one}|${middle}|${end}`)
      const second = withBody(`${start}|${middle}|${other}${end}`)
      const [mine, theirs] = isMineFirst ? [first, second] : [second, first]
      const both = withBody(`${start}${one}|${middle}|${other}${end}`)
      expect(rebase({ base, mine, theirs })).toEqual({ kind: 'merged', content: both })
    }),
  )
})

test('whatever the three say: one side alone is taken whole, and a merge has nothing that neither wrote', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', ' '), maxLength: 6 })
  fc.assert(
    fc.property(text, text, text, (base, mine, theirs) => {
      const sides = { base: withBody(base), mine: withBody(mine), theirs: withBody(theirs) }
      const rebased = rebase(sides)
      if (mine === base) expect(rebased).toEqual({ kind: 'merged', content: sides.theirs })
      if (theirs === base) expect(rebased).toEqual({ kind: 'merged', content: sides.mine })
      if (mine === theirs) expect(rebased).toEqual({ kind: 'merged', content: sides.mine })
      // Both sides are treated alike.
      expect(rebase({ ...sides, mine: sides.theirs, theirs: sides.mine })).toEqual(rebased)
      // As many letters as both edits have brought and taken.
      if (rebased.kind === 'merged' && mine !== theirs) {
        expect(rebased.content.body).toHaveLength(mine.length + theirs.length - base.length)
      }
    }),
  )
})

test('at the same place nothing is decided, and the field is named', () => {
  const sides = { base: withBody('Dear Ann,'), mine: withBody('Dear Ann, yes'), theirs: withBody('Dear Ann, no') }
  expect(rebase(sides)).toEqual({ kind: 'conflict', fields: ['body'] })
})

test('recipients are sets: what one added is there, and what the other took away is not', () => {
  const [ann, bob, eve] = ['ann', 'bob', 'eve'].map((name) => ({ address: `${name}@example.org`, name: '' }))
  if (ann === undefined || bob === undefined || eve === undefined) throw new Error('three are needed')
  const to = (...list: readonly (typeof ann)[]): EditorContent => ({ ...emptyContent, to: list })
  const rebased = rebase({ base: to(ann, bob), mine: to(bob, eve), theirs: to(ann) })
  expect(rebased).toEqual({ kind: 'merged', content: to(eve) })
})

const at = (version: number, body: string): BegunSave['base'] => ({ version, content: withBody(body), savedAt: 1 })
const save: BegunSave = {
  saveId: '1',
  draftId: '2',
  device: 'tab',
  tab: '3',
  changedAt: 1,
  leftAt: null,
  base: at(4, 'said'),
  content: withBody('said more'),
  sent: null,
}

test.each([
  ['the draft says it already', save, at(5, 'said more'), 'settled'],
  ['nothing was written after all', { ...save, content: withBody('said') }, null, 'settled'],
  [
    'the draft says it already, beside what others wrote',
    { ...save, content: withBody('said\nmore') },
    at(5, 'they said\nsaid\nmore'),
    'settled',
  ],
  [
    'the draft says a part of it',
    { ...save, content: withBody('said\nmore\nand more') },
    at(5, 'said\nmore'),
    'offered',
  ],
  ['left in an orderly way, and nobody has saved since', { ...save, leftAt: 2 }, at(4, 'said'), 'resumed'],
  ['left in an orderly way, and nobody answers', { ...save, leftAt: 2 }, null, 'resumed'],
  ['left in an orderly way, and somebody has saved since', { ...save, leftAt: 2 }, at(5, 'other'), 'offered'],
  ['killed', save, at(4, 'said'), 'offered'],
  ['killed, and nobody answers', save, null, 'offered'],
] as const)('a save that was left behind: %s', (_, found, stored, kind) => {
  expect(judgeFoundSave(found, stored)).toMatchObject({ kind })
})

test('what was left behind diverged where the draft has another version by now', () => {
  expect(judgeFoundSave(save, at(5, 'other'))).toMatchObject({
    recovery: { diverged: true, stored: { body: 'other' } },
  })
  expect(judgeFoundSave(save, at(4, 'said'))).toMatchObject({ recovery: { diverged: false } })
})
