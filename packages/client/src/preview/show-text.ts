import { PreviewError } from './preview-error.ts'

/**
 * Text as text, whatever is written in it: HTML shows its source.
 * @param charset What the sender says (RFC 2046 §4.1.2); a byte order mark wins, and what is unknown is found out.
 * @throws {PreviewError} UNSUPPORTED where it is no text
 */
export function showText(bytes: Uint8Array<ArrayBuffer>, charset: string | null): HTMLElement {
  const text = byMark(bytes) ?? byName(bytes, charset) ?? byContent(bytes)
  if (isBinary(text)) throw new PreviewError('UNSUPPORTED', 'the file is no text')
  const element = document.createElement('pre')
  // Each paragraph by its own first letter: what stands in it cannot turn what stands around it.
  element.dir = 'auto'
  element.style.unicodeBidi = 'isolate'
  element.textContent = text
  return element
}

function byMark(bytes: Uint8Array<ArrayBuffer>): string | null {
  const [a, b, c] = bytes
  if (a === 0xef && b === 0xbb && c === 0xbf) return decode(bytes, 'utf-8')
  if (a === 0xff && b === 0xfe) return decode(bytes, 'utf-16le')
  if (a === 0xfe && b === 0xff) return decode(bytes, 'utf-16be')
  return null
}

function byName(bytes: Uint8Array<ArrayBuffer>, charset: string | null): string | null {
  try {
    return charset === null ? null : decode(bytes, charset)
  } catch (error) {
    // Nobody knows it by that name.
    if (error instanceof RangeError) return null
    throw error
  }
}

/** What is valid UTF-8 hardly is anything else; windows-1252 has a letter for each byte. */
function byContent(bytes: Uint8Array<ArrayBuffer>): string {
  try {
    // As a stream: the last letter may be cut.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
  } catch {
    return decode(bytes, 'windows-1252')
  }
}

function decode(bytes: Uint8Array<ArrayBuffer>, label: string): string {
  return new TextDecoder(label).decode(bytes, { stream: true })
}

/** Text has no NUL, and few other controls. */
function isBinary(text: string): boolean {
  if (text.includes('\0')) return true
  // oxlint-disable-next-line no-control-regex -- they are what is counted
  const controls = text.match(/[\u0001-\u0008\u000e-\u001a\u001c-\u001f]/g)?.length ?? 0
  return controls > text.length / 50
}
