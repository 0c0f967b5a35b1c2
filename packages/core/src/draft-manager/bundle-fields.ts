import { type Address, checkHeaderText, parseAddress } from '../draft/address.ts'
import { readMessageId } from '../draft/content.ts'
import type { Attachment, ContentField, DraftContent } from '../draft/draft.ts'
import type { PartStructure, RawField, Unmodelled, UnmodelledPart } from '../draft/unmodelled.ts'
import { validationError } from '../errors.ts'
import { type AttachmentId, isUuid, type MessageId, type Sha256 } from '../ids.ts'

/** As far as ECMAScript's dates go, in epoch milliseconds. */
const latest = 8_640_000_000_000_000

type Check<Value> = (value: unknown, path: string) => Value

/** What a draft's fields may be, whoever wrote them; what our own drafts say passes as it is. Each throws VALIDATION_ERROR. */
export const contentChecks: { readonly [Field in ContentField]-?: Check<Exclude<DraftContent[Field], undefined>> } = {
  from: orNull(address),
  to: listOf(address),
  cc: listOf(address),
  bcc: listOf(address),
  subject: headerText,
  text: bodyText,
  html: orNull(bodyText),
  inReplyTo: orNull(messageId),
  references: listOf(messageId),
  attachments,
  metadata: object,
  tags: listOf(text),
  unmodelled: orNull(unmodelled),
}

export function object(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw validationError(path, 'must be an object')
  }
  return value as Readonly<Record<string, unknown>>
}

export function text(value: unknown, path: string): string {
  if (typeof value !== 'string') throw validationError(path, 'must be a text')
  return value
}

export function list(value: unknown, path: string): readonly unknown[] {
  if (!Array.isArray(value)) throw validationError(path, 'must be a list')
  return value
}

export function boolean(value: unknown, path: string): boolean {
  if (typeof value !== 'boolean') throw validationError(path, 'must be true or false')
  return value
}

export function whole(value: unknown, path: string, least: number, most: number): number {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return value as number
  throw validationError(path, `must be a whole number from ${least} to ${most}`)
}

export function time(value: unknown, path: string): number {
  return whole(value, path, 0, latest)
}

export function oneOf<Choice extends string>(choices: readonly Choice[]): Check<Choice> {
  return (value, path) => {
    const choice = choices.find((one) => one === value)
    if (choice === undefined) throw validationError(path, `must be ${choices.join(' or ')}`)
    return choice
  }
}

export function uuid(value: unknown, path: string): string {
  const lower = text(value, path).toLowerCase()
  if (!isUuid(lower)) throw validationError(path, 'must be a UUID')
  return lower
}

export function hash(value: unknown, path: string): Sha256 {
  if (!/^[0-9a-f]{64}$/.test(text(value, path))) throw validationError(path, 'must be a SHA-256 in hexadecimal')
  return value as Sha256
}

export function orNull<Value>(check: Check<Value>): Check<Value | null> {
  return (value, path) => (value === null ? null : check(value, path))
}

export function listOf<Value>(check: Check<Value>): Check<readonly Value[]> {
  return (value, path) => list(value, path).map((item, index) => check(item, `${path}[${index}]`))
}

function headerText(value: unknown, path: string): string {
  return checkHeaderText(text(value, path), path)
}

function bodyText(value: unknown, path: string): string {
  const given = text(value, path)
  if (given.includes('\0')) throw validationError(path, 'must not contain NUL')
  return given.includes('\r') ? given.replace(/\r\n?/g, '\n') : given
}

function address(value: unknown, path: string): Address {
  if (typeof value === 'string') return parseAddress(value, path)
  const { address: of, name } = object(value, path)
  return { address: headerText(of, `${path}.address`), name: headerText(name ?? '', `${path}.name`) }
}

/** Those of other programs may be odd within their brackets, and are kept. */
function messageId(value: unknown, path: string): MessageId {
  const given = headerText(value, path)
  return /^<[^<>]*>$/.test(given) ? (given as MessageId) : readMessageId(given, path)
}

function attachments(value: unknown, path: string): readonly Attachment[] {
  const given = attachmentFields(value, path)
  return given.map(({ sha256, url: _url, ...attachment }, index) => {
    return { ...attachment, sha256: hash(sha256 ?? null, `${path}[${index}].sha256`) }
  })
}

/** An attachment as a bundle names it. */
export interface NamedAttachment extends Omit<Attachment, 'sha256'> {
  /** Null: its bytes were never there. */
  readonly sha256: Sha256 | null
  readonly url: string | null
}

