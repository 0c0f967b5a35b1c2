import { createHash } from 'node:crypto'

import { emptyContent, type MessageId } from '@everdraft/core'
import { expect, test } from 'vitest'

import { mimeFormat } from '../src/index.ts'

const createSha256 = () => {
  const hash = createHash('sha256')
  return { update: (bytes: Uint8Array) => void hash.update(bytes), digest: () => hash.digest('hex') }
}

test('U+FFFD in a text and a subject comes back as it was written, and half an emoji as U+FFFD', async () => {
  const format = mimeFormat()
  const message = await format.compose({
    content: { ...emptyContent, subject: 'a \ufffd b', text: 'x \ufffd y, half \ud83d\n' },
    messageId: '<a@example.org>' as MessageId,
    date: 0,
    headers: [],
    includeBcc: true,
  })
  async function* bytes(): AsyncGenerator<Uint8Array> {
    for (const segment of message.segments) if (segment.kind === 'bytes') yield segment.bytes
  }
  const parsed = await format.parse(bytes(), createSha256)
  expect(parsed.subject).toBe('a \ufffd b')
  expect(parsed.text).toBe('x \ufffd y, half \ufffd\n')
})
