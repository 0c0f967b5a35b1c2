import type { Protection, RawField } from '@everdraft/core'

import { decodeRaw } from './charset.ts'
import { decodeText, rawValues, splitHeader, withoutControls } from './header-block.ts'
import { parameterName, parameterValue, parseStructured, rawParameterValue, type Structured } from './parameters.ts'
import { longestBoundary } from './part-reader.ts'

/** What the header of a part says of it. */
export interface PartHeader {
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

/** Where a part stands. */
export interface Place {
  readonly section: string
  /** The open boundaries, the outermost first. */
  readonly boundaries: readonly string[]
  readonly parent: { readonly subtype: string; readonly isFirst: boolean; readonly node: object } | null
}

export function describePart(bytes: Buffer): PartHeader {
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
export function bodyKind(header: PartHeader, { parent }: Place): 'text' | 'html' | null {
  const { typeName, disposition, filename } = header
  if (typeName !== 'text/plain' && typeName !== 'text/html') return null
  if (disposition?.value.toLowerCase() === 'attachment') return null
  // RFC 2387 §3.2: what stands beside the first part of a multipart/related belongs to it.
  if (parent?.subtype === 'related' && !parent.isFirst) return null
  if (filename !== '' && parent !== null && parent.subtype !== 'alternative') return null
  return typeName === 'text/html' ? 'html' : 'text'
}

/** RFC 1847, RFC 8551. Of the whole message: a signed message that is attached is a file like any other. */
export function protectionOf({ typeName, type }: PartHeader): Protection | null {
  if (typeName === 'multipart/signed') return 'signed'
  if (typeName === 'multipart/encrypted') return 'encrypted'
  if (!/^application\/(?:x-)?pkcs7-mime$/.test(typeName)) return null
  return parameterValue(type, 'smime-type')?.toLowerCase() === 'signed-data' ? 'signed' : 'encrypted'
}

/** Not one byte of a signed part may change; a digest's parts are messages (RFC 2046 §5.1.5). */
export function isOpaqueMultipart({ typeName }: PartHeader): boolean {
  return /^multipart\/(?:signed|encrypted|digest)$/.test(typeName)
}

export function boundaryOf({ type }: PartHeader): string | null {
  // A character for each byte, as delimiter lines are compared.
  const boundary = rawParameterValue(type, 'boundary')?.trimEnd() ?? null
  return boundary === null || boundary === '' || boundary.length > longestBoundary ? null : boundary
}

export function multipartParameters({ type, typeName }: PartHeader): readonly string[] {
  return type.parameters.filter((parameter) => {
    const name = parameterName(parameter)
    const isOurs = typeName === 'multipart/related' && name === 'type' && parameterValue(type, 'type') === 'text/html'
    return name !== 'boundary' && !isOurs
  })
}

export function textParameters({ type }: PartHeader): readonly string[] {
  return type.parameters.filter((parameter) => !['charset', 'format', 'delsp'].includes(parameterName(parameter)))
}

/** Fields of a part that are written back as they stood. Of the message itself: those that describe its body. */
export function extraFields(
  { fields }: PartHeader,
  { parent }: Place,
  read: readonly string[] = [],
): readonly RawField[] {
  // A length or a sum of what was there before.
  const rewritten = ['content-type', 'content-transfer-encoding', 'content-length', 'content-md5', 'mime-version']
  return fields.filter((field) => {
    const name = field.name.toLowerCase()
    return !rewritten.includes(name) && !read.includes(name) && (parent !== null || name.startsWith('content-'))
  })
}

export function readContentId(fields: readonly RawField[]): string | null {
  const value = rawValues(fields, 'content-id')[0]
  if (value === undefined || value === '') return null
  const text = value.startsWith('=?') ? decodeText(value) : withoutControls(decodeRaw(value))
  return text.trim().replace(/^</, '').replace(/>$/, '')
}

export function charsetInHtml(bytes: Buffer): string {
  const head = bytes.toString('latin1', 0, 2048)
  return /<meta\b[^>]*\bcharset\s*=\s*["']?([\w-]+)/i.exec(head)?.[1] ?? ''
}
