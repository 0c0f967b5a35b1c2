import { array, assert, asyncProperty, integer, uint8Array } from 'fast-check'
import { expect, test } from 'vitest'

import { base64BodySize, encodeBase64Body } from '../src/mime/base64-body.ts'

/** Each piece is overwritten when the next is asked for. */
async function* inPieces(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0, piece = 0; at < bytes.length; piece += 1) {
    const size = sizes[piece % sizes.length] ?? 1
    const memory = bytes.slice(at, at + size)
    yield memory
    memory.fill(0)
    at += size
  }
}

test('is what it is in one piece, in lines of 76, whatever the pieces it comes in', async () => {
  await assert(
    asyncProperty(
      uint8Array({ maxLength: 400 }),
      array(integer({ min: 1, max: 130 }), { minLength: 1, maxLength: 5 }),
      async (bytes, sizes) => {
        const pieces: Uint8Array[] = []
        for await (const piece of encodeBase64Body(inPieces(bytes, sizes))) pieces.push(piece)
        const lines =
          Buffer.from(bytes)
            .toString('base64')
            .match(/.{1,76}/g) ?? []
        expect(Buffer.concat(pieces).toString()).toBe(lines.join('\r\n'))
        expect(base64BodySize(bytes.length)).toBe(lines.join('\r\n').length)
      },
    ),
  )
})

test('gives large pieces memory of their own, so that it can be given back', async () => {
  const { value } = await encodeBase64Body(inPieces(Buffer.alloc(40_000), [40_000])).next()
  expect(value?.length).toBeGreaterThan(50_000)
  expect(value?.buffer.byteLength).toBe(value?.length)
})
