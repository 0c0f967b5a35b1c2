import type { Mailbox } from '../store/mailbox.ts'
import type { StoredMessage, Uid } from '../store/message.ts'

/**
 * A selected mailbox as its session's client knows it. Sequence numbers are positions in `entries`, and they move only
 * when the client is told so (RFC 3501 §7.4.1): the view lags behind the mailbox until `takeUpdates`.
 */
export type View = {
  readonly mailbox: Mailbox
  readonly readOnly: boolean
  readonly count: number
  readonly recentCount: number
  /** By sequence number, from 1. */
  at(sequence: number): ViewEntry | undefined
  /** The sequence number of a UID. */
  sequenceOf(uid: Uid): number | undefined
  entries(): readonly ViewEntry[]
  isRecent(uid: Uid): boolean
  /** The client has been told the newest flags of this message, or set them itself. */
  markSeen(uid: Uid): void
  takeUpdates(allowed: { readonly expunge: boolean }): ViewUpdates
}

export type ViewEntry = {
  readonly uid: Uid
  /** As the client knows it; the mailbox may have a newer one, or none. */
  readonly message: StoredMessage
}

type ViewUpdates = {
  readonly flags: readonly { readonly sequence: number; readonly message: StoredMessage }[]
  /** Highest first, so that each number still means what it says when it is read. */
  readonly expunged: readonly number[]
  /** The same by UID, ascending. */
  readonly vanished: readonly Uid[]
  readonly exists: number | undefined
  /** By sequence number, behind all that was expunged. */
  readonly added: readonly number[]
  readonly recent: number | undefined
  readonly keywords: readonly string[] | undefined
}

const NOTHING: ViewUpdates = {
  flags: [],
  expunged: [],
  vanished: [],
  exists: undefined,
  added: [],
  recent: undefined,
  keywords: undefined,
}

export function createView(mailbox: Mailbox, readOnly: boolean): View {
  let entries: ViewEntry[] = mailbox.messages().map((message) => ({ uid: message.uid, message }))
  let seenModseq = mailbox.modseq
  let keywordCount = mailbox.keywords.length
  let pendingExpunges = false
  const recent = new Set(entries.map(({ uid }) => uid).filter((uid) => uid >= mailbox.recentFrom))
  if (!readOnly) mailbox.claimRecent()

  function indexOf(uid: Uid): number {
    let low = 0
    let high = entries.length - 1
    while (low <= high) {
      const middle = (low + high) >> 1
      const found = entries[middle]?.uid ?? 0
      if (found === uid) return middle
      if (found < uid) low = middle + 1
      else high = middle - 1
    }
    return -1
  }

  function takeUpdates({ expunge }: { readonly expunge: boolean }): ViewUpdates {
    if (mailbox.modseq === seenModseq && !(expunge && pendingExpunges)) return NOTHING
    const flags: { sequence: number; message: StoredMessage }[] = []
    const expunged: number[] = []
    for (const [index, entry] of entries.entries()) {
      const current = mailbox.get(entry.uid)
      if (current === undefined) expunged.unshift(index + 1)
      else if (current !== entry.message) {
        entries[index] = { uid: entry.uid, message: current }
        flags.push({ sequence: index + 1, message: current })
      }
    }
    pendingExpunges = expunged.length > 0 && !expunge
    const recentBefore = recent.size
    const vanished = expunge ? expunged.toReversed().flatMap((sequence) => entries[sequence - 1]?.uid ?? []) : []
    if (expunge && expunged.length > 0) {
      for (const uid of vanished) recent.delete(uid)
      entries = entries.filter(({ uid }) => mailbox.get(uid) !== undefined)
    }
    const lastKnown = entries.at(-1)?.uid ?? 0
    const added = mailbox.messages().filter(({ uid }) => uid > lastKnown)
    for (const message of added) {
      entries.push({ uid: message.uid, message })
      if (message.uid >= mailbox.recentFrom) recent.add(message.uid)
    }
    if (!readOnly) mailbox.claimRecent()
    const newKeywords = mailbox.keywords.length !== keywordCount
    keywordCount = mailbox.keywords.length
    seenModseq = mailbox.modseq
    return {
      flags,
      expunged: expunge ? expunged : [],
      vanished,
      exists: added.length > 0 ? entries.length : undefined,
      added: added.map((_, index) => entries.length - added.length + index + 1),
      recent: added.length > 0 || recent.size !== recentBefore ? recent.size : undefined,
      keywords: newKeywords ? mailbox.keywords : undefined,
    }
  }

  return {
    mailbox,
    readOnly,
    takeUpdates,
    get count() {
      return entries.length
    },
    get recentCount() {
      return recent.size
    },
    at: (sequence) => entries[sequence - 1],
    sequenceOf: (uid) => {
      const index = indexOf(uid)
      return index === -1 ? undefined : index + 1
    },
    entries: () => entries,
    isRecent: (uid) => recent.has(uid),
    markSeen: (uid) => {
      const index = indexOf(uid)
      const current = mailbox.get(uid)
      if (index !== -1 && current !== undefined) entries[index] = { uid, message: current }
    },
  }
}
