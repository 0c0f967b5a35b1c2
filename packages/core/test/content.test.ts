import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { type Address, parseAddress, parseAddressList } from '../src/draft/address.ts'
import { applyChanges, changedFields } from '../src/draft/content.ts'
import { applyDelta, backOf, changeBetween, deltaBetween, forwardOf } from '../src/draft/delta.ts'
import { type DraftContent, emptyContent } from '../src/draft/draft.ts'
import { EverdraftError } from '../src/errors.ts'

const path = 'to'
const list = (input: Parameters<typeof parseAddressList>[0]) => parseAddressList(input, path)

/** The paths that a refusal names. */
function refusedPaths(act: () => unknown): readonly string[] {
  try {
    act()
  } catch (error) {
    if (error instanceof EverdraftError && error.code === 'VALIDATION_ERROR') {
      return error.errors.map((one) => one.path)
    }
    throw error
  }
  return []
}

describe('an address', () => {
  const cases: readonly (readonly [written: string, address: Address])[] = [
    ['ann@example.org', { address: 'ann@example.org', name: '' }],
    [' Ann <ann@example.org> ', { address: 'ann@example.org', name: 'Ann' }],
    ['"Bee, Ann" <ann@example.org>', { address: 'ann@example.org', name: 'Bee, Ann' }],
    ['"Ann \\"A\\" Bee" <ann@example.org>', { address: 'ann@example.org', name: 'Ann "A" Bee' }],
    ['"back\\\\slash" <a@b>', { address: 'a@b', name: 'back\\slash' }],
    ['"a <b> c" <d@e>', { address: 'd@e', name: 'a <b> c' }],
    ['<ann@example.org>', { address: 'ann@example.org', name: '' }],
    ['Zoë Ö. <zoë@exämple.org>', { address: 'zoë@exämple.org', name: 'Zoë Ö.' }],
    // Unfinished, as people type: kept, and told only when it is to be sent.
    ['ann', { address: 'ann', name: '' }],
    ['ann@', { address: 'ann@', name: '' }],
    ['Ann <', { address: 'Ann <', name: '' }],
    ['Ann <ann@exam', { address: 'Ann <ann@exam', name: '' }],
    ['"Ann', { address: '"Ann', name: '' }],
    ['Ann <>', { address: '', name: 'Ann' }],
  ]
  test.each(cases)('%s is read as it was meant', (written, address) => {
    expect(parseAddress(written, path)).toEqual(address)
  })

  test('with any name, quoted, comes back with that name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (name) => {
        fc.pre(!/[\r\n\0\u2028\u2029]/.test(name) && name.trim() !== '')
        const quoted = `"${name.replaceAll(/["\\]/g, '\\$&')}" <ann@example.org>`
        expect(list(`${quoted}, bob@example.org`)).toEqual([
          { address: 'ann@example.org', name },
          { address: 'bob@example.org', name: '' },
        ])
      }),
    )
  })

  test('CR, LF and NUL are refused wherever they stand, and the refusal names where', () => {
    for (const bad of ['\r', '\n', '\0', '\r\n']) {
      expect(refusedPaths(() => list(`a@b${bad}Bcc: c@d`))).toEqual(['to'])
      expect(refusedPaths(() => list(['a@b', `c${bad}@d`]))).toEqual(['to[1]'])
      expect(refusedPaths(() => list({ address: `a@b${bad}` }))).toEqual(['to.address'])
      expect(refusedPaths(() => list(['x', { address: 'a@b', name: `A${bad}B` }]))).toEqual(['to[1].name'])
      expect(refusedPaths(() => applyChanges(emptyContent, { subject: `a${bad}b` }))).toEqual(['subject'])
      expect(refusedPaths(() => applyChanges(emptyContent, { from: `a${bad}b` }))).toEqual(['from'])
      expect(refusedPaths(() => applyChanges(emptyContent, { inReplyTo: `<a${bad}b>` }))).toEqual(['in_reply_to'])
      expect(refusedPaths(() => applyChanges(emptyContent, { references: ['<a@b>', `<a${bad}b>`] }))).toEqual([
        'references[1]',
      ])
    }
    expect(refusedPaths(() => applyChanges(emptyContent, { text: 'a\0b' }))).toEqual(['text'])
    expect(refusedPaths(() => applyChanges(emptyContent, { html: 'a\0b' }))).toEqual(['html'])
  })
})

const letters = (text: string) => text.replaceAll(/[^a@é]/g, '')

