import { gunzipSync, gzipSync } from 'node:zlib'

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { fromBase64, toBase64 } from '../src/draft-manager/bundle-base64.ts'
import { gunzip, gzip, type GunzipLimits } from '../src/draft-manager/bundle-gzip.ts'
import { readJson } from '../src/draft-manager/bundle-json.ts'
import { fromLine, fromMbox, toMbox } from '../src/draft-manager/bundle-mbox.ts'
import { EverdraftError } from '../src/index.ts'

const limits: GunzipLimits = { totalBytes: 64 * 1024 * 1024, ratio: 200, freeBytes: 1024 * 1024 }

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size)
}

async function collected(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of source) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

describe('base64', () => {
  test('is that of everybody else, there and back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const text = Buffer.from(toBase64(bytes)).toString('latin1')
        expect(text).toBe(Buffer.from(bytes).toString('base64'))
        expect(fromBase64(text, 'data')).toEqual(bytes)
      }),
    )
  })

  test('one text has one meaning: what is no base64 in its one form is refused', () => {
    for (const text of ['A', 'AAA', 'AA=A', 'A===', 'AB==', 'AAB=', 'AA AA', 'AA\n==', 'AÄAA', '====', 'AA-_']) {
      expect(() => fromBase64(text, 'data'), text).toThrow(EverdraftError)
    }
  })
})

async function partsOf(text: string | Uint8Array, size: number, entryBytes = 10_000): Promise<readonly unknown[]> {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text
  const parts: unknown[] = []
  const options = { lists: new Set(['items']), entryBytes, nameObject: () => 'bundle' }
  for await (const part of readJson(inPieces(bytes, size), options)) parts.push(part)
  return parts
}

describe('JSON in pieces', () => {
  test('gives what JSON.parse gives, wherever the pieces end', async () => {
    const document = fc.record({
      items: fc.array(fc.jsonValue({ maxDepth: 5 }), { maxLength: 6 }),
      before: fc.jsonValue({ maxDepth: 3 }),
      'wi"th\\': fc.string({ unit: 'binary' }),
    })
    await fc.assert(
      fc.asyncProperty(document, fc.nat({ max: 4 }), fc.integer({ min: 1, max: 40 }), async (value, indent, size) => {
        const text = JSON.stringify(value, null, indent)
        const { items, ...members } = JSON.parse(text) as { items: unknown[] }
        expect(await partsOf(`\n${text} `, size)).toEqual([
          ...items.map((item, index) => ({ kind: 'item', list: 'items', index, value: item })),
          { kind: 'object', members, hasLists: true },
        ])
      }),
      { numRuns: 60 },
    )
  })

  test('of lines it gives one after another, also without a last line end and with a byte order mark', async () => {
    const lines = await partsOf('\u{feff}{"a":1}\r\n\n{"items":[1,2]}\n{"items":[3],"b":{}}', 3)
    expect(lines).toEqual([
      { kind: 'object', members: { a: 1 }, hasLists: false },
      { kind: 'item', list: 'items', index: 0, value: 1 },
      { kind: 'item', list: 'items', index: 1, value: 2 },
      { kind: 'object', members: {}, hasLists: true },
      { kind: 'item', list: 'items', index: 2, value: 3 },
      { kind: 'object', members: { b: {} }, hasLists: true },
    ])
  })

  test('whatever is broken has a code, and the entry that is wrong is named', async () => {
    const broken: readonly [string | Uint8Array, string][] = [
      ['[1]', 'bundle: is not JSON'],
      ['{"items":[1,]}', 'items[1]: is not JSON in UTF-8'],
      ['{"items":[1 2]}', 'items: is not JSON'],
      ['{"items":[1,{"a":}]}', 'items[1]: is not JSON in UTF-8'],
      ['{"items":[{"a":1}', 'items: ends in the middle'],
      ['{"items":[{"a":"', 'items[0]: ends in the middle'],
      ['{"a"', 'bundle: ends in the middle'],
      ['{"a":tru', 'bundle.a: ends in the middle'],
      ['{"a":1', 'bundle.a: ends in the middle'],
      ['{a:1}', 'bundle: is not JSON in UTF-8'],
      ['{"a":1}}', 'bundle: is not JSON'],
      [Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d), 'bundle: is not JSON in UTF-8'],
      [`{"items":[${'['.repeat(65)}]}`, 'items[0]: is nested deeper than 64 levels'],
      [`{"items":[1],"deep":${'['.repeat(1_000_000)}`, 'bundle.deep: is nested deeper than 64 levels'],
      [`{"items":["${'x'.repeat(10_001)}"]}`, 'items[0]: is larger than 10000 bytes'],
      [`{"items":[0,"${'x'.repeat(10_001)}`, 'items[1]: is larger than 10000 bytes'],
      [`{"a":"${'x'.repeat(6_000)}","b":"${'x'.repeat(6_000)}"}`, 'bundle: is larger than 10000 bytes'],
    ]
    for (const [text, message] of broken) {
      const error = await partsOf(text, 1_000).catch((thrown: unknown) => thrown)
      expect(error, message).toBeInstanceOf(EverdraftError)
      expect((error as Error).message).toBe(message)
    }
  })

  test('no bytes at all make it fail without a code', async () => {
    const near = fc
      .array(fc.constantFrom(...'{}[]":,\\ \n0e-.tfnu'.split(''), '"items"', '\\u00', 'ä'), { maxLength: 40 })
      .map((tokens) => tokens.join(''))
    await fc.assert(
      fc.asyncProperty(near, fc.integer({ min: 1, max: 9 }), async (text, size) => {
        const error = await partsOf(text, size).then(
          () => null,
          (thrown: unknown) => thrown,
        )
        if (error !== null) expect(error).toBeInstanceOf(EverdraftError)
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('gzip', () => {
  test('is that of everybody else, there and back', async () => {
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * index) % 251))
    expect(gunzipSync(await collected(gzip(inPieces(bytes, 777)))).equals(bytes)).toBe(true)
    expect((await collected(gunzip(inPieces(gzipSync(bytes), 777), limits))).equals(bytes)).toBe(true)
    expect((await collected(gunzip(inPieces(gzipSync(''), 7), limits))).length).toBe(0)
  })

  test('what is broken, or ends too early, has a code', async () => {
    const whole = gzipSync(Buffer.from('words '.repeat(10_000)))
    const flipped = Buffer.from(whole)
    flipped[40]! ^= 0xff
    const sum = Buffer.from(whole)
    sum[sum.length - 6]! ^= 1
    for (const bytes of [whole.subarray(0, -1), whole.subarray(0, 20), flipped, sum, Buffer.of(0x1f, 0x8b)]) {
      await expect(collected(gunzip(inPieces(bytes, 100), limits))).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
    }
  })

  test('a bomb is stopped when it has made some megabytes, by its ratio and by its size', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024), { level: 9 })
    for (const given of [limits, { ...limits, ratio: 10_000, totalBytes: 2 * 1024 * 1024 }]) {
      let seen = 0
      const reading = (async () => {
        for await (const piece of gunzip(inPieces(bomb, 64 * 1024), given)) seen += piece.length
      })()
      await expect(reading).rejects.toMatchObject({ code: 'TOO_LARGE' })
      expect(seen).toBeLessThanOrEqual(16 * 1024 * 1024)
    }
  })

  test('an error of who gives the bytes comes out as it is, and who stops reading stops it', async () => {
    const error = new EverdraftError('CANCELLED', 'called off')
    const failing = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
      yield new Uint8Array(100_000)
      throw error
    }
    await expect(collected(gzip(failing()))).rejects.toBe(error)
    await expect(collected(gunzip(failing(), limits))).rejects.toBeInstanceOf(EverdraftError)
    for await (const _ of gzip(inPieces(new Uint8Array(10_000_000), 100_000))) break
  })
})

