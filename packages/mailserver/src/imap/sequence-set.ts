import { ImapSyntaxError } from './scanner.ts'

/** A set of numbers as the client wrote it (RFC 3501 §9, `sequence-set`); `*` is the largest in use. */
type SequenceRange = { readonly from: number | '*'; readonly to: number | '*' }
export type SequenceSet = readonly SequenceRange[]

const bound = (text: string): number | '*' => {
  if (text === '*') return '*'
  const value = Number(text)
  if (!/^\d+$/u.test(text) || value < 1 || value > 0xffff_ffff) throw new ImapSyntaxError('Invalid message set')
  return value
}

export function parseSequenceSet(text: string): SequenceSet {
  return text.split(',').map((range) => {
    const [from = '', to, ...more] = range.split(':')
    if (more.length > 0) throw new ImapSyntaxError('Invalid message set')
    return { from: bound(from), to: bound(to ?? from) }
  })
}

/** A test for membership, once it is known what `*` stands for (0: nothing is there, and nothing matches). */
export function inSequenceSet(set: SequenceSet, largest: number): (value: number) => boolean {
  const ranges = set.map(({ from, to }) => {
    const a = from === '*' ? largest : from
    const b = to === '*' ? largest : to
    // `7:3` is `3:7`, and so `999:*` always has the last message in it.
    return a <= b ? { low: a, high: b } : { low: b, high: a }
  })
  return (value) => ranges.some(({ low, high }) => value >= low && value <= high)
}

/** `1:3,5`: what COPYUID and the like want. The order is kept, as the n-th of one set answers the n-th of the other. */
export function formatSequence(values: readonly number[]): string {
  const ranges: { from: number; to: number }[] = []
  for (const value of values) {
    const last = ranges.at(-1)
    if (last !== undefined && value === last.to + 1) last.to = value
    else ranges.push({ from: value, to: value })
  }
  return ranges.map(({ from, to }) => (from === to ? String(from) : `${from}:${to}`)).join(',')
}
