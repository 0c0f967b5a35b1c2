import type { Uid } from './message.ts'

/** A message that has gone, and the modseq at which it went. */
export type Tombstone = readonly [uid: Uid, modseq: number]

/** What a mailbox remembers of the messages it has lost, so that a client can be told of them later (RFC 7162 §3.2). */
export type Tombstones = {
  /** In the order in which they went. */
  all(): readonly Tombstone[]
  /** Messages that went at this modseq or before may be forgotten. */
  readonly forgottenModseq: number
  add(uid: Uid, modseq: number): void
  /** Which went after this modseq; undefined if that is not known any more. */
  since(modseq: number): readonly Uid[] | undefined
  set(gone: readonly Tombstone[], forgottenModseq: number): void
}

/** A client that was away for longer is told of every UID that is not there: correct, and merely more to read. */
const MOST_REMEMBERED = 10_000

export function createTombstones(): Tombstones {
  let modseqs = new Map<Uid, number>()
  let forgottenModseq = 0
  return {
    all: () => [...modseqs],
    get forgottenModseq() {
      return forgottenModseq
    },
    add: (uid, modseq) => {
      modseqs.set(uid, modseq)
      if (modseqs.size <= MOST_REMEMBERED) return
      for (const [oldest, at] of modseqs) {
        modseqs.delete(oldest)
        forgottenModseq = at
        return
      }
    },
    since: (modseq) => {
      if (modseq < forgottenModseq) return undefined
      const gone = [...modseqs].filter(([, at]) => at > modseq).map(([uid]) => uid)
      return gone.toSorted((a, b) => a - b)
    },
    set: (gone, forgotten) => {
      modseqs = new Map(gone)
      forgottenModseq = forgotten
    },
  }
}