async function* of(text: string): AsyncGenerator<Uint8Array, void, undefined> {
  yield* inPieces(Buffer.from(text, 'latin1'), 5)
}

async function messagesOf(mbox: string): Promise<readonly string[]> {
  const messages: string[] = []
  for await (const message of fromMbox(of(mbox))) messages.push((await collected(message)).toString('latin1'))
  return messages
}

describe('mbox', () => {
  test('gives the messages back to the byte, whatever lines they have', async () => {
    const line = fc.oneof(
      fc.constantFrom(
        '',
        'From ',
        'From here',
        '>From there',
        '>>From ',
        ' From',
        'from',
        '>',
        'Subject: x',
        '\t',
        '.',
      ),
      fc.string({ unit: fc.constantFrom(...'From >\t.aä'.split('')) }),
    )
    const message = fc.array(line, { minLength: 1, maxLength: 8 }).map((lines) => `${lines.join('\r\n')}\r\n`)
    await fc.assert(
      fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 4 }), async (messages) => {
        let mbox = ''
        for (const one of messages) mbox += fromLine(0) + (await collected(toMbox(of(one)))).toString('latin1')
        expect(mbox).not.toContain('\r')
        // At a line's start `From ` stands before messages alone.
        expect(mbox.match(/^From /gm)).toHaveLength(messages.length)
        expect(await messagesOf(mbox)).toEqual(messages)
      }),
      { numRuns: 150 },
    )
  })

  test('a From line is as RFC 4155 has it, and names nobody', () => {
    expect(fromLine(Date.UTC(2026, 2, 7, 4, 5, 6))).toBe('From MAILER-DAEMON Sat Mar  7 04:05:06 2026\n')
  })

  test('one with CRLF, without a last empty line, or whose programs do not quote, is read as well', async () => {
    const mbox =
      'From a Sat\r\nA: 1\r\n\r\nFrom us\r\nx\r\nFrom - 10:00\r\n\r\nFrom - Sat Mar  7 04:05:06 2026\r\nB: 2\r\n\r\ny'
    expect(await messagesOf(mbox)).toEqual(['A: 1\r\n\r\nFrom us\r\nx\r\nFrom - 10:00\r\n', 'B: 2\r\n\r\ny'])
  })

  test('what does not begin with a From line is none', async () => {
    await expect(messagesOf('Subject: x\n\n')).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
    await expect(messagesOf('')).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
  })
})
