import { encode as encodeQuotedPrintable, wrap } from 'nodemailer/lib/qp'

import { toFlowed } from './flowed.ts'

type TransferEncoding = '7bit' | 'quoted-printable' | 'base64'

export interface TextBody {
  readonly encoding: TransferEncoding
  readonly isFlowed: boolean
  /** ASCII, as it goes into the message. */
  readonly encoded: string
}

/** A plain text or HTML, in UTF-8. Long lines of plain text flow (RFC 3676) where they come back exactly. */
export function encodeText(text: string, kind: 'text' | 'html'): TextBody {
  const model = text.toWellFormed().replaceAll('\r\n', '\n')
  const flowed = kind === 'text' ? toFlowed(model) : null
  const body = toBodyText(flowed ?? model)
  const encoding = transferEncoding(body, flowed !== null)
  return { encoding, isFlowed: flowed !== null, encoded: encode(body, encoding) }
}

function encode(body: string, encoding: TransferEncoding): string {
  if (encoding === '7bit') return body
  if (encoding === 'quoted-printable') return wrap(encodeQuotedPrintable(body))
  return Buffer.from(body)
    .toString('base64')
    .replace(/.{76}(?=.)/g, '$&\r\n')
}

/**
 * A text as it goes into the message: CRLF, and one more line end than the model has. A text that ends without one
 * could not be told from one that does, as a message always ends with a line end.
 */
function toBodyText(text: string): string {
  return `${text}\n`.replaceAll('\n', '\r\n')
}

/** The other way: LF line ends, without the last one. */
export function fromBodyText(bodyText: string): string {
  const text = bodyText.replace(/\r\n?/g, '\n').replaceAll('\0', '\u{fffd}')
  return text.endsWith('\n') ? text.slice(0, -1) : text
}

/** How the body travels so that no server on the way has a reason to change it. */
function transferEncoding(bodyText: string, isFlowed: boolean): TransferEncoding {
  const isPrintable = /^[\t\r\n\x20-\x7e]*$/.test(bodyText)
  // mbox stores write `>From `, and SMTP doubles the dot; a bare CR and controls are mended in many ways.
  if (/^(?:From |\.)/m.test(bodyText) || /\r(?!\n)/.test(bodyText)) return 'base64'
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (!isPrintable && /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(bodyText)) return 'base64'
  // Blanks at line ends are what a flowed text is made of: whoever carries mail leaves those alone.
  const hasLooseBlanks = !isFlowed && /[ \t]\r\n/.test(bodyText)
  const longest = isFlowed ? 79 : 77
  const isPlain = isPrintable && !hasLooseBlanks && !bodyText.split('\r\n').some((line) => line.length >= longest)
  if (isPlain) return '7bit'
  // RFC 2045 §6: quoted-printable where most of it stays readable and short.
  return mostlyAscii(bodyText) ? 'quoted-printable' : 'base64'
}

function mostlyAscii(text: string): boolean {
  // eslint-disable-next-line no-control-regex -- ASCII begins with the controls
  const others = text.replace(/[\x00-\x7f]+/g, '').length
  return others * 4 <= text.length
}