describe('a list of addresses', () => {
  test('is split at commas that stand neither in quotes nor in brackets', () => {
    expect(list('a@b, "C, D" <c@d>,<e,f@g> , , h')).toEqual([
      { address: 'a@b', name: '' },
      { address: 'c@d', name: 'C, D' },
      { address: 'e,f@g', name: '' },
      { address: 'h', name: '' },
    ])
  })

  test('may mix texts, lists in texts and parts', () => {
    expect(list(['a@b, c@d', { address: ' e@f ', name: ' E ' }, { address: 'g@h', name: null }])).toEqual([
      { address: 'a@b', name: '' },
      { address: 'c@d', name: '' },
      { address: 'e@f', name: 'E' },
      { address: 'g@h', name: '' },
    ])
  })

  test('has no blank entries, however they were written', () => {
    expect(list('')).toEqual([])
    expect(list(' , ,')).toEqual([])
    expect(list([{ address: ' ' }, { address: '', name: '' }, '', 'a@b'])).toEqual([{ address: 'a@b', name: '' }])
    expect(applyChanges(emptyContent, { from: { address: '' } }).from).toBeNull()
  })

  test('loses no letter of what was typed, finished or not', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', '@', ',', '<', '>', '"', ' ', 'é') }), (typed) => {
        const kept = list(typed)
          .map(({ name, address }) => name + address)
          .join('')
        expect(letters(kept)).toBe(letters(typed))
      }),
    )
  })
})

const inReplyTo = (id: string) => applyChanges(emptyContent, { inReplyTo: id }).inReplyTo

describe('changes', () => {
  const full: DraftContent = applyChanges(emptyContent, {
    from: 'ann@example.org',
    to: 'b@c',
    cc: 'd@e',
    bcc: 'f@g',
    subject: 'A letter',
    text: 'one\ntwo',
    html: '<p>one</p>',
    inReplyTo: 'id@example.com',
    references: ['<id@example.com>'],
    metadata: { a: 1, b: { c: [1, 2] } },
    tags: ['x', 'y'],
  })

  test('set the fields given, leave the absent, and null empties', () => {
    for (const field of Object.keys(emptyContent) as (keyof DraftContent)[]) {
      if (field === 'attachments') continue
      const emptied = applyChanges(full, { [field]: null })
      expect(emptied[field], field).toEqual(emptyContent[field])
      expect({ ...emptied, [field]: full[field] }).toEqual(full)
      expect(applyChanges(full, { [field]: undefined })).toEqual(full)
    }
    expect(applyChanges(full, {})).toEqual(full)
  })

  test('line ends are LF in the model, whichever were given', () => {
    expect(applyChanges(emptyContent, { text: 'a\r\nb\rc\nd\r\n', html: '<p>\r\n' })).toMatchObject({
      text: 'a\nb\nc\nd\n',
      html: '<p>\n',
    })
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom('a', '\u2028', 'é', ' ') })), (parts) => {
        const texts = ['\n', '\r\n', '\r'].map((end) => applyChanges(emptyContent, { text: parts.join(end) }).text)
        expect(new Set(texts)).toEqual(new Set([parts.join('\n')]))
      }),
    )
  })

  test('a Message-ID has both its angle brackets, or gets them; anything else is refused', () => {
    expect(inReplyTo(' <id@example.com> ')).toBe('<id@example.com>')
    expect(inReplyTo('id@example.com')).toBe('<id@example.com>')
    for (const wrong of ['', ' ', '<>', '<a@b', 'a@b>', '<<a@b>>', 'a b@c', '<a@b> <c@d>', 'a@b,c@d']) {
      expect(
        refusedPaths(() => inReplyTo(wrong)),
        wrong,
      ).toEqual(['in_reply_to'])
    }
  })

  test('metadata that JSON cannot say is refused', () => {
    const circular: Record<string, unknown> = {}
    circular['self'] = circular
    const altered = [{ a: Number.NaN }, { a: new Date(0) }, { a: () => 1 }, { a: [undefined] }, { a: new Map() }]
    for (const wrong of [circular, { big: 1n }, [], 'text', 5, ...altered] as unknown[]) {
      expect(refusedPaths(() => applyChanges(emptyContent, { metadata: wrong as never }))).toEqual(['metadata'])
    }
  })

  test('metadata is a copy: what the caller does with its object later changes no draft', () => {
    const metadata = { list: [1] }
    const content = applyChanges(emptyContent, { metadata })
    metadata.list.push(2)
    expect(content.metadata).toEqual({ list: [1] })
  })

  test('tags are trimmed, and each stands once', () => {
    expect(applyChanges(emptyContent, { tags: [' a', 'b', 'a ', '', ' '] }).tags).toEqual(['a', 'b'])
  })
})

const address = fc.record({
  address: fc.constantFrom('a@b', 'c@d', ''),
  name: fc.constantFrom('', 'A', 'é', 'e\u0301'),
})
const content: fc.Arbitrary<DraftContent> = fc.record({
  from: fc.option(address),
  to: fc.array(address, { maxLength: 3 }),
  cc: fc.constant([]),
  bcc: fc.constant([]),
  subject: fc.string({ maxLength: 5 }),
  text: fc.string({ unit: fc.constantFrom('a', 'b', '\n', '😀', '\ud83d', 'é') }),
  html: fc.option(fc.string({ unit: fc.constantFrom('a', 'b', '<', '>') })),
  inReplyTo: fc.constant(null),
  references: fc.constant([]),
  attachments: fc.constant([]),
  metadata: fc.dictionary(fc.string(), fc.jsonValue()) as fc.Arbitrary<Record<string, unknown>>,
  tags: fc.array(fc.string(), { maxLength: 2 }),
})

