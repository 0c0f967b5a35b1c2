import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { forwardSubject, replySubject, threadingOf } from '../src/draft/threading.ts'

describe('a reply in its thread (RFC 5322 §3.6.4)', () => {
  test('names its parent, and before it what the parent names', () => {
    expect(threadingOf({ messageId: '<c@x>', inReplyTo: '<b@x>', references: ['<a@x>', '<b@x>'] })).toEqual({
      inReplyTo: '<c@x>',
      references: ['<a@x>', '<b@x>', '<c@x>'],
    })
  })

  test.each([
    ['<b@x>', ['<b@x>', '<c@x>']],
    ['Your message of Monday <b@x>', ['<b@x>', '<c@x>']],
    ['<b@x> <a@x>', ['<c@x>']],
    [null, ['<c@x>']],
  ])('of a parent without References but with In-Reply-To %j has %j', (inReplyTo, references) => {
    expect(threadingOf({ messageId: '<c@x>', inReplyTo, references: [] }).references).toEqual(references)
  })

  test('of a parent without a Message-ID claims no parent', () => {
    expect(threadingOf({ messageId: null, inReplyTo: null, references: ['<a@x>'] })).toEqual({
      inReplyTo: null,
      references: ['<a@x>'],
    })
  })

  test('in a long thread names the first and the nearest, each once, within 900 characters', () => {
    const id = fc.integer({ min: 1, max: 400 }).map((length) => `<${'i'.repeat(length)}@x>`)
    const unique = fc.uniqueArray(id, { maxLength: 60 })
    fc.assert(
      fc.property(unique, (references) => {
        const parent = '<parent@x>'
        const { references: kept } = threadingOf({ messageId: parent, inReplyTo: null, references })
        expect(`References: ${kept.join(' ')}`.length).toBeLessThanOrEqual(900)
        expect(kept.at(-1)).toBe(parent)
        expect(new Set(kept).size).toBe(kept.length)
        const all = [...references, parent]
        expect(kept.slice(1)).toEqual(all.slice(all.length - kept.length + 1))
        if (kept.length > 1) expect(kept[0]).toBe(all[0])
      }),
    )
    const thread = Array.from({ length: 200 }, (_, at) => `<message-${at}@example.org>`)
    const { references } = threadingOf({ messageId: '<p@x>', inReplyTo: null, references: thread })
    expect(references[0]).toBe(thread[0])
    expect(references.length).toBeGreaterThan(25)
  })

  test('that names itself twice, or ids that are none, stays a thread', () => {
    const references = ['<a@x>', '<c@x>', 'junk', '<(Ann>', '<wrote)>', '<">', '<b@x> <b@x>']
    expect(threadingOf({ messageId: '<c@x>', inReplyTo: null, references }).references).toEqual([
      '<a@x>',
      '<b@x>',
      '<c@x>',
    ])
  })
})

describe('the subject of a reply', () => {
  test.each([
    ['Lunch', 'Re: Lunch'],
    ['Re: Lunch', 'Re: Lunch'],
    ['RE: re: Re:Lunch', 'Re: Lunch'],
    ['Re[2]: Lunch', 'Re: Lunch'],
    ['Re (3): Lunch', 'Re: Lunch'],
    ['Re^2: Lunch', 'Re: Lunch'],
    ['RE : Déjeuner', 'Re: Déjeuner'],
    ['AW: Mittag', 'Re: Mittag'],
    ['SV: VS: Antw: Odp: RIF: Lunch', 'Re: Lunch'],
    ['回复：午餐', 'Re: 午餐'],
    ['Отв: Обед', 'Re: Обед'],
    ['Fwd: Lunch', 'Re: Fwd: Lunch'],
    ['Re: Fwd: Re: Lunch', 'Re: Fwd: Re: Lunch'],
    ['[list] Re: Lunch', 'Re: [list] Lunch'],
    ['Re: [list] AW: Lunch', 'Re: [list] Lunch'],
    ['[list] Lunch', 'Re: [list] Lunch'],
    ['', 'Re:'],
    ['Re:', 'Re:'],
    ['Regarding: Lunch', 'Re: Regarding: Lunch'],
    ['Recipe: Lunch', 'Re: Recipe: Lunch'],
    ['Ref: 4711', 'Re: Ref: 4711'],
    ['Awesome: Lunch', 'Re: Awesome: Lunch'],
    ['re Lunch', 'Re: re Lunch'],
    ['R: a language', 'Re: R: a language'],
  ])('of %j is %j', (subject, reply) => {
    expect(replySubject(subject)).toBe(reply)
    expect(replySubject(reply)).toBe(reply)
  })

  test.each([
    ['Lunch', 'Fwd: Lunch'],
    ['FW: fwd: WG: TR: Lunch', 'Fwd: Lunch'],
    ['转发：午餐', 'Fwd: 午餐'],
    ['Re: Lunch', 'Fwd: Re: Lunch'],
    ['Forward: march', 'Fwd: Forward: march'],
  ])('passed on, of %j is %j', (subject, forward) => {
    expect(forwardSubject(subject)).toBe(forward)
    expect(forwardSubject(forward)).toBe(forward)
  })
})
