import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import type { Address } from '../src/draft/address.ts'
import { type Attachment, type DraftContent, emptyContent } from '../src/draft/draft.ts'
import { mergeContent, type MergeStrategy } from '../src/draft/merge.ts'
import type { AttachmentId, MessageId, Sha256 } from '../src/ids.ts'

// Few values, so that the two sides collide all the time.
const address: fc.Arbitrary<Address> = fc.record({
  address: fc.constantFrom('ann@example.org', 'Ann@Example.org', 'bob@example.org', 'cy@example.org', 'dee@', ''),
  name: fc.constantFrom('', 'Ann', 'Bob'),
})
const attachment: fc.Arbitrary<Attachment> = fc.record({
  id: fc.constantFrom('1', '2', '3', '4', '5', '6', '7', '8').map((id) => id as AttachmentId),
  filename: fc.constantFrom('a.pdf', 'b.pdf'),
  contentType: fc.constant('application/pdf'),
  size: fc.constant(1),
  sha256: fc.constantFrom('aa', 'bb', 'cc').map((hash) => hash as Sha256),
  disposition: fc.constantFrom('attachment', 'inline'),
  contentId: fc.constantFrom(null, 'image'),
})
const attachments = fc.uniqueArray(attachment, { maxLength: 4, selector: (one) => one.id })
const block = fc.constantFrom('A', 'B', 'C', 'D', 'E', 'F', '> A\n> B', 'x\ty', '😀', '\ud800')
const blocks = fc.array(block, { maxLength: 6 })
const textOf = (list: readonly string[], gap: string, end: string): string => list.join(gap) + end
const text = fc
  .tuple(blocks, fc.constantFrom('\n\n', '\n\n\n', '\n \n', '\r\n\r\n', '\n'), fc.constantFrom('', '\n', '\n\n', '  '))
  .map(([list, gap, end]) => textOf(list, gap, end))
const htmlBlock = fc.constantFrom(
  '<p>A</p>',
  '<p>B</p>',
  '<div>C</div>',
  '<div><p>D</p><hr></div>',
  'E <b>e</b><br>',
  '<!-- F -->',
  '<P class="<p>">G</P>',
  '<style>p{}</style>',
  '<p>H',
  '< I',
  '<img src="cid:image">',
)
const html = fc
  .tuple(
    fc.array(htmlBlock, { maxLength: 5 }),
    fc.constantFrom('', '\n'),
    fc.constantFrom('', '<div>', '<html><head></head><body>'),
  )
  .map(([list, gap, wrapper]) => {
    const end = wrapper === '' ? '' : wrapper === '<div>' ? '</div>' : '</body></html>'
    return wrapper + list.join(gap) + end
  })
const messageIds = fc.constantFrom('<1@x>', '<2@x>', '<3@x>').map((id) => id as MessageId)
const addresses = fc.array(address, { maxLength: 3 })
const fields: { readonly [Field in keyof DraftContent]: fc.Arbitrary<DraftContent[Field]> } = {
  from: fc.option(address),
  to: addresses,
  cc: addresses,
  bcc: addresses,
  subject: fc.constantFrom('', 'Hello', 'Re: Hello'),
  text,
  html: fc.option(html),
  inReplyTo: fc.option(messageIds),
  references: fc.array(messageIds, { maxLength: 3 }),
  attachments,
  metadata: fc.dictionary(fc.constantFrom('a', 'b', '__proto__'), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 3 }),
  tags: fc.uniqueArray(fc.constantFrom('x', 'y', 'z')),
}
const content: fc.Arbitrary<DraftContent> = fc.record(fields)