export function attachmentFields(value: unknown, path: string): readonly NamedAttachment[] {
  const given = listOf(namedAttachment)(value, path)
  const ids = new Set<string>()
  for (const [index, { id }] of given.entries()) {
    if (ids.has(id)) throw validationError(`${path}[${index}].id`, 'stands twice in this draft')
    ids.add(id)
  }
  return given
}

function namedAttachment(value: unknown, path: string): NamedAttachment {
  const { id, filename, contentType, mimeType, size, sha256, disposition, contentId, blobUrl } = object(value, path)
  const type = contentType ?? mimeType ?? 'application/octet-stream'
  return {
    id: uuid(id, `${path}.id`) as AttachmentId,
    filename: headerText(filename, `${path}.filename`),
    contentType: headerText(type, `${path}.${contentType === undefined ? 'mimeType' : 'contentType'}`),
    size: whole(size ?? 0, `${path}.size`, 0, Number.MAX_SAFE_INTEGER),
    sha256: sha256 === undefined ? null : hash(sha256, `${path}.sha256`),
    disposition: oneOf(['attachment', 'inline'])(disposition ?? 'attachment', `${path}.disposition`),
    contentId: orNull(headerText)(contentId ?? null, `${path}.contentId`),
    url: orNull(text)(blobUrl ?? null, `${path}.blobUrl`),
  }
}

/** A field that would break the header of a message, or end it, is no field. */
function rawField(value: unknown, path: string): RawField {
  const { name, raw } = object(value, path)
  const field = { name: text(name, `${path}.name`), raw: latin1(raw, `${path}.raw`) }
  if (!/^[\x21-\x39\x3b-\x7e]+$/.test(field.name)) throw validationError(`${path}.name`, 'is no name of a header field')
  if (!field.raw.startsWith(field.name) || /\r\n(?![ \t])|\r(?!\n)|(?<!\r)\n|\0/.test(field.raw)) {
    throw validationError(`${path}.raw`, 'is no header field')
  }
  return field
}

/** A character for each byte. */
function latin1(value: unknown, path: string): string {
  const given = text(value, path)
  // oxlint-disable-next-line no-control-regex -- bytes are what it is about
  if (!/^[\x00-\xff]*$/.test(given)) throw validationError(path, 'must be a character for each byte')
  return given
}

/** One of those of a header; it begins no other and ends no line. */
function parameter(value: unknown, path: string): string {
  const given = latin1(value, path)
  if (/\r\n(?![ \t])|\r(?!\n)|(?<!\r)\n|\0/.test(given)) throw validationError(path, 'is no parameter')
  return given
}

function unmodelled(value: unknown, path: string): Unmodelled {
  const { headers, parts, structure } = object(value, path)
  const known = listOf(unmodelledPart)(parts, `${path}.parts`)
  return {
    headers: listOf(rawField)(headers, `${path}.headers`),
    parts: known,
    structure: partStructure(structure, `${path}.structure`, known.length),
  }
}

function unmodelledPart(value: unknown, path: string): UnmodelledPart {
  const { contentType, section, header, size, sha256 } = object(value, path)
  return {
    contentType: headerText(contentType, `${path}.contentType`),
    section: headerText(section, `${path}.section`),
    header: latin1(header, `${path}.header`),
    size: whole(size, `${path}.size`, 0, Number.MAX_SAFE_INTEGER),
    sha256: hash(sha256, `${path}.sha256`),
  }
}

function partStructure(value: unknown, path: string, known: number): PartStructure {
  const given = object(value, path)
  const kind = oneOf(['multipart', 'text', 'html', 'attachment', 'unmodelled'])(given['kind'], `${path}.kind`)
  if (kind === 'unmodelled') return { kind, part: whole(given['part'], `${path}.part`, 0, known - 1) }
  const parameters = listOf(parameter)(given['parameters'], `${path}.parameters`)
  const fields = listOf(rawField)(given['fields'], `${path}.fields`)
  switch (kind) {
    case 'text':
    case 'html':
      return { kind, parameters, fields }
    case 'attachment': {
      const sha256 = hash(given['sha256'], `${path}.sha256`)
      const of = orNull(listOf(parameter))(given['dispositionParameters'], `${path}.dispositionParameters`)
      return { kind, sha256, parameters, dispositionParameters: of, fields }
    }
    case 'multipart': {
      const subtype = headerText(given['subtype'], `${path}.subtype`)
      if (!/^[!#$&^_.+\w-]+$/.test(subtype)) throw validationError(`${path}.subtype`, 'is no subtype')
      const parts = list(given['parts'], `${path}.parts`)
      return {
        kind,
        subtype,
        parameters,
        fields,
        parts: parts.map((part, index) => partStructure(part, `${path}.parts[${index}]`, known)),
      }
    }
  }
}
