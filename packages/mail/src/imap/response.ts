import type { ImapAttribute } from 'imapflow'
import { parser } from 'imapflow/lib/handler/imap-handler.js'

type Status = 'OK' | 'NO' | 'BAD' | 'BYE' | 'PREAUTH'

export interface StatusResponse {
  readonly kind: 'status'
  /** `*` for an untagged one. */
  readonly tag: string
  readonly status: Status
  /** RFC 3501 §7.1, in upper case. */
  readonly code: string | null
  /** What follows the code inside the brackets. */
  readonly codeArgument: string
  readonly text: string
}

/** An untagged response other than a status: `* 12 EXISTS`, `* LIST …`. */
export interface DataResponse {
  readonly kind: 'data'
  readonly keyword: string
  /** The number before the keyword, as in `* 12 EXISTS`. */
  readonly number: number | null
  readonly attributes: readonly ImapAttribute[]
  /** Of a SEARCH. */
  readonly numbers: readonly number[]
}

export type Response = StatusResponse | DataResponse | { readonly kind: 'continue' } | { readonly kind: 'unreadable' }

// A response code may hold quoted strings, and a BADURL a URL with anything but brackets.
const statusLine =
  /^(\S+) (OK|NO|BAD|BYE|PREAUTH)(?: +\[([^\s\]]+)(?: ((?:"(?:[^"\\]|\\.)*"|[^"\]])*))?\])?(?: +(.*))?$/is

/** Reads one response. `line` has `{n}` CRLF where each of `literals` stood. */
export async function readResponse(line: Buffer, literals: Buffer[]): Promise<Response> {
  if (line[0] === 0x2b /* + */) return { kind: 'continue' }
  const status = literals.length === 0 ? statusLine.exec(line.toString('utf8')) : null
  if (status) {
    return {
      kind: 'status',
      tag: status[1] ?? '',
      status: (status[2] ?? '').toUpperCase() as Status,
      code: status[3]?.toUpperCase() ?? null,
      codeArgument: status[4] ?? '',
      text: status[5] ?? '',
    }
  }
  try {
    const parsed = await parser(line, { literals })
    const attributes = parsed.attributes ?? []
    const first = parsed.command ?? ''
    const numbers = parsed.numbers ?? []
    if (!/^\d+$/.test(first)) return { kind: 'data', keyword: first.toUpperCase(), number: null, attributes, numbers }
    const keyword = textOf(attributes[0] ?? null) ?? ''
    return {
      kind: 'data',
      keyword: keyword.toUpperCase(),
      number: Number(first),
      attributes: attributes.slice(1),
      numbers,
    }
  } catch {
    // Junk between the responses is skipped: a lost answer shows as silence, a made-up one would not show at all.
    return { kind: 'unreadable' }
  }
}

/** Null for NIL and for a list. */
export function textOf(attribute: ImapAttribute | undefined): string | null {
  if (!attribute || Array.isArray(attribute)) return null
  const { value } = attribute
  if (value === null || value === undefined) return null
  return Buffer.isBuffer(value) ? value.toString('utf8') : String(value)
}

/** As they came; null for NIL and for a list. */
export function bytesOf(attribute: ImapAttribute | undefined): Uint8Array | null {
  if (!attribute || Array.isArray(attribute)) return null
  const { value } = attribute
  if (value === null || value === undefined) return null
  return Buffer.isBuffer(value) ? value : Buffer.from(String(value), 'latin1')
}

/** The texts of a list; empty for what is none. */
export function listOf(attribute: ImapAttribute | undefined): readonly string[] {
  if (!Array.isArray(attribute)) return []
  return attribute.map((entry) => textOf(entry)).filter((text) => text !== null)
}

/** The items of a FETCH response by name: `UID`, `FLAGS`, `BODY[…]` as `BODY`. */
export function fetchItems(response: DataResponse): ReadonlyMap<string, ImapAttribute> {
  const items = new Map<string, ImapAttribute>()
  const list = response.attributes[0]
  if (!Array.isArray(list)) return items
  for (let index = 0; index + 1 < list.length; index += 2) {
    const name = textOf(list[index])
    if (name !== null) items.set(name.toUpperCase(), list[index + 1] ?? null)
  }
  return items
}