/** Changes to some fields; lists and texts are edited, not thrown away. */
const edit: fc.Arbitrary<(base: DraftContent) => DraftContent> = fc
  .tuple(
    fc.record(fields, { requiredKeys: [] }),
    fc.array(listEdit(address), { maxLength: 3 }),
    fc.array(listEdit(attachment), { maxLength: 2 }),
    fc.array(listEdit(block), { maxLength: 2 }),
    fc.subarray(['to', 'cc', 'bcc', 'attachments', 'text', 'html'] as const),
    fc.constantFrom('to', 'cc', 'bcc'),
    fc.constantFrom('to', 'cc', 'bcc'),
  )
  .map(([replaced, recipients, files, paragraphs, edited, from, to]) => (base) => {
    const whole = Object.fromEntries(Object.entries(replaced).filter((_, index) => index % 3 === 0))
    let after: DraftContent = { ...base, ...whole }
    for (const field of ['to', 'cc', 'bcc'] as const) {
      if (edited.includes(field)) after = { ...after, [field]: apply(recipients, base[field]) }
    }
    if (edited.includes('attachments')) {
      const list = apply(files, base.attachments)
      after = { ...after, attachments: [...new Map(list.map((one) => [one.id, one])).values()] }
    }
    if (edited.includes('text')) after = { ...after, text: apply(paragraphs, base.text.split('\n\n')).join('\n\n') }
    if (edited.includes('html') && base.html !== null) {
      const list = apply(paragraphs, base.html.split(/(?<=<\/(?:p|div)>)/))
      after = { ...after, html: list.map((one) => (one.length > 2 ? one : `<p>${one}</p>`)).join('') }
    }
    const [moved, ...rest] = after[from]
    if (moved !== undefined && from !== to && edited.length > 3) {
      after = { ...after, [from]: rest, [to]: [...after[to], moved] }
    }
    return after
  })

interface ListEdit<Value> {
  readonly kind: 'insert' | 'remove' | 'replace' | 'move'
  readonly at: number
  readonly to: number
  readonly value: Value
}

function listEdit<Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<ListEdit<Value>> {
  return fc.record({
    kind: fc.constantFrom('insert', 'remove', 'replace', 'move'),
    at: fc.nat(7),
    to: fc.nat(7),
    value,
  })
}

function apply<Value>(edits: readonly ListEdit<Value>[], list: readonly Value[]): Value[] {
  const after = [...list]
  for (const { kind, at, to, value } of edits) {
    const index = at % (after.length + 1)
    if (kind === 'insert') after.splice(index, 0, value)
    else if (kind === 'replace') after.splice(index, 1, value)
    else {
      const removed = after.splice(index, 1)
      if (kind === 'move') after.splice(to % (after.length + 1), 0, ...removed)
    }
  }
  return after
}

const sides = fc
  .tuple(content, edit, edit)
  .map(([base, local, remote]) => ({ base, local: local(base), remote: remote(base) }))

const runs = { numRuns: 3000 }
const strategies: readonly MergeStrategy[] = ['merge', 'local-wins', 'remote-wins']

const keyOf = ({ address: written, name }: Address): string =>
  written === '' ? `name:${name.toLowerCase()}` : written.toLowerCase()
const recipientsOf = ({ to, cc, bcc }: DraftContent): ReadonlySet<string> => new Set([...to, ...cc, ...bcc].map(keyOf))
const paragraphsOf = (written: string | null): readonly string[] =>
  (written ?? '')
    .replace(/\r\n?/g, '\n')
    .split(/\n(?:[^\S\n]*\n)+/)
    .map((one) => one.replace(/^(?:[^\S\n]*\n)+/, '').replace(/\n[^\S\n]*$/, ''))
    .filter((one) => one.trim() !== '')
const count = <Value>(list: readonly Value[], value: Value): number => list.filter((one) => one === value).length

const sorted = (list: readonly unknown[]): readonly string[] => list.map((one) => JSON.stringify(one)).toSorted()
const once = (list: readonly Address[]): readonly Address[] =>
  list.filter((one, index) => list.findIndex((other) => keyOf(other) === keyOf(one)) === index)
const occurrences = (written: string, part: string): number => written.split(part).length - 1
const body = ({ text: written, html: rendered }: DraftContent): string => JSON.stringify([written, rendered])
const hashes = (side: DraftContent): readonly Sha256[] => side.attachments.map((one) => one.sha256)
const bodyOf = (both: string): DraftContent => ({ ...emptyContent, text: both, html: both })

