/** By its first bytes, not by what it is called: a name and a type are what the sender says. */
export type FileKind = 'png' | 'jpeg' | 'gif' | 'webp' | 'pdf' | 'svg' | 'text'

/** Null: nothing that is shown. @param declared A media type (RFC 6838), for what has no signature. */
export function fileKind(head: Uint8Array, declared: string): FileKind | null {
  for (const [kind, test] of signatures) if (test.test(latin1(head))) return kind
  const type = mediaType(declared)
  if (type === 'image/svg+xml') return 'svg'
  if (type.startsWith('text/') || textTypes.has(type) || type.endsWith('+json') || type.endsWith('+xml')) return 'text'
  return null
}

function mediaType(declared: string): string {
  return (declared.split(';')[0] ?? '').trim().toLowerCase()
}

/** How many bytes tell. */
export const headBytes = 1024

/** WHATWG MIME Sniffing §6; a PDF may begin a little later (ISO 32000-1, annex H). */
const signatures: readonly (readonly [FileKind, RegExp])[] = [
  // oxlint-disable-next-line no-control-regex -- it is part of the signature
  ['png', /^\x89PNG\r\n\x1a\n/],
  ['jpeg', /^\xff\xd8\xff/],
  ['gif', /^GIF8[79]a/],
  ['webp', /^RIFF[^]{4}WEBPVP8/],
  ['pdf', /^[^]{0,1019}%PDF-/],
]

const textTypes: ReadonlySet<string> = new Set([
  'application/json',
  'application/xml',
  'application/javascript',
  'application/x-sh',
  'application/yaml',
  'application/toml',
  'application/sql',
  'message/rfc822',
])

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.subarray(0, headBytes))
}
