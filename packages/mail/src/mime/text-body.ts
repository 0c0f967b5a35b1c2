export type TransferEncoding = '7bit' | 'quoted-printable' | 'base64'

/**
 * A text as it goes into the message: CRLF, and one more line end than the model has. A text that ends without one
 * could not be told from one that does, as a message always ends with a line end.
 */
export function toBodyText(text: string): string {
  return `${text.toWellFormed().replace(/\r?\n/g, '\n')}\n`.replaceAll('\n', '\r\n')
}

export function fromBodyText(bodyText: string): string {
  const text = bodyText.replaceAll('\r\n', '\n')
  return text.endsWith('\n') ? text.slice(0, -1) : text
}

/** How the body travels so that no server on the way has a reason to change it. */
export function transferEncoding(bodyText: string): TransferEncoding {
  // mbox stores write `>From `, and SMTP doubles the dot; a bare CR and controls are mended in many ways.
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/^(?:From |\.)/m.test(bodyText) || /\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(bodyText)) return 'base64'
  const isPlain = /^[\t\r\n\x20-\x7e]*$/.test(bodyText) && !/[ \t]\r\n/.test(bodyText) && !/[^\r\n]{77}/.test(bodyText)
  if (isPlain) return '7bit'
  // RFC 2045 §6: quoted-printable where most of it stays readable and short.
  return mostlyAscii(bodyText) ? 'quoted-printable' : 'base64'
}

function mostlyAscii(text: string): boolean {
  // eslint-disable-next-line no-control-regex -- ASCII begins with the controls
  const others = text.replace(/[\x00-\x7f]+/g, '').length
  return others * 4 <= text.length
}