/** What does not depend on who is local: lists as sets, attachments without the order. */
function withoutOrder(merged: DraftContent): unknown {
  return {
    ...merged,
    to: sorted(once(merged.to)),
    cc: sorted(once(merged.cc)),
    bcc: sorted(once(merged.bcc)),
    tags: sorted(merged.tags),
    attachments: sorted(merged.attachments),
  }
}

const letters = (written: string | null): string => (written ?? '').replace(/\s/g, '').split('').toSorted().join('')

function withoutPlaces(merged: DraftContent): unknown {
  return withoutOrder({ ...merged, text: letters(merged.text), html: letters(merged.html), attachments: [] })
}

describe('whatever two sides do to one draft', () => {
  test('what only one side changed is taken to the letter', () => {
    fc.assert(
      fc.property(content, content, fc.constantFrom(...strategies), (base, x, strategy) => {
        expect(mergeContent({ base, local: x, remote: base }, strategy)).toEqual({ kind: 'merged', content: x })
        expect(mergeContent({ base, local: base, remote: x }, strategy)).toEqual({ kind: 'merged', content: x })
        expect(mergeContent({ base, local: x, remote: x }, strategy)).toEqual({ kind: 'merged', content: x })
      }),
      runs,
    )
  })

  test('a field that one side only changed takes that side, whoever wins', () => {
    const independent = ['from', 'subject', 'inReplyTo', 'metadata', 'tags'] as const
    fc.assert(
      fc.property(sides, fc.constantFrom(...strategies), ({ base, local, remote }, strategy) => {
        const merged = mergeContent({ base, local, remote }, strategy).content
        for (const field of independent) {
          if (JSON.stringify(local[field]) === JSON.stringify(base[field])) expect(merged[field]).toEqual(remote[field])
          if (JSON.stringify(remote[field]) === JSON.stringify(base[field])) expect(merged[field]).toEqual(local[field])
        }
      }),
      runs,
    )
  })

  test('the same input gives the same output, and the inputs stay as they were', () => {
    fc.assert(
      fc.property(sides, fc.constantFrom(...strategies), (three, strategy) => {
        const before = JSON.stringify(three)
        const merge = mergeContent(three, strategy)
        expect(mergeContent(three, strategy)).toEqual(merge)
        expect(JSON.stringify(three)).toBe(before)
      }),
      runs,
    )
  })

  test('a merge does not depend on who is local, but for the order of lists', () => {
    fc.assert(
      fc.property(sides, ({ base, local, remote }) => {
        const one = mergeContent({ base, local, remote }, 'merge')
        const other = mergeContent({ base, local: remote, remote: local }, 'merge')
        expect(other.kind).toBe(one.kind)
        if (one.kind === 'merged') expect(withoutOrder(other.content)).toEqual(withoutOrder(one.content))
        else expect(other).toHaveProperty('fields', one.fields)
        expect(withoutOrder(mergeContent({ base, local: remote, remote: local }, 'remote-wins').content)).toEqual(
          withoutOrder(mergeContent({ base, local, remote }, 'local-wins').content),
        )
      }),
      runs,
    )
  })

  test('a conflict offers what local-wins would keep', () => {
    fc.assert(
      fc.property(sides, (three) => {
        const merge = mergeContent(three, 'merge')
        expect(mergeContent(three, 'local-wins')).toEqual({ kind: 'merged', content: merge.content })
        expect(mergeContent(three, 'remote-wins').kind).toBe('merged')
        if (merge.kind === 'merged') {
          expect(mergeContent(three, 'remote-wins').content).toEqual(merge.content)
          return
        }
        expect(merge.fields.length).toBeGreaterThan(0)
        for (const field of merge.fields) expect(three.local[field]).not.toEqual(three.remote[field])
      }),
      runs,
    )
  })

  test('no recipient is lost that neither side removed, none is invented, and a moved one moves once', () => {
    fc.assert(
      fc.property(sides, fc.constantFrom(...strategies), ({ base, local, remote }, strategy) => {
        const merged = mergeContent({ base, local, remote }, strategy).content
        const [inBase, inLocal, inRemote] = [recipientsOf(base), recipientsOf(local), recipientsOf(remote)]
        for (const key of new Set([...inBase, ...inLocal, ...inRemote])) {
          const removed = inBase.has(key) && (!inLocal.has(key) || !inRemote.has(key))
          if (!removed) expect(recipientsOf(merged)).toContain(key)
        }
        for (const key of recipientsOf(merged)) {
          expect(inLocal.has(key) || inRemote.has(key)).toBe(true)
          const placesIn = (side: DraftContent): number =>
            [side.to, side.cc, side.bcc].filter((list) => list.some((one) => keyOf(one) === key)).length
          expect(placesIn(merged)).toBeLessThanOrEqual(Math.max(placesIn(local), placesIn(remote)))
        }
      }),
      runs,
    )
  })

  test('merged text has every paragraph that a side added, none that nobody wrote, and none is doubled by a move', () => {
    let bothChanged = 0
    fc.assert(
      fc.property(
        text,
        fc.array(listEdit(block), { maxLength: 3 }),
        fc.array(listEdit(block), { maxLength: 3 }),
        (written, one, other) => {
          const edited = (edits: readonly ListEdit<string>[]): string =>
            apply(edits, written.split('\n\n')).join('\n\n')
          const texts = { base: written, local: edited(one), remote: edited(other) }
          const merge = mergeContent(
            {
              base: { ...emptyContent, text: texts.base },
              local: { ...emptyContent, text: texts.local },
              remote: { ...emptyContent, text: texts.remote },
            },
            'merge',
          )
          if (merge.kind === 'conflict') {
            expect(merge.content.text).toBe(texts.local)
            return
          }
          const { base, local, remote } = {
            base: paragraphsOf(texts.base),
            local: paragraphsOf(texts.local),
            remote: paragraphsOf(texts.remote),
          }
          const merged = paragraphsOf(merge.content.text)
          if (merge.content.text !== texts.local && merge.content.text !== texts.remote) bothChanged += 1
          for (const paragraph of new Set([...base, ...local, ...remote, ...merged])) {
            const [b, l, r, m] = [base, local, remote, merged].map((list) => count(list, paragraph)) as [
              number,
              number,
              number,
              number,
            ]
            // Only one side changed how often it stands there, or both did alike: then that is how often it does.
            expect(m, paragraph).toBe(l === b ? r : l)
            expect(l === b || r === b || l === r).toBe(true)
          }
        },
      ),
      { numRuns: 10_000 },
    )
    expect(bothChanged).toBeGreaterThan(200)
  })

  test('merged HTML is made of whole blocks of both sides', () => {
    let merges = 0
    const edits = fc.array(listEdit(htmlBlock), { maxLength: 2 })
    const wrappers = fc.constantFrom(['', ''], ['<div dir="ltr">', '</div>'], ['<html><body>\n', '\n</body></html>\n'])
    fc.assert(
      fc.property(fc.array(htmlBlock, { maxLength: 6 }), edits, edits, wrappers, (list, one, other, [start, end]) => {
        const wrap = (parts: readonly string[]): string => start + parts.join('\n') + end
        const lists = { base: list, local: apply(one, list), remote: apply(other, list) }
        const merge = mergeContent(
          {
            base: { ...emptyContent, html: wrap(lists.base) },
            local: { ...emptyContent, html: wrap(lists.local) },
            remote: { ...emptyContent, html: wrap(lists.remote) },
          },
          'merge',
        )
        const merged = merge.content.html ?? ''
        if (merge.kind === 'conflict') {
          expect(merged).toBe(wrap(lists.local))
          return
        }
        if (merged !== wrap(lists.local) && merged !== wrap(lists.remote)) merges += 1
        expect(merged.startsWith(start.trim())).toBe(true)
        expect(merged.trim().endsWith(end.trim())).toBe(true)
        for (const part of new Set([...lists.base, ...lists.local, ...lists.remote])) {
          const [b, l, r, m] = [wrap(lists.base), wrap(lists.local), wrap(lists.remote), merged].map((written) =>
            occurrences(written, part),
          ) as [number, number, number, number]
          // Text and inline elements that stand side by side are one block, so that only whole blocks can be counted.
          if (/^<(?:!|p|div|style)/i.test(part)) expect(m, part).toBe(l === b ? r : l)
          else if (Math.min(l, r) >= Math.max(b, 1)) expect(m, part).toBeGreaterThanOrEqual(1)
        }
      }),
      { numRuns: 10_000 },
    )
    expect(merges).toBeGreaterThan(200)
  })

  test('text and HTML are merged together or not at all', () => {
    fc.assert(
      fc.property(sides, fc.constantFrom(...strategies), ({ base, local, remote }, strategy) => {
        const merge = mergeContent({ base, local, remote }, strategy)
        if (merge.kind === 'conflict' && (merge.fields.includes('text') || merge.fields.includes('html'))) {
          expect(body(merge.content)).toBe(body(local))
          expect(merge.fields.includes('text')).toBe(local.text !== remote.text)
          expect(merge.fields.includes('html')).toBe(local.html !== remote.html)
        }
      }),
      runs,
    )
  })

  test('every attachment that neither side removed is there, as often as it was', () => {
    fc.assert(
      fc.property(sides, fc.constantFrom(...strategies), ({ base, local, remote }, strategy) => {
        const merge = mergeContent({ base, local, remote }, strategy)
        const merged = hashes(merge.content)
        // One id for different attachments, or an id's bytes replaced twice, is a conflict, and the winner's list.
        if (mergeContent({ base, local, remote }, 'merge').kind === 'conflict') return
        for (const hash of new Set([...hashes(base), ...hashes(local), ...hashes(remote), ...merged])) {
          const [b, l, r, m] = [hashes(base), hashes(local), hashes(remote), merged].map((list) =>
            count(list, hash),
          ) as [number, number, number, number]
          if (l >= b && r >= b) expect(m).toBeGreaterThanOrEqual(Math.max(l, r))
          expect(m).toBeGreaterThanOrEqual(Math.min(l, r))
          expect(m).toBeLessThanOrEqual(l + r)
        }
      }),
      runs,
    )
  })

  test('a merge that is merged again with a side, after a crash, has the same or is a conflict', () => {
    fc.assert(
      fc.property(sides, ({ base, local, remote }) => {
        const first = mergeContent({ base, local, remote }, 'merge')
        if (first.kind === 'conflict') return
        for (const again of [
          mergeContent({ base, local: first.content, remote }, 'merge'),
          mergeContent({ base: remote, local: first.content, remote }, 'merge'),
        ]) {
          if (again.kind === 'conflict') continue
          // What stands several times in a draft may come to stand elsewhere.
          expect(withoutPlaces(again.content)).toEqual(withoutPlaces(first.content))
          for (const hash of hashes(first.content)) {
            expect(count(hashes(again.content), hash)).toBeGreaterThanOrEqual(count(hashes(first.content), hash))
          }
        }
      }),
      runs,
    )
  })
})

describe('no input throws', () => {
  test('any text, any HTML', () => {
    const any = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc
        .array(fc.constantFrom('<', '>', '/', '!', '-', 'p', 'div', '"', "'", ' ', '\n', '\r', '=', 'A'), {
          maxLength: 30,
        })
        .map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(any, any, any, fc.constantFrom(...strategies), (one, two, three, strategy) => {
        mergeContent({ base: bodyOf(one), local: bodyOf(two), remote: bodyOf(three) }, strategy)
      }),
      { numRuns: 10_000 },
    )
  })
})
