/** What a `Range` field asks for (RFC 9110 §14.2). `end` is exclusive. */
export type ByteRange =
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly start: number; readonly end: number }
  | { readonly kind: 'unsatisfiable' }

/** One range of bytes; several, or another unit, get the whole, as a server may do (RFC 9110 §14.2). */
export function parseRange(field: string | undefined, size: number): ByteRange {
  const match = /^\s*bytes\s*=\s*(?<first>\d{0,15})\s*-\s*(?<last>\d{0,15})\s*$/i.exec(field ?? '')?.groups
  if (match === undefined) return { kind: 'whole' }
  const { first = '', last = '' } = match
  if (first === '' && last === '') return { kind: 'whole' }
  if (first === '') {
    const length = Math.min(Number(last), size)
    return length === 0 ? { kind: 'unsatisfiable' } : { kind: 'part', start: size - length, end: size }
  }
  const start = Number(first)
  const end = last === '' ? size : Math.min(Number(last) + 1, size)
  // RFC 9110 §14.1.1: last before first makes the field invalid, so that it is ignored.
  if (last !== '' && Number(last) < start) return { kind: 'whole' }
  return start >= size ? { kind: 'unsatisfiable' } : { kind: 'part', start, end }
}
