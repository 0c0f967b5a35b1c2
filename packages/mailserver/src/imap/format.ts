import { concatBytes, fromByteString } from '../octets.ts'

/** A piece of a reply: a byte string, or octets that go out as they are. */
export type Piece = string | Uint8Array

export const pieces = (...all: readonly Piece[]): Uint8Array =>
  concatBytes(all.map((piece) => (typeof piece === 'string' ? fromByteString(piece) : piece)))

/** A string in the form that its octets allow: quoted if it can be, else a literal (RFC 3501 §4.3). */
export function imapString(text: string): string {
  return /["\\\p{Cc}\u0080-\u{10ffff}]/u.test(text) ? `{${text.length}}\r\n${text}` : `"${text}"`
}

export const nstring = (text: string | undefined): string => (text === undefined ? 'NIL' : imapString(text))

/** A mailbox name, already encoded: an atom if it can be. */
export const astring = (text: string): string =>
  /^[^(){ %*"\\\]\p{Cc}\u0080-\u00ff]+$/u.test(text) && text.toUpperCase() !== 'NIL' ? text : imapString(text)

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const

const two = (value: number): string => String(value).padStart(2, '0')

/** `"01-Jan-2024 08:00:00 +0000"` (RFC 3501 §9, `date-time`). */
export function internalDate(ms: number): string {
  const date = new Date(ms)
  const day = `${two(date.getUTCDate())}-${MONTHS[date.getUTCMonth()]}-${date.getUTCFullYear()}`
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`
  return `"${day} ${time} +0000"`
}

const monthIndex = (name: string | undefined): number =>
  MONTHS.findIndex((month) => month.toLowerCase() === name?.toLowerCase())

export function parseInternalDate(text: string): number | undefined {
  const match = /^([ \d]\d)-(\w{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/u.exec(text)
  if (match === null) return undefined
  const [, day, month, year, hours, minutes, seconds, sign, zoneHours, zoneMinutes] = match
  const index = monthIndex(month)
  if (index === -1) return undefined
  const local = Date.UTC(Number(year), index, Number(day), Number(hours), Number(minutes), Number(seconds))
  const zone = (Number(zoneHours) * 60 + Number(zoneMinutes)) * 60_000
  return sign === '+' ? local - zone : local + zone
}

/** `1-Feb-1994`, as the number of its day since 1970 (RFC 3501 §9, `date`). */
export function parseDay(text: string): number | undefined {
  const match = /^(\d{1,2})-(\w{3})-(\d{4})$/u.exec(text)
  const index = monthIndex(match?.[2])
  if (match === null || index === -1) return undefined
  return Date.UTC(Number(match[3]), index, Number(match[1])) / 86_400_000
}

/** The day that a `Date` header names, disregarding time and zone as SEARCH SENTON does (RFC 3501 §6.4.4). */
export function dayOfDateHeader(value: string): number | undefined {
  const match = /(\d{1,2})\s+([A-Za-z]{3})[a-z]*\s+(\d{4})/u.exec(value)
  return match === null ? undefined : parseDay(`${match[1]}-${match[2]}-${match[3]}`)
}
