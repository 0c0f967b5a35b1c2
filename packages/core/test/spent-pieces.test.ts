import { expect, test } from 'vitest'

import { spending } from '../src/storage/spent-pieces.ts'

test('a piece is there until the next is asked for, and then its memory is given back', async () => {
  const whole = new Uint8Array(8).fill(7)
  const given = [Uint8Array.of(1, 2), whole.subarray(2, 5), Uint8Array.of(3), new Uint8Array()]
  const seen: number[][] = []
  async function* pieces(): AsyncGenerator<Uint8Array, void, undefined> {
    for (const piece of given) yield piece
  }
  // As where what is read is passed on as it is.
  for await (const piece of spending(spending(pieces()))) seen.push([...piece])
  expect(seen).toEqual([[1, 2], [7, 7, 7], [3], []])
  expect(given.map((piece) => piece.length)).toEqual([0, 3, 0, 0])
  // Part of a larger piece of memory, somebody else may have the rest.
  expect([...whole]).toEqual([7, 7, 7, 7, 7, 7, 7, 7])
})

test('who stops in the middle keeps what there is', async () => {
  const first = Uint8Array.of(1, 2)
  async function* pieces(): AsyncGenerator<Uint8Array, void, undefined> {
    yield first
  }
  for await (const piece of spending(pieces())) {
    expect(piece).toBe(first)
    break
  }
  expect([...first]).toEqual([1, 2])
})
