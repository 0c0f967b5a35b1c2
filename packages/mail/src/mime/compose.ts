import { createHash } from 'node:crypto'

import type { Attachment, ComposedMessage, ComposedSegment, MessageToCompose, RawField } from '@everdraft/core'

import { base64BodySize, encodeBase64Body } from './base64-body.ts'
import { encodedWords } from './encoded-word.ts'
import { headerFields, isHeaderUtf8 } from './header-fields.ts'
import { formatParameter } from './parameters.ts'
import { arrange, type AttachmentPart, type Multipart, type Part, type TextPart } from './part-tree.ts'
import { encodeText } from './text-body.ts'
import { type PlainEncoding, scanMessagePart } from './message-part.ts'

/** Builds a message around its attachments, and around the parts that it was read with and that we do not model. */
export async function compose(message: MessageToCompose): Promise<ComposedMessage> {
  const unmodelled = message.content.unmodelled ?? null
  const root = arrange(message.content, unmodelled)
  const plain = await plainEncodings(root, message)
  const writer = new MessageWriter(message, plain)
  writer.text(headerFields(message))
  if (root.kind !== 'unmodelled') writer.text('MIME-Version: 1.0\r\n')
  writer.part(root, '')
  return writer.finish()
}

/** Of the attachments that go as they are. */
type PlainEncodings = ReadonlyMap<Attachment, PlainEncoding | 'binary'>

async function plainEncodings(root: Part, { open, binary }: MessageToCompose): Promise<PlainEncodings> {
  const encodings = new Map<Attachment, PlainEncoding | 'binary'>()
  for (const attachment of attachmentsOf(root)) {
    if (isMessageType(typeOf(attachment))) {
      const encoding = open ? await scanMessagePart(open(attachment)) : null
      if (encoding !== null) encodings.set(attachment, encoding)
    } else if (binary === true) encodings.set(attachment, 'binary')
  }
  return encodings
}

function attachmentsOf(part: Part): readonly Attachment[] {
  if (part.kind === 'attachment') return [part.attachment]
  return part.kind === 'multipart' ? part.parts.flatMap(attachmentsOf) : []
}

/** RFC 2046 §5.2, RFC 3464, RFC 8098: these are never encoded. Those of RFC 6532 §3.7 may be. */
function isMessageType(type: string): boolean {
  return /^message\/(?!global)/i.test(type)
}

class MessageWriter {
  readonly #message: MessageToCompose
  readonly #plain: PlainEncodings
  readonly #segments: ComposedSegment[] = []
  #pending: Buffer[] = []
  #boundaries = 0

  constructor(message: MessageToCompose, plain: PlainEncodings) {
    this.#message = message
    this.#plain = plain
  }

  text(text: string | Uint8Array): void {
    this.#pending.push(Buffer.from(text as string))
  }

  finish(): ComposedMessage {
    this.#flush()
    const size = this.#segments.reduce((total, one) => total + segmentSize(one), 0)
    const encodings = new Set(this.#plain.values())
    const binary = encodings.has('binary')
    const eightBit = binary || encodings.has('8bit') || hasEightBit(this.#message)
    const utf8Header = isHeaderUtf8(this.#message)
    const more = { ...(binary ? { binary } : {}), ...(utf8Header ? { utf8Header } : {}) }
    return { segments: this.#segments, size, eightBit, ...more }
  }

  /** `section` is that of the part (RFC 3501 §6.4.5); empty for the message itself. */
  part(part: Part, section: string): void {
    switch (part.kind) {
      case 'multipart':
        return this.#multipart(part, section)
      case 'text':
      case 'html':
        return this.#textPart(part, section)
      case 'attachment':
        return this.#attachment(part, section)
      case 'unmodelled': {
        const { header, sha256, size } = part.part
        this.#raw(header)
        this.#stream({ sha256, size, encodedSize: size, encode: asItIs, section: section === '' ? 'TEXT' : section })
      }
    }
  }

  #multipart(part: Multipart, section: string): void {
    this.#boundaries += 1
    const boundary = `=_${this.#boundaries}_${hashOf(this.#message.messageId)}`
    const own = [`boundary="${boundary}"`]
    // RFC 2387 §3.1: the type of the part that is shown.
    if (part.subtype === 'related' && !hasParameter(part.parameters, 'type')) own.unshift('type="text/html"')
    this.#contentType(`multipart/${part.subtype}`, [...own, ...part.parameters])
    // RFC 2045 §6.4: what is inside has to show outside.
    const inner = this.#encodingWithin(part)
    if (inner !== null) this.text(`Content-Transfer-Encoding: ${inner}\r\n`)
    this.#fields(part.fields)
    for (const [index, child] of part.parts.entries()) {
      this.text(`\r\n--${boundary}\r\n`)
      this.part(child, section === '' ? `${index + 1}` : `${section}.${index + 1}`)
    }
    this.text(`\r\n--${boundary}--${section === '' ? '\r\n' : ''}`)
  }

  #textPart(part: TextPart, section: string): void {
    const { content } = this.#message
    const body = encodeText(part.kind === 'html' ? (content.html ?? '') : content.text, part.kind)
    const own = ['charset=utf-8', ...(body.isFlowed ? ['format=flowed'] : [])]
    this.#contentType(part.kind === 'html' ? 'text/html' : 'text/plain', [...own, ...part.parameters])
    // RFC 2045 §6.1: what is not said is 7bit.
    if (body.encoding !== '7bit') this.text(`Content-Transfer-Encoding: ${body.encoding}\r\n`)
    this.#fields(part.fields)
    this.text(`\r\n${body.encoded}`)
    if (section === '' && !body.encoded.endsWith('\r\n')) this.text('\r\n')
  }

  #attachment(part: AttachmentPart, section: string): void {
    const { attachment, dispositionParameters } = part
    const { filename, contentId, disposition } = attachment
    const type = typeOf(attachment)
    const plain = this.#plain.get(attachment)
    this.text(`Content-Type: ${type}${filename === '' ? '' : formatParameter('name', filename)}`)
    this.#parameters(part.parameters)
    this.text(`Content-Transfer-Encoding: ${plain ?? 'base64'}\r\n`)
    if (contentId !== null) this.text(`Content-ID: ${formatContentId(contentId)}\r\n`)
    // An inline text without a name would be read as a part of the message's own text.
    const isTakenForText = disposition === 'inline' && filename === '' && /^text\/(?:plain|html)$/i.test(type)
    const shown = isTakenForText ? 'attachment' : disposition
    if (dispositionParameters !== null || shown === 'inline' || /^text\//i.test(type)) {
      this.text(`Content-Disposition: ${shown}${filename === '' ? '' : formatParameter('filename', filename)}`)
      this.#parameters(dispositionParameters ?? [])
    }
    const { includeBcc, includeNotes = includeBcc } = this.#message
    if (isTakenForText && includeNotes) this.text(`${dispositionField}: inline\r\n`)
    this.#fields(part.fields)
    this.text('\r\n')
    const { sha256, size } = attachment
    const encoding =
      plain === undefined
        ? { encodedSize: base64BodySize(size), encode: encodeBase64Body }
        : { encodedSize: size, encode: asItIs }
    this.#stream({ sha256, size, section: section === '' ? '1' : section, ...encoding })
  }

  #contentType(type: string, parameters: readonly string[]): void {
    this.text(`Content-Type: ${type}`)
    this.#parameters(parameters)
  }

