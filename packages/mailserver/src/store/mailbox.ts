import {
  asUid,
  systemFlag,
  systemFlags,
  type MailboxId,
  type StoredMessage,
  type Uid,
  type UidValidity,
} from './message.ts'
import { createTombstones, type Tombstone } from './tombstones.ts'

export type MailboxEvent =
  /** Messages came, went, or changed their flags. */
  | 'changed'
  | 'deleted'
  /** All UIDs known to anybody are void. */
  | 'uid-validity-reset'

export type MailboxListener = (event: MailboxEvent) => void

/** A mailbox as sessions see it. It is changed only through the store, which journals first. */
export type Mailbox = {
  readonly id: MailboxId
  readonly user: string
  readonly name: string
  readonly uidValidity: UidValidity
  readonly uidNext: Uid
  readonly specialUse: readonly string[]
  /** Keywords ever set here, in their first spelling; they are case-insensitive, as on Dovecot and Cyrus. */
  readonly keywords: readonly string[]
  /**
   * Grows with every change: HIGHESTMODSEQ (RFC 7162 §3.1.2.1). A session also compares it to skip mailboxes in which
   * nothing happened.
   */
  readonly modseq: number
  /** UIDs that went after this modseq, ascending. May name more that are not there, if that is long ago. */
  vanishedSince(modseq: number): readonly Uid[]
  /** For a snapshot. */
  tombstones(): { readonly gone: readonly Tombstone[]; readonly forgottenModseq: number }
  /** Ascending by UID. */
  messages(): readonly StoredMessage[]
  get(uid: Uid): StoredMessage | undefined
  /** UIDs from here on have been seen by no session: `\Recent` (RFC 3501 §2.3.2). */
  readonly recentFrom: Uid
  /** The session that calls this is the one that is told of the recent messages. */
  claimRecent(): void
  subscribe(listener: MailboxListener): () => void
}

/** The store's side of a mailbox: every change is made here, after it has been journaled. */
export type MailboxState = {
  readonly mailbox: Mailbox
  rename(name: string): void
  /** With a modseq: as it was when a snapshot was taken. */
  put(message: Omit<StoredMessage, 'modseq'>, modseq?: number): void
  remove(uid: Uid): void
  resetUidValidity(uidValidity: UidValidity): void
  setCounters(uidNext: Uid, modseq: number): void
  setTombstones(gone: readonly Tombstone[], forgottenModseq: number): void
  notify(event: MailboxEvent): void
}

export function createMailboxState(start: {
  readonly id: MailboxId
  readonly user: string
  readonly name: string
  readonly uidValidity: UidValidity
  readonly specialUse: readonly string[]
}): MailboxState {
  let name = start.name
  let uidValidity = start.uidValidity
  let uidNext = asUid(1)
  let recentFrom = asUid(1)
  let modseq = 1
  let messages = new Map<Uid, StoredMessage>()
  let listed: readonly StoredMessage[] | undefined
  const keywords: string[] = []
  const tombstones = createTombstones()
  const listeners = new Set<MailboxListener>()

  const canonical = (flag: string): string => {
    const system = systemFlag(flag)
    if (system !== undefined) return system
    const known = keywords.find((keyword) => keyword.toLowerCase() === flag.toLowerCase())
    if (known !== undefined) return known
    keywords.push(flag)
    return flag
  }
  // One order for all: the system flags as FLAGS lists them, then the keywords in order of their first use.
  const ordered = (flags: readonly string[]): readonly string[] => {
    const wanted = new Set(flags.map(canonical))
    return [...systemFlags, ...keywords].filter((flag) => wanted.has(flag))
  }

  const mailbox: Mailbox = {
    id: start.id,
    user: start.user,
    specialUse: start.specialUse,
    keywords,
    get name() {
      return name
    },
    get uidValidity() {
      return uidValidity
    },
    get uidNext() {
      return uidNext
    },
    get modseq() {
      return modseq
    },
    get recentFrom() {
      return recentFrom
    },
    messages: () => (listed ??= [...messages.values()]),
    vanishedSince: (since) => {
      const known = tombstones.since(since)
      if (known !== undefined) return known
      const all = Array.from({ length: uidNext - 1 }, (_, index) => asUid(index + 1))
      return all.filter((uid) => !messages.has(uid))
    },
    tombstones: () => ({ gone: tombstones.all(), forgottenModseq: tombstones.forgottenModseq }),
    get: (uid) => messages.get(uid),
    claimRecent: () => {
      recentFrom = uidNext
    },
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }

  return {
    mailbox,
    rename: (newName) => {
      name = newName
    },
    put: (message, modseqThen) => {
      const at = modseqThen ?? modseq + 1
      modseq = Math.max(modseq, at)
      listed = undefined
      messages.set(message.uid, { ...message, flags: ordered(message.flags), modseq: at })
      // A UID is never used twice under one UIDVALIDITY (RFC 3501 §2.3.1.1).
      if (message.uid >= uidNext) uidNext = asUid(message.uid + 1)
    },
    remove: (uid) => {
      modseq++
      listed = undefined
      messages.delete(uid)
      tombstones.add(uid, modseq)
    },
    resetUidValidity: (newValidity) => {
      modseq++
      listed = undefined
      uidValidity = newValidity
      const renumbered = [...messages.values()].map((message, index) => ({ ...message, uid: asUid(index + 1), modseq }))
      messages = new Map(renumbered.map((message) => [message.uid, message]))
      uidNext = asUid(renumbered.length + 1)
      recentFrom = uidNext
      tombstones.set([], 0)
    },
    setTombstones: (gone, forgottenModseq) => tombstones.set(gone, forgottenModseq),
    setCounters: (newUidNext, newModseq) => {
      uidNext = newUidNext
      recentFrom = newUidNext
      modseq = newModseq
    },
    notify: (event) => {
      for (const listener of listeners) listener(event)
    },
  }
}
