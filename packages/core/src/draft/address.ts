import { validationError } from '../errors.ts'

/** An address as it was written: on a draft it may be unfinished (`ann@`), so it is checked only when it is to be sent. */
export interface Address {
  readonly address: string
  /** The display name, decoded; empty where there is none. */
  readonly name: string
}

/** What callers may write for an address: `a@b`, `"Name <a@b>"` or the parts. */
export type AddressInput = string | { readonly address: string; readonly name?: string | null | undefined }
export type AddressListInput = AddressInput | readonly AddressInput[]

// CR, LF and NUL in a header field would let a caller write header fields of their own.
const unsafeInHeader = /[\r\n\0]/

/** @throws {EverdraftError} VALIDATION_ERROR naming `path` for CR, LF or NUL */
export function checkHeaderText(text: string, path: string): string {
  if (unsafeInHeader.test(text)) throw validationError(path, 'must not contain CR, LF or NUL')
  return text
}

/** @throws {EverdraftError} VALIDATION_ERROR naming the entry */
export function parseAddressList(input: AddressListInput, path: string): readonly Address[] {
  if (!Array.isArray(input)) return splitList(input as AddressInput, path)
  return (input as readonly AddressInput[]).flatMap((entry, index) => splitList(entry, `${path}[${index}]`))
}

/** @throws {EverdraftError} VALIDATION_ERROR naming `path` */
export function parseAddress(input: AddressInput, path: string): Address {
  if (typeof input !== 'string') {
    return {
      address: checkHeaderText(input.address, `${path}.address`).trim(),
      name: checkHeaderText(input.name ?? '', `${path}.name`).trim(),
    }
  }
  const text = checkHeaderText(input, path).trim()
  const match = /^(?<name>.*)<(?<address>[^<>]*)>$/.exec(text)
  if (!match?.groups) return { address: text, name: '' }
  return { address: (match.groups['address'] ?? '').trim(), name: unquote((match.groups['name'] ?? '').trim()) }
}

function splitList(input: AddressInput, path: string): readonly Address[] {
  const parts = typeof input === 'string' ? splitAtCommas(input) : [input]
  return parts.map((part) => parseAddress(part, path)).filter((address) => !isBlank(address))
}

/** The empty row of a composer: nothing was written yet. */
export function isBlank(address: Address): boolean {
  return address.address === '' && address.name === ''
}

/** At commas that stand neither in quotes nor in angle brackets. */
function splitAtCommas(text: string): readonly string[] {
  const parts: string[] = []
  let part = ''
  let quoted = false
  let bracketed = false
  let escaped = false
  for (const character of text) {
    if (escaped) escaped = false
    else if (quoted && character === '\\') escaped = true
    else if (character === '"') quoted = !quoted
    else if (!quoted && character === '<') bracketed = true
    else if (!quoted && character === '>') bracketed = false
    else if (!quoted && !bracketed && character === ',') {
      parts.push(part)
      part = ''
      continue
    }
    part += character
  }
  parts.push(part)
  return parts
}

function unquote(text: string): string {
  if (text.length < 2 || !text.startsWith('"') || !text.endsWith('"')) return text
  return text.slice(1, -1).replace(/\\(.)/g, '$1')
}

export function sameAddress(a: Address | null, b: Address | null): boolean {
  if (a === null || b === null) return a === b
  return a.address === b.address && a.name === b.name
}
