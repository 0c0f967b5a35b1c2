import type {
  Attachment,
  DraftContent,
  Hasher,
  MessageId,
  ParsedAttachment,
  ParsedMessage,
  ParseOptions,
  PartStructure,
  Protection,
  RawField,
  Sha256,
  Unmodelled,
  UnmodelledPart,
} from '@everdraft/core'
import { emptyContent } from '@everdraft/core'

import { parseAddresses } from './address-field.ts'
import { decodeCharset, decodeRaw } from './charset.ts'
import { dispositionField } from './compose.ts'
import { fromFlowed } from './flowed.ts'
import { decodeText, rawValues, splitHeader, withoutControls } from './header-block.ts'
import { isModelledField } from './header-fields.ts'
import { parameterName, parameterValue, parseStructured, rawParameterValue, type Structured } from './parameters.ts'
import { longestBoundary, PartReader } from './part-reader.ts'
import { arrange, type Part } from './part-tree.ts'
import { fromBodyText } from './text-body.ts'
import { decodeTransfer, isKnownEncoding } from './transfer-decoding.ts'

/** Reads a message in one pass. Attachments and unmodelled parts pass through the hash, and to who asks for them. */
export async function parse(
  raw: AsyncIterable<Uint8Array>,
  createSha256: () => Hasher,
  options: ParseOptions = {},
): Promise<ParsedMessage> {
  const reader = new PartReader(raw)
  try {
    return await new MessageParser(reader, createSha256, options).read()
  } finally {
    await reader.close()
  }
}

/** RFC 2046 knows no limit; a message with more nesting was made to hurt. */
const deepestNesting = 50
const mostParts = 2000
/** A multipart whose first delimiter does not come is none. */
const longestPreamble = 64 * 1024

/** Where a part stands. */
interface Place {
  readonly section: string
  /** The open boundaries, the outermost first. */
  readonly boundaries: readonly string[]
  readonly parent: { readonly subtype: string; readonly isFirst: boolean; readonly node: object } | null
}

/** What the header of a part says of it. */
interface PartHeader {
  readonly bytes: Buffer
  readonly fields: readonly RawField[]
  readonly type: Structured
  readonly typeName: string
  /** As written. */
  readonly typeAsWritten: string
  readonly disposition: Structured | null
  readonly encoding: string
  readonly filename: string
}

interface BodyText {
  readonly pieces: string[]
  /** Only its siblings are read with it: the rest of a message that is cut up by what stands between. */
  readonly parent: object | null
}

class MessageParser {
  readonly #reader: PartReader
  readonly #createSha256: () => Hasher
  readonly #options: ParseOptions
  readonly #attachments: ParsedAttachment[] = []
  readonly #parts: UnmodelledPart[] = []
  readonly #texts: { text: BodyText | null; html: BodyText | null } = { text: null, html: null }
  #protection: Protection | null = null
  #count = 0

  constructor(reader: PartReader, createSha256: () => Hasher, options: ParseOptions) {
    this.#reader = reader
    this.#createSha256 = createSha256
    this.#options = options
  }

