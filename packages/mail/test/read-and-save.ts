import { createHash } from 'node:crypto'

import {
  emptyContent,
  type Attachment,
  type AttachmentId,
  type DraftContent,
  type MessageToCompose,
  type ParsedMessage,
  type ParseOptions,
} from '@everdraft/core'
import { mimeFormat } from '@everdraft/mail'

import { build, createSha256, inChunks, message } from './messages.ts'

const format = mimeFormat()

/** A message as it was read, with the bytes that passed, by their hash. */
export interface ReadMessage {
  readonly parsed: ParsedMessage
  readonly content: DraftContent
  readonly files: Map<string, Uint8Array>
}

/** A string has a character for each byte. */
export async function readMessage(raw: string | Uint8Array, options: ParseOptions = {}): Promise<ReadMessage> {
  const files = new Map<string, Uint8Array>()
  const bytes = typeof raw === 'string' ? Buffer.from(raw, 'latin1') : raw
  const parsed = await format.parse(inChunks(bytes, 61), createSha256, {
    ...options,
    async onPart(_, passing) {
      const pieces: Uint8Array[] = []
      for await (const piece of passing) pieces.push(piece)
      const all = Buffer.concat(pieces)
      files.set(createHash('sha256').update(all).digest('hex'), all)
    },
  })
  const { from, to, cc, bcc, subject, inReplyTo, references, text, html } = parsed
  const attachments = parsed.attachments.map(
    ({ section: _section, encoding: _encoding, encodedSize: _encodedSize, ...one }, index): Attachment => ({
      ...one,
      id: `${index}` as AttachmentId,
    }),
  )
  const fields = { from, to, cc, bcc, subject, inReplyTo, references, text, html, attachments }
  return { parsed, content: { ...emptyContent, ...fields }, files }
}

/** The message as a draft of ours that was read from it, saved again. */
export async function saveMessage(
  { parsed, content, files }: ReadMessage,
  changes: Partial<DraftContent> = {},
  options: Partial<MessageToCompose> = {},
): Promise<Buffer> {
  const open = (attachment: Attachment): AsyncIterable<Uint8Array> =>
    inChunks(files.get(attachment.sha256) ?? Buffer.alloc(0), 50)
  const toCompose = message({
    content: { ...content, ...changes, unmodelled: parsed.unmodelled },
    open,
    headers: [],
    ...options,
  })
  return build(format, toCompose, files)
}
