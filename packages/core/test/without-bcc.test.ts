import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { withoutBcc } from '../src/draft/without-bcc.ts'

const encoder = new TextEncoder()

async function passed(message: string, chunkBytes = Number.POSITIVE_INFINITY): Promise<string> {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    const bytes = encoder.encode(message)
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
  }
  const out: number[] = []
  for await (const chunk of withoutBcc(chunks())) out.push(...chunk)
  return new TextDecoder().decode(Uint8Array.from(out))
}

test('H39 every Bcc of the header goes, folded or resent, however it is cut into chunks', async () => {
  const hidden = ['Bcc: eve@example.org,', ' mallory@example.org', 'bCC\t :x@example.org', 'Resent-Bcc: y@example.org']
  const kept = ['From: ann@example.org', 'Subject: the Bcc:', ' Bcc: folded into the subject', 'Bccx: z', 'X-Bcc: z']
  const body = ['', 'Bcc: not a field', '']
  const message = [kept[0], ...hidden.slice(0, 2), ...kept.slice(1), ...hidden.slice(2), ...body]
  for (const end of ['\r\n', '\n']) {
    for (const chunkBytes of [1, 2, 3, 7, 64, 10_000]) {
      expect(await passed(message.join(end), chunkBytes)).toBe([...kept, ...body].join(end))
    }
  }
})

test('a message without Bcc passes byte for byte, whatever it looks like', async () => {
  const line = fc.constantFrom('Subject: x', ' folded', 'no colon', 'B', 'Bc', 'bcd: x', ':', '', 'é: ü')
  await fc.assert(
    fc.asyncProperty(
      fc.array(line),
      fc.constantFrom('\r\n', '\n'),
      fc.integer({ min: 1, max: 9 }),
      async (lines, end, n) => {
        const message = lines.join(end)
        expect(await passed(message, n)).toBe(message)
      },
    ),
  )
})
