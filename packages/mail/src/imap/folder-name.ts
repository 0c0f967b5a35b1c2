/** Modified UTF-7 of RFC 3501 §5.1.3: what a folder's name is on the wire. */
export function encodeFolderName(name: string): string {
  return name.replace(/&|[^\x20-\x7e]+/g, (run) => (run === '&' ? '&-' : `&${toBase64(run)}-`))
}

/** The name as people write it. What is no modified UTF-7 is given back as it is. */
export function decodeFolderName(wireName: string): string {
  return wireName.replace(/&([A-Za-z0-9+,]*)-/g, (whole, base64: string) => {
    if (base64 === '') return '&'
    return fromBase64(base64) ?? whole
  })
}

function toBase64(text: string): string {
  const bytes = Buffer.from(text, 'utf16le').swap16()
  return bytes.toString('base64').replace(/=+$/, '').replaceAll('/', ',')
}

function fromBase64(base64: string): string | null {
  const bytes = Buffer.from(base64.replaceAll(',', '/'), 'base64')
  if (bytes.length === 0 || bytes.length % 2 !== 0) return null
  return bytes.swap16().toString('utf16le')
}
