import type { Uid } from '../ids.ts'

/** Both ends belong to it; `first` ≤ `last`. */
export interface UidRange {
  readonly first: Uid
  readonly last: Uid
}

/** Ranges in any order: a server may name millions of UIDs in a few bytes (RFC 3501 §9, `sequence-set`). */
export type UidSet = readonly UidRange[]

export function isInUidSet(set: UidSet, uid: Uid): boolean {
  return set.some(({ first, last }) => first <= uid && uid <= last)
}
