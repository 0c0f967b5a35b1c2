import { createHash } from 'node:crypto'

import type { Attachment, Hasher, MessageFormat, MessageId, MessageToCompose, Sha256 } from '@everdraft/core'

/** The decoded bytes of attachments by their hash. */
export type Files = ReadonlyMap<string, Uint8Array>

export function message(fields: Partial<MessageToCompose> & Pick<MessageToCompose, 'content'>): MessageToCompose {
  return {
    messageId: '<attempt@example.org>' as MessageId,
    date: 0,
    headers: [
      { name: 'X-Everdraft-Id', value: '0190-umid' },
      { name: 'X-Everdraft-Base', value: '<base@example.org>' },
    ],
    includeBcc: true,
    ...fields,
  }
}

export function fileOf(bytes: Uint8Array): Attachment {
  return {
    id: 'file' as Attachment['id'],
    filename: 'file.bin',
    contentType: 'application/octet-stream',
    size: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex') as Sha256,
    disposition: 'attachment',
    contentId: null,
  }
}

/** The whole message, attachments encoded; its size is checked against what `compose` announced. */
export async function build(
  format: MessageFormat,
  toCompose: MessageToCompose,
  files: Files = new Map(),
): Promise<Buffer> {
  const composed = await format.compose(toCompose)
  const pieces: Uint8Array[] = []
  for (const segment of composed.segments) {
    if (segment.kind === 'bytes') {
      pieces.push(segment.bytes)
      continue
    }
    const decoded = files.get(segment.sha256)
    if (!decoded) throw new Error('The test gives no bytes for an attachment')
    for await (const piece of segment.encode(inChunks(decoded, 100))) pieces.push(piece)
  }
  const raw = Buffer.concat(pieces)
  if (raw.length !== composed.size) throw new Error(`compose announced ${composed.size} bytes and gave ${raw.length}`)
  return raw
}

export async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size)
}

export function createSha256(): Hasher {
  const hash = createHash('sha256')
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('hex') }
}
