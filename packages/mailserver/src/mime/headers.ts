import { byteString, fromByteString, fromUtf8, LF } from '../octets.ts'

/** One header field with its raw octets (a byte string, folded, with its CRLF) and its unfolded value. */
export type HeaderField = { readonly name: string; readonly raw: string; readonly value: string }

/** Where the header of the entity at `start` ends: just behind its blank line, or at `end` if there is none. */
export function headerEnd(bytes: Uint8Array, start: number, end: number): number {
  let lineStart = start
  while (lineStart < end) {
    const newline = bytes.indexOf(LF, lineStart)
    if (newline === -1 || newline >= end) return end
    const length = newline - lineStart
    if (length === 0 || (length === 1 && bytes[lineStart] === 13)) return newline + 1
    lineStart = newline + 1
  }
  return end
}

export function parseHeader(bytes: Uint8Array, start: number, end: number): readonly HeaderField[] {
  const lines = byteString(bytes.subarray(start, end)).split(/(?<=\n)/u)
  const fields: { name: string; raw: string }[] = []
  for (const line of lines) {
    const last = fields.at(-1)
    if (/^[ \t]/u.test(line) && line.trim() !== '' && last !== undefined) last.raw += line
    else {
      const colon = line.indexOf(':')
      if (colon > 0) fields.push({ name: line.slice(0, colon).trimEnd(), raw: line })
    }
  }
  return fields.map(({ name, raw }) => ({ name, raw, value: unfold(raw.slice(raw.indexOf(':') + 1)) }))
}

/** RFC 5322 §2.2.3: unfolding removes the CRLF and leaves the white space; servers take away what leads the value. */
const unfold = (raw: string): string => raw.replaceAll(/\r?\n/gu, '').trimStart()

export const fieldValue = (fields: readonly HeaderField[], name: string): string | undefined => {
  const wanted = name.toLowerCase()
  return fields.find((field) => field.name.toLowerCase() === wanted)?.value
}

export function decodeCharset(bytes: Uint8Array, charset: string): string {
  try {
    return new TextDecoder(charset).decode(bytes)
  } catch {
    return byteString(bytes)
  }
}

const quotedPrintableByte = (hex: string): string => String.fromCharCode(Number.parseInt(hex, 16))

export function decodeQuotedPrintable(text: string): string {
  return text
    .replaceAll(/[ \t]+(?=\r?\n)/gu, '')
    .replaceAll(/=\r?\n/gu, '')
    .replaceAll(/=([0-9A-Fa-f]{2})/gu, (_, hex: string) => quotedPrintableByte(hex))
}

export function decodeBase64(text: string): string {
  const clean = text.replaceAll(/[^A-Za-z0-9+/]/gu, '')
  return atob(clean.slice(0, clean.length % 4 === 1 ? -1 : undefined))
}

/** A header value as text: raw octets are taken as UTF-8, encoded-words are decoded (RFC 2047), and a fold is one space. For searching only. */
export function decodeHeaderText(value: string): string {
  return fromUtf8(fromByteString(value))
    .replaceAll(/\s+/gu, ' ')
    .replaceAll(/(=\?[^?\s]+\?[BbQq]\?[^?]*\?=)\s+(?==\?[^?\s]+\?[BbQq]\?)/gu, '$1')
    .replaceAll(
      /=\?([^?\s*]+)(?:\*[^?\s]*)?\?([BbQq])\?([^?]*)\?=/gu,
      (_, charset: string, code: string, text: string) => {
        const octets =
          code.toUpperCase() === 'B'
            ? decodeBase64(text)
            : text.replaceAll('_', ' ').replaceAll(/=([0-9A-Fa-f]{2})/gu, (__, hex: string) => quotedPrintableByte(hex))
        return decodeCharset(fromByteString(octets), charset)
      },
    )
}
