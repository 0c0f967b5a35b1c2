import type { ParsedMessage } from '@everdraft/core'
import { mimeFormat } from '@everdraft/mail'
import { createHash } from 'node:crypto'

/** What a message says, with the digests of what is attached. */
export async function parseMessage(message: Uint8Array): Promise<ParsedMessage> {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield message
  }
  return await mimeFormat().parse(bytes(), () => {
    const hash = createHash('sha256')
    return { update: (piece) => void hash.update(piece), digest: () => hash.digest('hex') }
  })
}
