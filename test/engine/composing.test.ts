import { describe, expect, test } from 'vitest'

import { compose, type Composed } from '../../packages/mail/bench/composing.ts'

/** A minute of writing, in three seconds; the bench has the whole ten. */
const trace = { seed: 7, minutes: 1, saves: 12, attachmentBytes: 4 * 1024 * 1024, speed: 20 }

const ratioOf = ({ sentBytes, messageBytes }: Composed): number => sentBytes / messageBytes

describe('somebody who writes a mail with a large attachment', () => {
  test('sends it twice at most to a server that can only APPEND, and text is there three seconds after a pause begins', async () => {
    const composed = await compose(trace, 'plain', ['CATENATE', 'REPLACE', 'BINARY', 'COMPRESS=DEFLATE'])
    expect(ratioOf(composed)).toBeLessThanOrEqual(2)
    expect(composed.uploads).toBeGreaterThan(1)
    expect(composed.textDelaysMs.length).toBeGreaterThan(0)
    expect(Math.max(...composed.textDelaysMs)).toBeLessThan(3_000)
  })

  test('sends it once to a server that can quote it', async () => {
    const composed = await compose(trace, 'CATENATE', ['BINARY', 'COMPRESS=DEFLATE'])
    expect(ratioOf(composed)).toBeLessThanOrEqual(1.02)
  })

  test('sends three quarters of it to a server that takes it as it is', async () => {
    const composed = await compose(trace, 'BINARY', ['COMPRESS=DEFLATE'])
    expect(ratioOf(composed)).toBeLessThanOrEqual(0.77)
  })
})
