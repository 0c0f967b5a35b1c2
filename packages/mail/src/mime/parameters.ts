import { decodeCharset, decodeRaw } from './charset.ts'
import { decodeWords } from './encoded-word.ts'

/** The value of a field such as Content-Type (RFC 2045 §5.1). */
export interface Structured {
  /** As written, without comments. */
  readonly value: string
  /** In the words of the message, `name=value`, a character for each byte. */
  readonly parameters: readonly string[]
}

export function parseStructured(field: string): Structured {
  const [value = '', ...parameters] = splitAtSemicolons(field)
  return { value: withoutComments(value), parameters: parameters.map(withoutComments).filter((one) => one !== '') }
}

/** Decoded (RFC 2231, and what is met instead of it: encoded words, raw 8-bit); null where there is none. */
export function parameterValue({ parameters }: Structured, name: string): string | null {
  const named = parameters.filter((parameter) => parameterName(parameter) === name)
  const plain = named.find((parameter) => !/^[^=]*\*/.test(parameter))
  const pieces = named.filter((parameter) => parameter !== plain).map(readPiece)
  // RFC 6266 §4.3: where both are there, the extended one says more.
  if (pieces.length > 0) return join(pieces)
  if (plain === undefined) return null
  return decodeWords(decodeRaw(unquote(plain.slice(plain.indexOf('=') + 1).trim())))
}

/** Not decoded; null where there is none. */
export function rawParameterValue({ parameters }: Structured, name: string): string | null {
  const plain = parameters.find((parameter) => /^[^=*]*/.exec(parameter)?.[0].trim().toLowerCase() === name)
  return plain?.includes('=') ? unquote(plain.slice(plain.indexOf('=') + 1).trim()) : null
}

/** In lower case, without RFC 2231's asterisks. */
export function parameterName(parameter: string): string {
  const name = parameter.includes('=') ? parameter.slice(0, parameter.indexOf('=')) : parameter
  return name.trim().replace(/\*.*$/s, '').toLowerCase()
}

/** `; name="value"`, by RFC 2231 where a quoted string could not say it in every reader. */
export function formatParameter(name: string, value: string): string {
  const isPlain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/.test(value) && !/=\?|^ | $|[%']/.test(value)
  if (isPlain && value.length <= 60) return `;\r\n ${name}="${value}"`
  const pieces = percentPieces(value.toWellFormed())
  if (pieces.length === 1) return `;\r\n ${name}*=utf-8''${pieces[0]}`
  return pieces.map((piece, index) => `;\r\n ${name}*${index}*=${index === 0 ? "utf-8''" : ''}${piece}`).join('')
}

/** At most 60 characters each; no character is split. */
function percentPieces(value: string): readonly string[] {
  const pieces: string[] = []
  let piece = ''
  for (const character of value) {
    // RFC 2231 §7: attribute-char.
    const encoded = /[A-Za-z0-9!#$&+.^_`{|}~-]/.test(character)
      ? character
      : [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
    if (piece.length + encoded.length > 60) {
      pieces.push(piece)
      piece = ''
    }
    piece += encoded
  }
  return [...pieces, piece]
}

interface Piece {
  readonly index: number
  readonly isEncoded: boolean
  readonly value: string
}

/** RFC 2231 §3 and §4: `name*1*=value`. */
function readPiece(parameter: string): Piece {
  const at = parameter.indexOf('=')
  const match = /\*(\d*)(\*?)\s*$/.exec(at === -1 ? parameter : parameter.slice(0, at))
  const digits = match?.[1] ?? ''
  const value = at === -1 ? '' : unquote(parameter.slice(at + 1).trim())
  return { index: Number(digits), isEncoded: digits === '' || match?.[2] === '*', value }
}

function join(pieces: readonly Piece[]): string {
  const ordered = pieces.toSorted((a, b) => a.index - b.index)
  const charset = ordered[0]?.isEncoded ? /^([^']*)'[^']*'/.exec(ordered[0].value) : null
  const binary = ordered.map(({ isEncoded, value }, index) => {
    const rest = index === 0 && charset ? value.slice(charset[0].length) : value
    if (!isEncoded) return rest
    return rest.replace(/%([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  })
  return decodeCharset(Buffer.from(binary.join(''), 'latin1'), charset?.[1] ?? '')
}

function splitAtSemicolons(field: string): readonly string[] {
  const parts: string[] = []
  let part = ''
  let isQuoted = false
  for (let at = 0; at < field.length; at += 1) {
    const character = field[at] ?? ''
    if (isQuoted && character === '\\') {
      part += character + (field[at + 1] ?? '')
      at += 1
    } else if (character === ';' && !isQuoted) {
      parts.push(part)
      part = ''
    } else {
      // A quote that is never closed would swallow all that follows it.
      if (character === '"') isQuoted = isQuoted ? false : field.includes('"', at + 1)
      part += character
    }
  }
  return [...parts, part]
}

function withoutComments(text: string): string {
  return text.includes('"') ? text.trim() : text.replace(/\([^()]*\)/g, '').trim()
}

/** A backslash escapes a quote or itself (RFC 5322 §3.2.4); others are met in Windows paths, and stay. */
function unquote(value: string): string {
  const match = /^"(.*)"$/s.exec(value)
  return match ? (match[1] ?? '').replace(/\\(["\\])/g, '$1') : value.replace(/^"/, '')
}
