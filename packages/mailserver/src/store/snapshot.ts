import type { StoreEntry, StoreJournal } from './journal.ts'
import { createMailboxState, type MailboxState } from './mailbox.ts'
import type { BlobId, MailboxId, StoredMessage } from './message.ts'

/** Everything a store holds, changed by one function only: `apply`. */
export type StoreState = {
  readonly mailboxes: ReadonlyMap<MailboxId, MailboxState>
  readonly subscriptions: ReadonlyMap<string, ReadonlySet<string>>
  readonly initialisedUsers: ReadonlySet<string>
  readonly nextMailboxId: number
  readonly nextBlob: number
  readonly lastUidValidity: number
  apply(entry: StoreEntry, octets: (blob: BlobId) => Uint8Array): void
  /** How many messages share these octets. */
  holders(blob: BlobId): number
}

export function createStoreState(): StoreState {
  const mailboxes = new Map<MailboxId, MailboxState>()
  const subscriptions = new Map<string, Set<string>>()
  const initialisedUsers = new Set<string>()
  const holders = new Map<BlobId, number>()
  let nextMailboxId = 1
  let nextBlob = 1
  let lastUidValidity = 0

  const stateOf = (id: MailboxId): MailboxState => {
    const state = mailboxes.get(id)
    if (state === undefined) throw new Error(`the journal names mailbox ${id}, which does not exist`)
    return state
  }
  const release = (message: StoredMessage): void => {
    const left = (holders.get(message.blob) ?? 1) - 1
    if (left === 0) holders.delete(message.blob)
    else holders.set(message.blob, left)
  }
  const subscriptionsOf = (user: string): Set<string> => {
    const existing = subscriptions.get(user) ?? new Set<string>()
    subscriptions.set(user, existing)
    return existing
  }

  return {
    mailboxes,
    subscriptions,
    initialisedUsers,
    get nextMailboxId() {
      return nextMailboxId
    },
    get nextBlob() {
      return nextBlob
    },
    get lastUidValidity() {
      return lastUidValidity
    },
    holders: (blob) => holders.get(blob) ?? 0,
    apply: (entry, octets) => {
      switch (entry.kind) {
        case 'mailbox-created':
          mailboxes.set(entry.id, createMailboxState(entry))
          nextMailboxId = Math.max(nextMailboxId, entry.id + 1)
          lastUidValidity = Math.max(lastUidValidity, entry.uidValidity)
          return
        case 'mailbox-deleted':
          for (const message of stateOf(entry.id).mailbox.messages()) release(message)
          mailboxes.delete(entry.id)
          return
        case 'mailbox-renamed':
          stateOf(entry.id).rename(entry.name)
          return
        case 'subscribed':
          subscriptionsOf(entry.user).add(entry.name)
          return
        case 'unsubscribed':
          subscriptionsOf(entry.user).delete(entry.name)
          return
        case 'appended': {
          const { uid, flags, internalDateMs, blob, modseq } = entry
          stateOf(entry.id).put({ uid, flags, internalDateMs, blob, bytes: octets(blob) }, modseq)
          holders.set(blob, (holders.get(blob) ?? 0) + 1)
          nextBlob = Math.max(nextBlob, Number(blob) + 1)
          return
        }
        case 'flags-set': {
          const state = stateOf(entry.id)
          const message = state.mailbox.get(entry.uid)
          if (message !== undefined) state.put({ ...message, flags: entry.flags })
          return
        }
        case 'expunged': {
          const state = stateOf(entry.id)
          const message = state.mailbox.get(entry.uid)
          if (message === undefined) return
          state.remove(entry.uid)
          release(message)
          return
        }
        case 'uid-validity-reset':
          stateOf(entry.id).resetUidValidity(entry.uidValidity)
          lastUidValidity = Math.max(lastUidValidity, entry.uidValidity)
          return
        case 'counters-set':
          stateOf(entry.id).setCounters(entry.uidNext, entry.modseq)
          return
        case 'tombstones-set':
          stateOf(entry.id).setTombstones(entry.gone, entry.forgottenModseq)
          return
        case 'high-water-set':
          nextMailboxId = Math.max(nextMailboxId, entry.nextMailboxId)
          nextBlob = Math.max(nextBlob, entry.nextBlob)
          lastUidValidity = Math.max(lastUidValidity, entry.lastUidValidity)
          return
        case 'user-initialised':
          initialisedUsers.add(entry.user)
      }
    },
  }
}

/** The entries that make this state from nothing. */
export function snapshotOf(state: StoreState): readonly StoreEntry[] {
  const entries: StoreEntry[] = [
    {
      kind: 'high-water-set',
      nextMailboxId: state.nextMailboxId,
      nextBlob: state.nextBlob,
      lastUidValidity: state.lastUidValidity,
    },
  ]
  for (const user of state.initialisedUsers) entries.push({ kind: 'user-initialised', user })
  for (const { mailbox } of state.mailboxes.values()) {
    const { id, user, name, uidValidity, specialUse, uidNext, modseq } = mailbox
    entries.push({ kind: 'mailbox-created', id, user, name, uidValidity, specialUse })
    for (const message of mailbox.messages()) {
      const { uid, flags, internalDateMs, blob } = message
      entries.push({ kind: 'appended', id, uid, flags, internalDateMs, blob, modseq: message.modseq })
    }
    entries.push({ kind: 'tombstones-set', id, ...mailbox.tombstones() })
    entries.push({ kind: 'counters-set', id, uidNext, modseq })
  }
  for (const [user, names] of state.subscriptions) {
    for (const name of names) entries.push({ kind: 'subscribed', user, name })
  }
  return entries
}

export function blobsOf(state: StoreState): ReadonlySet<BlobId> {
  const blobs = new Set<BlobId>()
  for (const { mailbox } of state.mailboxes.values()) {
    for (const message of mailbox.messages()) blobs.add(message.blob)
  }
  return blobs
}

const NO_OCTETS: Uint8Array = new Uint8Array()

/** Applies a whole journal. The octets of messages that were expunged later are gone: only those that remain are read. */
export function replayJournal(state: StoreState, journal: StoreJournal): void {
  const outline = createStoreState()
  for (const entry of journal.replay()) outline.apply(entry, () => NO_OCTETS)
  const living = blobsOf(outline)
  for (const entry of journal.replay()) {
    state.apply(entry, (blob) => (living.has(blob) ? journal.readBlob(blob) : NO_OCTETS))
  }
}
