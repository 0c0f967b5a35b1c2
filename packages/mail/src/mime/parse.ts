import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

import type { Hasher, MessageId, ParsedAttachment, ParsedMessage, Sha256 } from '@everdraft/core'
import { MailParser, type AttachmentStream, type Headers, type MessageText, type StructuredHeader } from 'mailparser'

import { parseAddresses } from './address-field.ts'
import { dispositionField } from './compose.ts'
import { fromBodyText } from './text-body.ts'

/** Reads a message by mailparser. Attachments pass through the hash and are gone. */
export async function parse(raw: AsyncIterable<Uint8Array>, createSha256: () => Hasher): Promise<ParsedMessage> {
  const parser = new MailParser({
    // The texts are wanted as they are, not as mailparser would show them.
    skipHtmlToText: true,
    skipTextToHtml: true,
    skipTextLinks: true,
    skipImageLinks: true,
    keepDeliveryStatus: true,
    // A message inside the message is an attachment like any other.
    ignoreEmbedded: true,
    checksumAlgo: false,
  })
  const fed = pipeline(Readable.from(raw, { objectMode: false }), parser)
  // The loop below fails with the same error; this one is only not to go unhandled meanwhile.
  fed.catch(() => {})
  const attachments: ParsedAttachment[] = []
  let body: MessageText | null = null
  for await (const part of parser as AsyncIterable<AttachmentStream | MessageText>) {
    if (part.type === 'attachment') attachments.push(await readAttachment(part, createSha256()))
    else body = part
  }
  await fed

  const headers: Headers = parser.headers || new Map()
  const addresses = (name: string): ParsedMessage['to'] => parseAddresses(fieldValues(parser, name))
  return {
    messageId: firstId(headers, 'message-id'),
    from: addresses('from')[0] ?? null,
    to: addresses('to'),
    cc: addresses('cc'),
    bcc: addresses('bcc'),
    subject: texts(headers, 'subject')[0] ?? '',
    inReplyTo: firstId(headers, 'in-reply-to'),
    references: texts(headers, 'references') as readonly MessageId[],
    text: fromBodyText(body?.text ?? ''),
    html: typeof body?.html === 'string' ? fromBodyText(body.html) : null,
    attachments,
  }
}

async function readAttachment(part: AttachmentStream, hasher: Hasher): Promise<ParsedAttachment> {
  let size = 0
  for await (const chunk of part.content as AsyncIterable<Uint8Array>) {
    hasher.update(chunk)
    size += chunk.length
  }
  // The parser waits for this before it goes on.
  part.release?.()
  const type = structured(part.headers, 'content-type')
  const disposition = structured(part.headers, 'content-disposition')
  const isInline =
    disposition?.value.toLowerCase() === 'inline' || texts(part.headers, dispositionField)[0] === 'inline'
  return {
    // mailparser's own `filename` is decoded twice, and its `contentType` guessed from the name.
    filename: disposition?.params['filename'] ?? type?.params['name'] ?? '',
    contentType: type?.value || 'application/octet-stream',
    size,
    sha256: hasher.digest() as Sha256,
    disposition: isInline ? 'inline' : 'attachment',
    contentId: part.cid ?? null,
  }
}

/** What stands after the colon, in every field of that name. */
function fieldValues(parser: MailParser, name: string): readonly string[] {
  const lines = (parser.headerLines || []).filter(({ key }) => key === name)
  return lines.map(({ line }) => Buffer.from(line.slice(line.indexOf(':') + 1), 'latin1').toString('utf8'))
}

function texts(headers: Headers, name: string): readonly string[] {
  const value = headers.get(name.toLowerCase())
  const values: readonly unknown[] = Array.isArray(value) ? value : [value]
  return values.filter((entry) => typeof entry === 'string')
}

function firstId(headers: Headers, name: string): MessageId | null {
  return (texts(headers, name)[0] ?? null) as MessageId | null
}

function structured(headers: Headers, name: string): StructuredHeader | null {
  const value = headers.get(name)
  return typeof value === 'object' && 'params' in value ? (value as StructuredHeader) : null
}
