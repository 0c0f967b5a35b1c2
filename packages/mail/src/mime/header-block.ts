import type { RawField } from '@everdraft/core'

import { decodeRaw } from './charset.ts'
import { decodeWords } from './encoded-word.ts'

/** RFC 5322 §2.2: printable ASCII without the colon. Blanks before the colon are obsolete (§4.5) and still met. */
export const fieldStart: RegExp = /^([\x21-\x39\x3b-\x7e]+)[ \t]*:/

/** The fields of a header, in its order. What is no field is left out. */
export function splitHeader(header: Uint8Array): readonly RawField[] {
  const fields: RawField[] = []
  for (const line of withoutStrays(Buffer.from(header).toString('latin1')).split(/\r?\n/)) {
    const name = fieldStart.exec(line)?.[1]
    const last = fields.at(-1)
    // Blanks before the colon must not be written (RFC 5322 §4.5), and Cyrus refuses them.
    if (name !== undefined) fields.push({ name, raw: `${name}${line.slice(line.indexOf(':'))}` })
    else if (/^[ \t]/.test(line) && last) fields.splice(-1, 1, { ...last, raw: `${last.raw}\r\n${line}` })
  }
  // A line of nothing but blanks folds nothing, and would end a header for some readers.
  return fields.map(({ name, raw }) => ({ name, raw: raw.replace(/(?:\r\n[ \t]*)+$/, '') }))
}

/** CR that ends no line, and NUL, stand in no header (RFC 5322 §2.2), and some readers take a line for ended there. */
export function withoutStrays(header: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what it is about
  return header.replace(/\r(?!\n)|\0/g, ' ')
}

/** What stands after the colon of the fields of that name, a character for each byte, without its folds. */
export function rawValues(fields: readonly RawField[], name: string): readonly string[] {
  return fields
    .filter((field) => isNamed(field, name))
    .map(({ raw }) =>
      raw
        .slice(raw.indexOf(':') + 1)
        .replace(/\r\n[ \t]+/g, ' ')
        .trim(),
    )
}

function isNamed(field: RawField, name: string): boolean {
  return field.name.toLowerCase() === name.toLowerCase()
}

/** Unstructured text as people read it (RFC 5322 §3.6.5, RFC 2047 §5). */
export function decodeText(value: string): string {
  return withoutControls(decodeWords(decodeRaw(value)))
}

/** Encoded words can hold what would begin a field of its own when it is written again. */
export function withoutControls(text: string): string {
  return text.replace(/\r\n|[\r\n]/g, ' ').replaceAll('\0', '\u{fffd}')
}