/** The same value with the keys of every object in another order. */
function reordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reordered)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, inner]) => [key, reordered(inner)]),
  )
}

const sorted = (value: unknown) => JSON.stringify(reordered(reordered(value)))

describe('what a save changes', () => {
  test('is nothing where only the order of keys differs (H17)', () => {
    fc.assert(
      fc.property(content, (one) => {
        fc.pre(!JSON.stringify(one).includes('__proto__'))
        expect(changedFields(one, reordered(one) as DraftContent)).toEqual([])
        expect(changedFields(one, structuredClone(one))).toEqual([])
      }),
    )
  })

  test('is exactly the fields whose JSON differs, in the order of the model', () => {
    fc.assert(
      fc.property(content, content, (one, other) => {
        const changed = changedFields(one, other)
        for (const field of Object.keys(emptyContent) as (keyof DraftContent)[]) {
          if (sorted(one[field]) === sorted(other[field])) expect(changed).not.toContain(field)
          if (typeof one[field] === 'string' && one[field] !== other[field]) expect(changed).toContain(field)
        }
        expect(changed).toEqual(Object.keys(emptyContent).filter((field) => changed.includes(field as never)))
        expect(changedFields(other, one)).toEqual(changed)
      }),
    )
  })

  test('is the text, where only its Unicode normal form differs: what was typed is kept as typed', () => {
    const composed = applyChanges(emptyContent, { text: 'é' })
    const decomposed = applyChanges(emptyContent, { text: 'e\u0301' })
    expect(changedFields(composed, decomposed)).toEqual(['text'])
  })
})

describe('the delta between two revisions', () => {
  test('makes the one of the other, also after a way through JSON', () => {
    fc.assert(
      fc.property(content, content, (from, to) => {
        const delta = JSON.parse(JSON.stringify(deltaBetween(from, to))) as ReturnType<typeof deltaBetween>
        expect(changedFields(applyDelta(from, delta), to)).toEqual([])
        expect(applyDelta(from, delta).text).toBe(to.text)
      }),
    )
  })

  test('is told both ways by a change, and by it the same as by a delta', () => {
    fc.assert(
      fc.property(content, content, (from, to) => {
        const change = JSON.parse(JSON.stringify(changeBetween(from, to))) as ReturnType<typeof changeBetween>
        expect(Object.keys(change)).toEqual(changedFields(from, to))
        expect(forwardOf(change)).toEqual(JSON.parse(JSON.stringify(deltaBetween(from, to))))
        expect(changedFields(applyDelta(from, forwardOf(change)), to)).toEqual([])
        expect(changedFields(applyDelta(to, backOf(change)), from)).toEqual([])
        expect(applyDelta(to, backOf(change)).text).toBe(from.text)
      }),
    )
  })

  test('is the shortest single replacement, wherever a long text is changed and however much it repeats', () => {
    // Few letters: what is beside a change often reads as the change does.
    const many = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 3_000, size: 'max' })
    const few = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 60, size: 'max' })
    const change = fc.record({
      text: fc.oneof(many, fc.constant('a'.repeat(1_500))),
      at: fc.nat(),
      removed: fc.nat(60),
      inserted: few,
    })
    fc.assert(
      fc.property(change, ({ text, at, removed, inserted }) => {
        const start = at % (text.length + 1)
        const changed = text.slice(0, start) + inserted + text.slice(start + removed)
        const [from, to] = [text, changed].map((one) => ({ ...emptyContent, text: one })) as [
          DraftContent,
          DraftContent,
        ]
        const { splice } = deltaBetween(from, to)
        if (text === changed) {
          expect(splice).toEqual({})
          return
        }
        let same = 0
        while (same < Math.min(text.length, changed.length) && text[same] === changed[same]) same += 1
        let tail = 0
        const most = Math.min(text.length, changed.length) - same
        while (tail < most && text.at(-1 - tail) === changed.at(-1 - tail)) tail += 1
        expect(splice.text).toEqual([same, text.length - same - tail, changed.slice(same, changed.length - tail)])
      }),
      { numRuns: 500 },
    )
  })

  test('of a word typed into a long text is about as long as the word', () => {
    const before = { ...emptyContent, text: 'a line of a letter\n'.repeat(10_000) }
    const after = { ...before, text: `${before.text.slice(0, 90_000)}word${before.text.slice(90_000)}` }
    expect(JSON.stringify(deltaBetween(before, after)).length).toBeLessThan(100)
  })
})
