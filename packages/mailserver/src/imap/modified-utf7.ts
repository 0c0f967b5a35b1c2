import { fromByteString } from '../octets.ts'

/**
 * Mailbox names on the wire (RFC 3501 §5.1.3): printable US-ASCII as it is, `&-` for `&`, and everything else as UTF-16BE
 * in a base64 with `,` for `/` and without padding, between `&` and `-`.
 */
export function encodeMailboxName(name: string): string {
  let encoded = ''
  let pending = ''
  const flush = (): void => {
    if (pending === '') return
    let units = ''
    for (let at = 0; at < pending.length; at++) {
      const unit = pending.charCodeAt(at)
      units += String.fromCharCode(unit >> 8, unit & 0xff)
    }
    encoded += `&${btoa(units).replaceAll('/', ',').replaceAll('=', '')}-`
    pending = ''
  }
  for (let at = 0; at < name.length; at++) {
    const unit = name.charCodeAt(at)
    if (unit >= 0x20 && unit <= 0x7e) {
      flush()
      encoded += unit === 0x26 ? '&-' : name.charAt(at)
    } else pending += name.charAt(at)
  }
  flush()
  return encoded
}

function decodeShifted(base64: string): string | undefined {
  if (!/^[A-Za-z0-9+,]+$/u.test(base64) || base64.length % 4 === 1) return undefined
  const units = fromByteString(atob(base64.replaceAll(',', '/')))
  let text = ''
  for (let at = 0; at + 1 < units.length; at += 2)
    text += String.fromCharCode(((units[at] ?? 0) << 8) | (units[at + 1] ?? 0))
  return text
}

/** Undefined if it is not modified UTF-7 in its one canonical form. */
export function decodeMailboxName(wire: string): string | undefined {
  let name = ''
  let at = 0
  while (at < wire.length) {
    const char = wire.charAt(at)
    if (char !== '&') {
      name += char
      at++
      continue
    }
    const end = wire.indexOf('-', at)
    if (end === -1) return undefined
    const shifted = wire.slice(at + 1, end)
    const decoded = shifted === '' ? '&' : decodeShifted(shifted)
    if (decoded === undefined) return undefined
    name += decoded
    at = end + 1
  }
  // Two spellings of one name would be two mailboxes to a client: only the canonical one is taken.
  return encodeMailboxName(name) === wire ? name : undefined
}
