import type { BlobId, MailboxId, Uid, UidValidity } from './message.ts'
import type { Tombstone } from './tombstones.ts'

/** What happened to a store, as data: replaying all entries from the first gives the same store. */
export type StoreEntry =
  | {
      readonly kind: 'mailbox-created'
      readonly user: string
      readonly id: MailboxId
      readonly name: string
      readonly uidValidity: UidValidity
      readonly specialUse: readonly string[]
    }
  | { readonly kind: 'mailbox-deleted'; readonly id: MailboxId }
  | { readonly kind: 'mailbox-renamed'; readonly id: MailboxId; readonly name: string }
  | { readonly kind: 'subscribed'; readonly user: string; readonly name: string }
  | { readonly kind: 'unsubscribed'; readonly user: string; readonly name: string }
  | {
      readonly kind: 'appended'
      readonly id: MailboxId
      readonly uid: Uid
      readonly flags: readonly string[]
      readonly internalDateMs: number
      readonly blob: BlobId
      /** In a snapshot: the modseq that the message had; if left out, it gets the next one. */
      readonly modseq?: number
    }
  | { readonly kind: 'flags-set'; readonly id: MailboxId; readonly uid: Uid; readonly flags: readonly string[] }
  | { readonly kind: 'expunged'; readonly id: MailboxId; readonly uid: Uid }
  | { readonly kind: 'uid-validity-reset'; readonly id: MailboxId; readonly uidValidity: UidValidity }
  /** Carries what a snapshot would otherwise forget: UIDs and modseqs that were used by messages now gone. */
  | { readonly kind: 'counters-set'; readonly id: MailboxId; readonly uidNext: Uid; readonly modseq: number }
  /** In a snapshot: which messages have gone, and when. */
  | {
      readonly kind: 'tombstones-set'
      readonly id: MailboxId
      readonly gone: readonly Tombstone[]
      readonly forgottenModseq: number
    }
  | {
      readonly kind: 'high-water-set'
      readonly nextMailboxId: number
      readonly nextBlob: number
      readonly lastUidValidity: number
    }
  | { readonly kind: 'user-initialised'; readonly user: string }

/**
 * Where a store keeps itself. Every method is synchronous and is durable when it returns: the store answers a client
 * only after that.
 */
export type StoreJournal = {
  /** All entries written so far, oldest first. */
  replay(): Iterable<StoreEntry>
  readBlob(blob: BlobId): Uint8Array
  /** Makes octets durable; no entry names them before this has returned. */
  writeBlob(blob: BlobId, bytes: Uint8Array): void
  /** All of the entries or, after a crash or a JournalError, none of them. */
  append(entries: readonly StoreEntry[]): void
  /** Called once after replay with what the store consists of: the journal may now forget everything else. */
  compact(snapshot: readonly StoreEntry[], blobs: ReadonlySet<BlobId>): void
  /** The octets are named by no message any more. */
  removeBlob(blob: BlobId): void
}

/** The store could not be made durable: the command that needed it fails, and nothing of it is applied. */
export class JournalError extends Error {
  readonly code = 'journal-write-failed'

  constructor(file: string, cause: unknown) {
    super(`${file}: could not be written`, { cause })
    this.name = 'JournalError'
  }
}

/** A journal that keeps nothing: the store lives in memory. */
export function createMemoryJournal(): StoreJournal {
  return {
    replay: () => [],
    readBlob: (blob) => {
      throw new Error(`a memory journal holds no octets (${blob})`)
    },
    writeBlob: () => {},
    append: () => {},
    compact: () => {},
    removeBlob: () => {},
  }
}
