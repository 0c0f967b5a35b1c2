import {
  emptyContent,
  type Attachment,
  type DraftContent,
  type Hasher,
  type ParsedAttachment,
  type ParsedMessage,
  type ParseOptions,
  type PartStructure,
  type Protection,
  type RawField,
  type Sha256,
  type Unmodelled,
  type UnmodelledPart,
} from '@everdraft/core'

import { decodeCharset } from './charset.ts'
import { dispositionField } from './compose.ts'
import { fromFlowed } from './flowed.ts'
import { rawValues, splitHeader, withoutStrays } from './header-block.ts'
import { isModelledField } from './header-fields.ts'
import { readMessageFields } from './message-fields.ts'
import { parameterName, parameterValue } from './parameters.ts'
import {
  bodyKind,
  boundaryOf,
  charsetInHtml,
  describePart,
  extraFields,
  isOpaqueMultipart,
  multipartParameters,
  type PartHeader,
  type Place,
  protectionOf,
  readContentId,
  textParameters,
} from './part-header.ts'
import { PartReader } from './part-reader.ts'
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
    const modelled = { ...readMessageFields(fields), ...this.#body() }
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
    let encodedSize = 0
    const encoded = counting(this.#bodyBytes(place.boundaries), (length) => {
      encodedSize += length
    })
    const decoded = decodeTransfer(encoded, encoding)
    const passed = new Passing(decoded, this.#createSha256())
    await this.#options.onPart?.({ kind: 'attachment', ...described }, passed.bytes)
    const { size, sha256 } = await passed.end()
    this.#attachments.push({ ...described, size, sha256, encodedSize })
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
      header: isRoot
        ? `${ofBody.map(({ raw }) => `${raw}\r\n`).join('')}\r\n`
        : withoutStrays(header.bytes.toString('latin1')),
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

async function* counting(
  bytes: AsyncIterable<Uint8Array>,
  count: (length: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of bytes) {
    count(piece.length)
    yield piece
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
