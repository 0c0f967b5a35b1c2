/** A file in a message. */
export interface RawFile {
  readonly filename: string
  readonly contentType: string
  readonly bytes: Uint8Array
}

/** How a program writes the body. */
export type BodyStyle =
  /** Plain text in lines that flow (RFC 3676). */
  | 'flowed'
  /** Plain text that is folded where a line is too long, for good. */
  | 'folded'
  | 'quoted-printable'
  | 'base64'
  | 'alternative'
  | 'html'

export interface RawMessage {
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly text: string
  readonly style: BodyStyle
  readonly files: readonly RawFile[]
  /** HTML where the style has any; default: made of the text. */
  readonly html?: string
}

/** The message as bytes, by no code of the product. */
export function writeMessage(message: RawMessage): Buffer {
  const body = bodyOf(message)
  const whole = message.files.length === 0 ? body : mixed(body, message.files)
  const fields = message.fields.map(([name, value]) => `${name}: ${encodedField(name, value)}`)
  return Buffer.from([...fields, 'MIME-Version: 1.0', whole, ''].join('\r\n'), 'utf8')
}

function bodyOf({ text, style, html }: RawMessage): string {
  const page = html ?? htmlOf(text)
  if (style === 'alternative') {
    const boundary = 'alternative-1'
    return [
      `Content-Type: multipart/alternative; boundary="${boundary}"`,
      '',
      `--${boundary}`,
      plainPart(text, 'quoted-printable'),
      `--${boundary}`,
      htmlPart(page),
      `--${boundary}--`,
    ].join('\r\n')
  }
  return style === 'html' ? htmlPart(page) : plainPart(text, style)
}

function mixed(body: string, files: readonly RawFile[]): string {
  const boundary = 'mixed-1'
  const parts = files.map(({ filename, contentType, bytes }) =>
    [
      `Content-Type: ${contentType}; name="${filename}"`,
      `Content-Disposition: attachment; filename="${filename}"`,
      'Content-Transfer-Encoding: base64',
      '',
      base64Lines(bytes),
    ].join('\r\n'),
  )
  const all = [body, ...parts].map((part) => `--${boundary}\r\n${part}`)
  return [`Content-Type: multipart/mixed; boundary="${boundary}"`, '', ...all, `--${boundary}--`].join('\r\n')
}

function plainPart(text: string, style: Exclude<BodyStyle, 'alternative' | 'html'>): string {
  const type = 'Content-Type: text/plain; charset=utf-8'
  if (style === 'flowed') {
    return [`${type}; format=flowed`, 'Content-Transfer-Encoding: 8bit', '', crlf(flowed(text))].join('\r\n')
  }
  if (style === 'folded') return [type, 'Content-Transfer-Encoding: 8bit', '', crlf(folded(text))].join('\r\n')
  if (style === 'base64') {
    return [type, 'Content-Transfer-Encoding: base64', '', base64Lines(Buffer.from(crlf(text)))].join('\r\n')
  }
  return [type, 'Content-Transfer-Encoding: quoted-printable', '', quotedPrintable(crlf(text))].join('\r\n')
}

function htmlPart(html: string): string {
  const head = ['Content-Type: text/html; charset=utf-8', 'Content-Transfer-Encoding: quoted-printable', '']
  return [...head, quotedPrintable(crlf(html))].join('\r\n')
}

/** Quotes become quotes, as most programs do it. */
function htmlOf(text: string): string {
  let depth = 0
  const lines = text.split('\n').map((line) => {
    const marks = /^(?:> ?)*/.exec(line)?.[0] ?? ''
    const own = marks.replaceAll(' ', '').length
    const opening = '<blockquote type="cite">'.repeat(Math.max(0, own - depth))
    const closing = '</blockquote>'.repeat(Math.max(0, depth - own))
    depth = own
    return `${closing}${opening}<div>${escaped(line.slice(marks.length)) || '<br>'}</div>`
  })
  return `<html><body>${lines.join('\n')}${'</blockquote>'.repeat(depth)}</body></html>`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function flowed(text: string): string {
  return text
    .split('\n')
    .flatMap((line) => {
      if (line === '-- ') return [line]
      const marks = /^>*/.exec(line)?.[0] ?? ''
      const lines = wrapped(line.slice(marks.length).trim(), 66)
      const lead = marks === '' ? '' : `${marks} `
      return lines.map((one, index) => `${lead}${one}${index < lines.length - 1 ? ' ' : ''}`)
    })
    .join('\n')
}

function folded(text: string): string {
  return text
    .split('\n')
    .flatMap((line) => {
      if (line === '-- ') return [line]
      const marks = /^[> ]*/.exec(line)?.[0] ?? ''
      return wrapped(line.slice(marks.length), 72).map((one) => `${marks}${one}`)
    })
    .join('\n')
}

function wrapped(line: string, width: number): readonly string[] {
  const lines: string[] = []
  let current = ''
  for (const word of line.split(' ')) {
    if (current !== '' && current.length + 1 + word.length > width) {
      lines.push(current)
      current = word
    } else current = current === '' ? word : `${current} ${word}`
  }
  return [...lines, current]
}

function crlf(text: string): string {
  return text.replaceAll('\n', '\r\n')
}

function base64Lines(bytes: Uint8Array): string {
  return (
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,76}/g) ?? []
  ).join('\r\n')
}

function quotedPrintable(text: string): string {
  return text
    .split('\r\n')
    .map((line) => {
      const pieces: string[] = []
      let piece = ''
      for (const byte of Buffer.from(line)) {
        const next =
          byte === 61 || byte > 126 || byte < 32
            ? `=${byte.toString(16).toUpperCase().padStart(2, '0')}`
            : String.fromCodePoint(byte)
        if (piece.length + next.length > 73) {
          pieces.push(`${piece}=`)
          piece = ''
        }
        piece += next
      }
      return [...pieces, piece.replace(/ $/, '=20')].join('\r\n')
    })
    .join('\r\n')
}

/** RFC 2047 for what is not ASCII, folded at blanks. */
function encodedField(name: string, value: string): string {
  if (/^[\x20-\x7e]*$/.test(value))
    return value.length + name.length < 70 ? value : value.replaceAll('> <', '>\r\n <').replaceAll(', ', ',\r\n ')
  return value
    .split(/(?<=,) | (?=<)/)
    .map((part) => (/^[\x20-\x7e]*$/.test(part) ? part : encodedWords(part)))
    .join('\r\n ')
}

function encodedWords(text: string): string {
  const words: string[] = []
  let current = ''
  for (const character of text) {
    if (Buffer.byteLength(current + character) > 42) {
      words.push(current)
      current = ''
    }
    current += character
  }
  return [...words, current].map((word) => `=?UTF-8?B?${Buffer.from(word).toString('base64')}?=`).join('\r\n ')
}
