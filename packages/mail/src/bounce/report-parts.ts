import type { RawField } from '@everdraft/core'

import { decodeCharset } from '../mime/charset.ts'
import { rawValues, splitHeader } from '../mime/header-block.ts'

/** A leaf of a message, as a report needs it. */
export interface ReportPart {
  /** Lower case, without parameters. */
  readonly type: string
  readonly fields: readonly RawField[]
  /** Decoded. */
  readonly text: string
}

const deepest = 6
const mostParts = 50

/** The header, and the leaves in their order. `message/…` parts are leaves: what came back is looked at by who wants it. */
export function reportParts(raw: Uint8Array): {
  readonly fields: readonly RawField[]
  readonly parts: readonly ReportPart[]
} {
  const source = Buffer.from(raw).toString('latin1').replace(/\r?\n/g, '\r\n')
  const { fields } = splitPart(source)
  return { fields, parts: leaves(source, 0).slice(0, mostParts) }
}

/** A block of fields, such as the header of what came back. */
export function fieldsOf(text: string): readonly RawField[] {
  return splitHeader(Buffer.from(text, 'latin1'))
}

function leaves(source: string, depth: number): readonly ReportPart[] {
  const { fields, body } = splitPart(source)
  const contentType = rawValues(fields, 'Content-Type')[0] ?? 'text/plain'
  const type = (contentType.split(';')[0] ?? '').trim().toLowerCase()
  const boundary = /boundary\s*=\s*(?:"([^"]+)"|([^\s;]+))/i.exec(contentType)
  const delimiter = boundary?.[1] ?? boundary?.[2]
  if (type.startsWith('multipart/') && delimiter !== undefined && depth < deepest) {
    const pieces = `\r\n${body}`.split(`\r\n--${delimiter}`).slice(1)
    const parts = pieces.filter((piece) => !piece.startsWith('--'))
    // What follows the delimiter on its line is nobody's (RFC 2046 §5.1.1).
    return parts.flatMap((piece) => leaves(piece.replace(/^[^\r]*\r\n/, ''), depth + 1))
  }
  const charset = /charset\s*=\s*"?([^"\s;]+)/i.exec(contentType)?.[1] ?? ''
  return [{ type, fields, text: decode(body, rawValues(fields, 'Content-Transfer-Encoding')[0] ?? '', charset) }]
}

function splitPart(source: string): { readonly fields: readonly RawField[]; readonly body: string } {
  if (source.startsWith('\r\n')) return { fields: [], body: source.slice(2) }
  const end = source.indexOf('\r\n\r\n')
  const header = end === -1 ? source : source.slice(0, end)
  return { fields: fieldsOf(header), body: end === -1 ? '' : source.slice(end + 4) }
}

function decode(body: string, encoding: string, charset: string): string {
  const bytes = Buffer.from(transferDecoded(body, encoding.trim().toLowerCase()), 'latin1')
  return decodeCharset(bytes, charset).replace(/\r\n/g, '\n')
}

function transferDecoded(body: string, encoding: string): string {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString('latin1')
  if (encoding !== 'quoted-printable') return body
  return body
    .replace(/[ \t]*=\r\n/g, '')
    .replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
