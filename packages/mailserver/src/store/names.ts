/** Mailbox names inside the server: Unicode, hierarchy separator `/`, INBOX in any case is `INBOX` (RFC 3501 §5.1). */
export const SEPARATOR = '/'

export function canonicalName(name: string): string {
  const [first = '', ...rest] = name.split(SEPARATOR)
  return first.toUpperCase() === 'INBOX' ? ['INBOX', ...rest].join(SEPARATOR) : name
}

/** Empty levels, control characters and overlong names are refused, as by the servers we compare with. */
export function isValidName(name: string): boolean {
  if (name === '' || name.length > 1000) return false
  if (/[\p{Cc}*%]/u.test(name)) return false
  return name.split(SEPARATOR).every((level) => level !== '')
}

export const isChildOf = (name: string, parent: string): boolean => name.startsWith(parent + SEPARATOR)

/** Matches a LIST pattern (RFC 3501 §6.3.8): `*` is anything, `%` anything but the separator. */
export function matchesPattern(name: string, pattern: string): boolean {
  const source = pattern
    .replaceAll(/[.+?^${}()|[\]\\/]/gu, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('%', '[^/]*')
  // INBOX matches in any case, other names as spelled.
  return new RegExp(`^${source}$`, name === 'INBOX' ? 'isu' : 'su').test(name)
}
