import type { Uid, UidRange } from '@everdraft/core'

import type { CommandPart } from './connection.ts'

// RFC 3501 §9, `QUOTED-CHAR` without what must be escaped; long ones go as literals, as some servers bound a line.
const quotable = /^[\x20-\x7e]{0,1000}$/

/** An `astring`: quoted where it can be, else a literal. */
export function astring(text: string): CommandPart {
  return quotable.test(text) ? quoted(text) : bytesLiteral(Buffer.from(text.toWellFormed(), 'utf8'))
}

export function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, String.raw`\$&`)}"`
}

function bytesLiteral(bytes: Uint8Array): CommandPart {
  return {
    size: bytes.length,
    async *open() {
      yield bytes
    },
  }
}

// Servers bound the length of a command line, often at 8192 octets (RFC 7162 §4).
const maxSetLength = 4000

/** UIDs as sequence sets in ascending order, ranges joined; several where one would make the line too long. */
export function uidSets(uids: readonly Uid[]): readonly string[] {
  const sorted = [...new Set(uids)].toSorted((a, b) => a - b)
  const sets: string[] = []
  let set = ''
  let index = 0
  while (index < sorted.length) {
    const first = sorted[index] as number
    let last = first
    while (sorted[index + 1] === last + 1) {
      index += 1
      last += 1
    }
    index += 1
    const range = first === last ? `${first}` : `${first}:${last}`
    if (set !== '' && set.length + range.length >= maxSetLength) {
      sets.push(set)
      set = ''
    }
    set = set === '' ? range : `${set},${range}`
  }
  return set === '' ? sets : [...sets, set]
}

/** A `sequence-set` without `*` (RFC 3501 §9); what is none is left out. */
export function readUidSet(text: string): readonly UidRange[] {
  return [...text.matchAll(/(\d+)(?::(\d+))?/g)].map(([, one = '0', other = one]) => {
    const ends = [Number(one), Number(other)] as const
    return { first: Math.min(...ends) as Uid, last: Math.max(...ends) as Uid }
  })
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const

/** `date-text` of RFC 3501 §9, in UTC. */
export function dateText(milliseconds: number): string {
  const date = new Date(milliseconds)
  return `${two(date.getUTCDate())}-${months[date.getUTCMonth()]}-${String(date.getUTCFullYear()).padStart(4, '0')}`
}

/** `date-time` of RFC 3501 §9, in UTC. */
export function dateTime(milliseconds: number): string {
  const date = new Date(milliseconds)
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`
  return `"${dateText(milliseconds)} ${time} +0000"`
}
