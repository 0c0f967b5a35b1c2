import type { Uid } from '../ids.ts'

/** UIDs as text, in the form of an IMAP sequence set (RFC 3501 §9): `1:5,7`. Empty for none. */
export function uidSetText(uids: Iterable<Uid>): string {
  const ranges: [first: number, last: number][] = []
  for (const uid of [...uids].toSorted((a, b) => a - b)) {
    const range = ranges.at(-1)
    if (range !== undefined && uid <= range[1] + 1) range[1] = uid
    else ranges.push([uid, uid])
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}:${last}`)).join(',')
}

export function readUidSet(text: string): ReadonlySet<Uid> {
  const uids = new Set<Uid>()
  for (const range of text.split(',').filter(Boolean)) {
    const [first = 0, last = first] = range.split(':').map(Number)
    for (let uid = first; uid <= last; uid += 1) uids.add(uid as Uid)
  }
  return uids
}
