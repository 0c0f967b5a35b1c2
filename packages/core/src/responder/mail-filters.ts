import { validationError } from '../errors.ts'

/**
 * Which mail is answered. A field that is given must fit; of its patterns one must fit, and none that begins with `!`. In a pattern
 * `*` stands for anything, also for nothing; letter case does not matter.
 */
export interface MailFilters {
  /** The address of the sender. */
  readonly from?: readonly string[]
  /** Any address in To or Cc. */
  readonly to?: readonly string[]
  readonly subject?: readonly string[]
  /** By the name of a header field. */
  readonly headers?: Readonly<Record<string, readonly string[]>>
  /** The List-Id (RFC 2919), without its brackets. Given, mail of these lists is answered, too. */
  readonly listId?: readonly string[]
}

/** What filters look at. */
export interface FilteredMail {
  readonly from: string
  readonly recipients: readonly string[]
  readonly subject: string
  readonly listId: string | null
  /** The values of a field, unfolded; none where the mail lacks it. */
  header(name: string): readonly string[]
}

const mostPatterns = 200
const longestPattern = 500
const mostHeaders = 20

export function passes(filters: MailFilters, mail: FilteredMail): boolean {
  const { from, to, subject, listId, headers = {} } = filters
  return (
    fits(from, [mail.from]) &&
    fits(to, mail.recipients) &&
    fits(subject, [mail.subject]) &&
    fits(listId, mail.listId === null ? [] : [mail.listId]) &&
    Object.entries(headers).every(([name, patterns]) => fits(patterns, mail.header(name)))
  )
}

/** Names of header fields that the filters look at. */
export function filteredHeaders({ headers = {} }: MailFilters): readonly string[] {
  return Object.keys(headers)
}

function fits(patterns: readonly string[] | undefined, values: readonly string[]): boolean {
  if (patterns === undefined) return true
  const wanted = patterns.filter((pattern) => !pattern.startsWith('!'))
  const unwanted = patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1))
  const has = (pattern: string): boolean => values.some((value) => matches(pattern, value))
  return !unwanted.some(has) && (wanted.length === 0 || wanted.some(has))
}

/** In one pass over the text, whatever the pattern is: both may come from strangers. */
function matches(pattern: string, text: string): boolean {
  const value = text.normalize('NFC').toLowerCase()
  const pieces = pattern.normalize('NFC').toLowerCase().split('*')
  const [first = '', ...rest] = pieces
  const last = rest.pop()
  if (last === undefined) return value === first
  if (!value.startsWith(first)) return false
  let at = first.length
  for (const piece of rest) {
    const found = value.indexOf(piece, at)
    if (found === -1) return false
    at = found + piece.length
  }
  return value.length - last.length >= at && value.endsWith(last)
}

/** @throws {EverdraftError} VALIDATION_ERROR naming the field */
export function checkFilters(filters: MailFilters): MailFilters {
  const { from, to, subject, listId, headers } = filters
  const lists = { from, to, subject, list_id: listId }
  for (const [path, patterns] of Object.entries(lists)) checkPatterns(patterns, `filters.${path}`)
  if (Object.keys(headers ?? {}).length > mostHeaders) {
    throw validationError('filters.headers', `must name at most ${mostHeaders} fields`)
  }
  for (const [name, patterns] of Object.entries(headers ?? {})) {
    // RFC 5322 §2.2: what else could not be asked for.
    if (!/^[!-9;-~]{1,78}$/.test(name) || /["\\(){%*\]]/.test(name)) {
      throw validationError('filters.headers', 'must have names of header fields as keys')
    }
    checkPatterns(patterns, `filters.headers.${name}`)
  }
  return filters
}

function checkPatterns(patterns: readonly string[] | undefined, path: string): void {
  if (patterns === undefined) return
  if (patterns.length === 0 || patterns.length > mostPatterns) {
    throw validationError(path, `must have 1 to ${mostPatterns} patterns`)
  }
  for (const [index, pattern] of patterns.entries()) {
    if (pattern.trim() === '' || pattern.length > longestPattern) {
      throw validationError(`${path}[${index}]`, `must have 1 to ${longestPattern} characters`)
    }
  }
}
