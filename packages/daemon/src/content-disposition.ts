/** A `Content-Disposition` field (RFC 6266). */
export interface ContentDisposition {
  /** In lower case; what is neither is to be treated as `attachment` (RFC 6266 §4.2). */
  readonly type: 'attachment' | 'inline'
  /** Without any folders before it (RFC 6266 §4.3); null where there is none. */
  readonly filename: string | null
}

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"

/** Null where the field does not follow the grammar. */
export function parseContentDisposition(field: string): ContentDisposition | null {
  const type = new RegExp(`^\\s*(${token})\\s*`).exec(field)
  if (type?.[1] === undefined) return null
  const parameters = new Map<string, string>()
  const parameter = new RegExp(`;\\s*(${token})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(${token}))\\s*`, 'y')
  parameter.lastIndex = type[0].length
  while (parameter.lastIndex < field.length) {
    const match = parameter.exec(field)
    if (match?.[1] === undefined) return null
    parameters.set(match[1].toLowerCase(), match[3] ?? (match[2] ?? '').replaceAll(/\\(.)/gs, '$1'))
  }
  const extended = parameters.get('filename*')
  const plain = parameters.get('filename')
  // RFC 6266 §4.3: filename* wins where it can be read.
  const filename =
    (extended === undefined ? null : decodeExtended(extended)) ?? (plain === undefined ? null : utf8OfLatin1(plain))
  return {
    type: type[1].toLowerCase() === 'inline' ? 'inline' : 'attachment',
    filename: filename === null ? null : (filename.split(/[/\\]/).at(-1) ?? ''),
  }
}

/** `UTF-8'en'%e2%82%ac%20rates` (RFC 8187 §3.2). */
function decodeExtended(value: string): string | null {
  const match = /^(?<charset>[^']*)'[^']*'(?<text>.*)$/s.exec(value)?.groups
  if (match?.['text'] === undefined) return null
  const charset = match['charset']?.toLowerCase()
  try {
    if (charset === 'utf-8') return decodeURIComponent(match['text'])
    if (charset === 'iso-8859-1') {
      return match['text'].replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      )
    }
  } catch {
    // Bad percent-encoding: as if the parameter were not there.
  }
  return null
}

/** Node gives header fields as Latin-1; most clients that send raw octets mean UTF-8. */
function utf8OfLatin1(text: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(text, 'latin1'))
  } catch {
    return text
  }
}

/** Always `attachment`: what others wrote must not be shown as a page of ours. */
export function formatContentDisposition(filename: string): string {
  // oxlint-disable-next-line no-control-regex -- what is outside printable ASCII is replaced
  const ascii = filename.replaceAll(/[^\x20-\x7e]/g, '?').replaceAll(/["\\]/g, '\\$&')
  // RFC 8187 §3.2.1: attr-char is narrower than what encodeURIComponent leaves as it is.
  const extended = encodeURIComponent(filename.toWellFormed()).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `attachment; filename="${ascii}"; filename*=UTF-8''${extended}`
}
