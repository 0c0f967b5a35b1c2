import { describe, expect, test } from 'vitest'

import { Boundaries } from './boundaries.ts'

const talk = Buffer.from('a APPEND Drafts {6+}\r\nHello!\r\nb NOOP\r\nc X {0}\r\n {2}\r\nab\r\n')
/** By hand: each CRLF that ends a line or an announcement, and 1, the half, all but one and all of a literal. */
const places = [22, 23, 25, 27, 28, 30, 38, 47, 53, 54, 55, 57]

describe('the boundaries of a conversation', () => {
  test.for([1, 2, 3, 7, talk.length])('are the same in pieces of %i bytes', (size) => {
    const boundaries = new Boundaries()
    const found: number[] = []
    for (let at = 0; at < talk.length; at += size) {
      found.push(...boundaries.feed(talk.subarray(at, at + size)).map((place) => at + place))
    }
    expect(found).toEqual(places)
    expect(boundaries.bytes).toBe(talk.length)
  })
})