  async read(): Promise<ParsedMessage> {
    const header = await this.#reader.readHeader([])
    const fields = splitHeader(header)
    const structure = await this.#part(header, { section: '', boundaries: [], parent: null })
    const modelled = { ...readHeaderFields(fields), ...this.#body() }
    return {
      ...modelled,
      protection: this.#protection,
      unmodelled:
        this.#protection === 'signed' && this.#options.lookIntoSigned
          ? null
          : describeUnmodelled(modelled, fields, this.#parts, structure),
    }
  }

  #body(): Pick<ParsedMessage, 'text' | 'html' | 'attachments'> {
    return {
      text: joined(this.#texts.text) ?? '',
      html: joined(this.#texts.html),
      attachments: this.#attachments,
    }
  }

  /** Null: its text was added to that of a part before it. */
  async #part(bytes: Buffer, place: Place): Promise<PartStructure | null> {
    this.#count += 1
    const header = describePart(bytes)
    const protection = place.parent === null ? protectionOf(header) : null
    if (protection !== null) this.#protection = protection
    if (protection === 'signed' && this.#options.lookIntoSigned && boundaryOf(header) !== null) {
      return this.#multipart(header, place)
    }
    if (protection !== null || isOpaqueMultipart(header)) return this.#unmodelled(header, place)
    if (header.typeName.startsWith('multipart/')) return this.#multipart(header, place)
    return this.#leaf(header, place)
  }

  async #multipart(header: PartHeader, place: Place): Promise<PartStructure | null> {
    const boundary = boundaryOf(header)
    if (boundary === null || place.boundaries.length >= deepestNesting) return this.#unmodelled(header, place)
    const boundaries = [...place.boundaries, boundary]
    const level = place.boundaries.length
    const reader = this.#reader
    const preamble: Buffer[] = []
    let size = 0
    for (let chunk; size <= longestPreamble && (chunk = await reader.readBody(boundaries)) !== null;) {
      preamble.push(chunk)
      size += chunk.length
    }
    const isOwn = (): boolean => reader.delimiter?.level === level
    if (size > longestPreamble || !isOwn()) return this.#unmodelled(header, place, preamble)

    const subtype = header.typeName.slice('multipart/'.length)
    const parts: PartStructure[] = []
    const node = {}
    for (let index = 1; isOwn() && reader.delimiter?.closes === false; index += 1) {
      if (this.#count >= mostParts) {
        reader.resume()
        await reader.drain(place.boundaries)
        break
      }
      const section = place.section === '' ? `${index}` : `${place.section}.${index}`
      const inner = await reader.readHeader(boundaries)
      const part = await this.#part(inner, { section, boundaries, parent: { subtype, isFirst: index === 1, node } })
      if (part !== null) parts.push(part)
    }
    if (isOwn()) {
      // RFC 2046 §5.1.1: what follows the last delimiter is nobody's.
      reader.resume()
      await reader.drain(place.boundaries)
    }
    return {
      kind: 'multipart',
      subtype,
      parameters: multipartParameters(header),
      fields: extraFields(header, place),
      parts,
    }
  }

  async #leaf(header: PartHeader, place: Place): Promise<PartStructure | null> {
    const kind = bodyKind(header, place)
    if (kind !== null) {
      const { parent } = place
      const body = this.#texts[kind]
      if (body === null) {
        this.#texts[kind] = { pieces: [await this.#readText(header, place)], parent: parent?.node ?? null }
        return { kind, parameters: textParameters(header), fields: extraFields(header, place) }
      }
      // In a multipart/alternative, this is another version of what we have.
      const isContinued = body.parent === parent?.node && parent?.subtype !== 'alternative'
      if (!isContinued) return this.#unmodelled(header, place)
      body.pieces.push(await this.#readText(header, place))
      return null
    }
    if (!isKnownEncoding(header.encoding) || place.parent?.subtype === 'alternative') {
      return this.#unmodelled(header, place)
    }
    return this.#attachment(header, place)
  }

  async #readText(header: PartHeader, { boundaries }: Place): Promise<string> {
    const pieces: Uint8Array[] = []
    for await (const piece of decodeTransfer(this.#bodyBytes(boundaries), header.encoding)) pieces.push(piece)
    const bytes = Buffer.concat(pieces)
    const isHtml = header.typeName === 'text/html'
    const charset = parameterValue(header.type, 'charset') ?? (isHtml ? charsetInHtml(bytes) : '')
    const text = fromBodyText(decodeCharset(bytes, charset))
    if (isHtml || parameterValue(header.type, 'format')?.toLowerCase() !== 'flowed') return text
    return fromFlowed(text, parameterValue(header.type, 'delsp')?.toLowerCase() === 'yes')
  }

  async #attachment(header: PartHeader, place: Place): Promise<PartStructure> {
    const { disposition, filename, encoding, typeAsWritten } = header
    const isInline =
      disposition?.value.toLowerCase() === 'inline' || rawValues(header.fields, dispositionField)[0] === 'inline'
    const described = {
      filename,
      contentType: typeAsWritten,
      disposition: isInline ? ('inline' as const) : ('attachment' as const),
      contentId: readContentId(header.fields),
      section: place.section === '' ? '1' : place.section,
      encoding: encoding === '' ? '7bit' : encoding,
    }
    const decoded = decodeTransfer(this.#bodyBytes(place.boundaries), encoding)
    const passed = new Passing(decoded, this.#createSha256())
    await this.#options.onPart?.({ kind: 'attachment', ...described }, passed.bytes)
    const { size, sha256 } = await passed.end()
    this.#attachments.push({ ...described, size, sha256 })
    return {
      kind: 'attachment',
      sha256,
      parameters: header.type.parameters.filter((parameter) => parameterName(parameter) !== 'name'),
      dispositionParameters:
        disposition?.parameters.filter((parameter) => parameterName(parameter) !== 'filename') ?? null,
      fields: extraFields(header, place, ['content-disposition', 'content-id', dispositionField.toLowerCase()]),
    }
  }

  async #unmodelled(header: PartHeader, place: Place, begun: readonly Buffer[] = []): Promise<PartStructure> {
    const isRoot = place.parent === null
    const ofBody = header.fields.filter(({ name }) => /^(?:content-|mime-version$)/i.test(name))
    const described = {
      contentType: header.typeName,
      section: isRoot ? 'TEXT' : place.section,
      header: isRoot ? `${ofBody.map(({ raw }) => `${raw}\r\n`).join('')}\r\n` : header.bytes.toString('latin1'),
    }
    const passed = new Passing(this.#bodyBytes(place.boundaries, begun), this.#createSha256())
    await this.#options.onPart?.({ kind: 'unmodelled', ...described }, passed.bytes)
    this.#parts.push({ ...described, ...(await passed.end()) })
    return { kind: 'unmodelled', part: this.#parts.length - 1 }
  }

  async *#bodyBytes(
    boundaries: readonly string[],
    begun: readonly Buffer[] = [],
  ): AsyncGenerator<Uint8Array, void, undefined> {
    yield* begun
    for (let chunk; (chunk = await this.#reader.readBody(boundaries)) !== null;) yield chunk
  }
}

function joined(body: BodyText | null): string | null {
  return body === null ? null : body.pieces.filter((piece, index) => index === 0 || piece !== '').join('\n')
}

/** Bytes that somebody may read or leave: in the end all have passed through the hash. */
class Passing {
  readonly bytes: AsyncIterable<Uint8Array>
  readonly #source: AsyncIterator<Uint8Array>
  readonly #hasher: Hasher
  #size = 0

  constructor(source: AsyncIterable<Uint8Array>, hasher: Hasher) {
    this.#source = source[Symbol.asyncIterator]()
    this.#hasher = hasher
    // Without `return`: who stops reading must not end the source.
    this.bytes = { [Symbol.asyncIterator]: () => ({ next: () => this.#next() }) }
  }

  async #next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const next = await this.#source.next()
    if (next.done) return { done: true, value: undefined }
    this.#hasher.update(next.value)
    this.#size += next.value.length
    return { done: false, value: next.value }
  }

  async end(): Promise<{ readonly size: number; readonly sha256: Sha256 }> {
    while (!(await this.#next()).done);
    return { size: this.#size, sha256: this.#hasher.digest() as Sha256 }
  }
}

function describePart(bytes: Buffer): PartHeader {
  const fields = splitHeader(bytes)
  const disposition = rawValues(fields, 'content-disposition').map(parseStructured)[0] ?? null
  const type = parseStructured(rawValues(fields, 'content-type')[0] ?? 'text/plain')
  const filename = (disposition && parameterValue(disposition, 'filename')) ?? parameterValue(type, 'name') ?? ''
  // Some programs forget the semicolon before the first parameter.
  const named = /^[!#$&^_.+\w-]+\/[!#$&^_.+\w-]+(?=$|[\s,])/.exec(type.value)?.[0]
  // RFC 2045 §5.2: what names no type is plain text, unless it is plainly a file.
  const isFile = filename !== '' || disposition?.value.toLowerCase() === 'attachment'
  const typeAsWritten = named ?? (isFile ? 'application/octet-stream' : 'text/plain')
  return {
    bytes,
    fields,
    type,
    typeAsWritten,
    typeName: typeAsWritten.toLowerCase(),
    disposition,
    encoding: (rawValues(fields, 'content-transfer-encoding')[0] ?? '')
      .replace(/[;(].*$/s, '')
      .trim()
      .toLowerCase(),
    filename: withoutControls(filename),
  }
}

/** Whether a part is the message's own text, and not a file. */
function bodyKind(header: PartHeader, { parent }: Place): 'text' | 'html' | null {
  const { typeName, disposition, filename } = header
  if (typeName !== 'text/plain' && typeName !== 'text/html') return null
  if (disposition?.value.toLowerCase() === 'attachment') return null
  // RFC 2387 §3.2: what stands beside the first part of a multipart/related belongs to it.
  if (parent?.subtype === 'related' && !parent.isFirst) return null
  if (filename !== '' && parent !== null && parent.subtype !== 'alternative') return null
  return typeName === 'text/html' ? 'html' : 'text'
}

/** RFC 1847, RFC 8551. Of the whole message: a signed message that is attached is a file like any other. */
function protectionOf({ typeName, type }: PartHeader): Protection | null {
  if (typeName === 'multipart/signed') return 'signed'
  if (typeName === 'multipart/encrypted') return 'encrypted'
  if (!/^application\/(?:x-)?pkcs7-mime$/.test(typeName)) return null
  return parameterValue(type, 'smime-type')?.toLowerCase() === 'signed-data' ? 'signed' : 'encrypted'
}

/** Not one byte of a signed part may change; a digest's parts are messages (RFC 2046 §5.1.5). */
function isOpaqueMultipart({ typeName }: PartHeader): boolean {
  return /^multipart\/(?:signed|encrypted|digest)$/.test(typeName)
}

function boundaryOf({ type }: PartHeader): string | null {
  // A character for each byte, as delimiter lines are compared.
  const boundary = rawParameterValue(type, 'boundary')?.trimEnd() ?? null
  return boundary === null || boundary === '' || boundary.length > longestBoundary ? null : boundary
}

function multipartParameters({ type, typeName }: PartHeader): readonly string[] {
  return type.parameters.filter((parameter) => {
    const name = parameterName(parameter)
    const isOurs = typeName === 'multipart/related' && name === 'type' && parameterValue(type, 'type') === 'text/html'
    return name !== 'boundary' && !isOurs
  })
}

function textParameters({ type }: PartHeader): readonly string[] {
  return type.parameters.filter((parameter) => !['charset', 'format', 'delsp'].includes(parameterName(parameter)))
}

/** Fields of a part that are written back as they stood. Of the message itself: those that describe its body. */
function extraFields({ fields }: PartHeader, { parent }: Place, read: readonly string[] = []): readonly RawField[] {
  // A length or a sum of what was there before.
  const rewritten = ['content-type', 'content-transfer-encoding', 'content-length', 'content-md5', 'mime-version']
  return fields.filter((field) => {
    const name = field.name.toLowerCase()
    return !rewritten.includes(name) && !read.includes(name) && (parent !== null || name.startsWith('content-'))
  })
}

function readContentId(fields: readonly RawField[]): string | null {
  const value = rawValues(fields, 'content-id')[0]
  if (value === undefined || value === '') return null
  const text = value.startsWith('=?') ? decodeText(value) : withoutControls(decodeRaw(value))
  return text.trim().replace(/^</, '').replace(/>$/, '')
}

function charsetInHtml(bytes: Buffer): string {
  const head = bytes.toString('latin1', 0, 2048)
  return /<meta\b[^>]*\bcharset\s*=\s*["']?([\w-]+)/i.exec(head)?.[1] ?? ''
}

type HeaderPart = Omit<ParsedMessage, 'text' | 'html' | 'attachments' | 'protection' | 'unmodelled'>

function readHeaderFields(fields: readonly RawField[]): HeaderPart {
  const addresses = (name: string): ParsedMessage['to'] => parseAddresses(rawValues(fields, name).map(decodeRaw))
  const first = (name: string): string | null => rawValues(fields, name)[0] ?? null
  return {
    messageId: readId(first('message-id')),
    date: readDate(first('date')),
    from: addresses('from')[0] ?? null,
    sender: addresses('sender')[0] ?? null,
    replyTo: addresses('reply-to'),
    to: addresses('to'),
    cc: addresses('cc'),
    bcc: addresses('bcc'),
    mailFollowupTo: addresses('mail-followup-to'),
    listPost: readListPost(first('list-post')),
    subject: decodeText(first('subject') ?? ''),
    inReplyTo: readId(first('in-reply-to')),
    references: rawValues(fields, 'references').slice(0, 1).flatMap(readIds),
  }
}

function readId(value: string | null): MessageId | null {
  return value === null || value === '' ? null : (readIdText(value) as MessageId)
}

function readIds(value: string): readonly MessageId[] {
  // Also those that an old program wrote without brackets, or put commas between.
  const ids = readIdText(value).match(/<[^<>]*>|[^\s<>,]+/g) ?? []
  return ids.map((id) => (id.startsWith('<') ? id : `<${id}>`) as MessageId)
}

/** Ids have no encoded words; ours have, where a foreign one cannot stand in a header as it is. */
function readIdText(value: string): string {
  return value.startsWith('=?') ? decodeText(value) : withoutControls(decodeRaw(value))
}

function readDate(value: string | null): number | null {
  // RFC 5322 §3.3: comments may stand anywhere, mostly a zone's name at the end.
  const date = Date.parse((value ?? '').replace(/\([^()]*\)/g, ' ').trim())
  return Number.isNaN(date) ? null : date
}

/** RFC 2369 §3.4: `<mailto:list@example.org>`, or NO. */
function readListPost(value: string | null): string | null {
  const address = /<mailto:([^>?]+)/i.exec(value ?? '')?.[1]
  if (address === undefined) return null
  try {
    return withoutControls(decodeURIComponent(address).trim())
  } catch {
    return withoutControls(address.trim())
  }
}

/** Null where the model alone makes the same message. */
function describeUnmodelled(
  modelled: Pick<ParsedMessage, 'text' | 'html' | 'attachments'>,
  fields: readonly RawField[],
  parts: readonly UnmodelledPart[],
  structure: PartStructure | null,
): Unmodelled | null {
  const headers = fields.filter((field) => !isModelledField(field))
  const kept: Unmodelled = { headers, parts, structure: structure ?? { kind: 'text', parameters: [], fields: [] } }
  const content: DraftContent = {
    ...emptyContent,
    text: modelled.text,
    html: modelled.html,
    attachments: modelled.attachments as unknown as readonly Attachment[],
  }
  const isOurs = JSON.stringify(shape(arrange(content, null))) === JSON.stringify(shape(arrange(content, kept)))
  return headers.length === 0 && isOurs ? null : kept
}

/** What of a part is written beside the model. */
function shape(part: Part): unknown {
  if (part.kind === 'multipart') return { ...part, parts: part.parts.map(shape) }
  return part.kind === 'attachment' ? { ...part, attachment: part.attachment.sha256 } : part
}