  /** Also ends the field. */
  #parameters(parameters: readonly string[]): void {
    this.#raw(`${parameters.map((parameter) => `;\r\n ${parameter}`).join('')}\r\n`)
  }

  #fields(fields: readonly RawField[]): void {
    this.#raw(fields.map(({ raw }) => `${raw}\r\n`).join(''))
  }

  #raw(binary: string): void {
    this.#pending.push(Buffer.from(binary, 'latin1'))
  }

  #stream(segment: Omit<Extract<ComposedSegment, { kind: 'attachment' }>, 'kind'>): void {
    this.#flush()
    this.#segments.push({ kind: 'attachment', ...segment })
  }

  #flush(): void {
    const bytes = Buffer.concat(this.#pending)
    if (bytes.length > 0) this.#segments.push({ kind: 'bytes', bytes })
    this.#pending = []
  }

  /** What does not show as 7-bit; binary is more than 8-bit. */
  #encodingWithin(part: Part): '8bit' | 'binary' | null {
    if (part.kind === 'unmodelled') return isEightBitHeader(part.part.header) ? '8bit' : null
    if (part.kind === 'attachment') {
      const plain = this.#plain.get(part.attachment)
      return plain === '8bit' || plain === 'binary' ? plain : null
    }
    if (part.kind !== 'multipart') return null
    const within = new Set(part.parts.map((inner) => this.#encodingWithin(inner)))
    return within.has('binary') ? 'binary' : within.has('8bit') ? '8bit' : null
  }
}

function typeOf({ contentType }: Attachment): string {
  return attachmentType.test(contentType) ? contentType : 'application/octet-stream'
}

// A multipart would be taken for a part of the tree.
const attachmentType = /^(?!multipart\/)[!#$&^_.+\w-]+\/[!#$&^_.+\w-]+$/i

/** What a draft's own copy says of an attachment whose Content-Disposition cannot say it. */
export const dispositionField = 'X-Everdraft-Disposition'

function formatContentId(contentId: string): string {
  // As a Message-ID (RFC 2045 §7). What cannot be one has no form that all readers know; ours is 7-bit and comes back.
  return /^(?!.*=\?)[\x21-\x3b\x3d\x3f-\x7e]{1,200}$/.test(contentId)
    ? `<${contentId}>`
    : encodedWords(`<${contentId}>`)
}

function hasParameter(parameters: readonly string[], name: string): boolean {
  return parameters.some((parameter) => parameter.toLowerCase().startsWith(name))
}

function hasEightBit({ content }: MessageToCompose): boolean {
  return content.unmodelled?.parts.some(({ header }) => isEightBitHeader(header)) ?? false
}

function isEightBitHeader(header: string): boolean {
  return /^content-transfer-encoding\s*:\s*(?:8bit|binary)/im.test(header)
}

async function* asItIs(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  yield* bytes
}

/** Forty bits of it: Message-IDs are not to be guessed, and a text would have to hold it by chance. */
function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 10)
}

function segmentSize(segment: ComposedSegment): number {
  return segment.kind === 'bytes' ? segment.bytes.length : segment.encodedSize
}
