import type { Bundles } from '../draft-manager/bundles.ts'
import type { DraftManager } from '../draft-manager/envelope.ts'
import type { LastError } from '../draft/draft.ts'
import type { ToldEvent } from '../events.ts'
import type { AccountId } from '../ids.ts'
import type { Figures } from '../storage/figures.ts'
import type { Accounts } from './api/accounts.ts'
import type { ApiTokens } from './api/api-tokens.ts'
import type { Drafts } from './api/drafts.ts'
import type { EventFilter, Events } from './api/events.ts'
import type { Outcomes } from './api/outcomes.ts'
import type { AccountResponders } from './api/responders.ts'
import type { Sends } from './api/sends.ts'
import type { Tasks } from './api/tasks.ts'
import type { Templates } from './api/templates.ts'
import type { Webhooks } from './api/webhooks.ts'

export type * from './api/accounts.ts'
export type * from './api/api-tokens.ts'
export type * from './api/attachments.ts'
export type * from './api/drafts.ts'
export type * from './api/events.ts'
export type * from './api/outcomes.ts'
export type * from './api/pages.ts'
export type * from './api/replies.ts'
export type * from './api/responders.ts'
export type * from './api/reviews.ts'
export type * from './api/sends.ts'
export type * from './api/tasks.ts'
export type * from './api/templates.ts'
export type * from './api/webhooks.ts'

/** The door of the engine: everything that an app, the daemon or the CLI does goes through here. */
export interface Engine {
  readonly accounts: Accounts
  readonly drafts: Drafts
  readonly sends: Sends
  readonly tasks: Tasks
  readonly templates: Templates
  /** What answers new mail by drafts. */
  readonly responders: AccountResponders
  /** What became of the drafts that responders wrote. */
  readonly outcomes: Outcomes
  /** Drafts out to files and in from them: bundles, messages and mboxes. */
  readonly bundles: Bundles
  /** What programs show at the door of a daemon; the engine itself asks nobody for one. */
  readonly apiTokens: ApiTokens
  /** Where a daemon delivers events to; the engine itself asks nobody. */
  readonly webhooks: Webhooks
  /** Seven actions in one envelope, for workflow tools and browsers: another door to `drafts`. It always answers; see docs/draft-manager.md. */
  readonly draftManager: DraftManager
  /**
   * One round with the server now, up and down: debounce, byte budget and back-off are overridden. Resolves when
   * nothing is runnable for the account any more, or after `waitMs` with `settled: false`.
   */
  sync(accountId: AccountId, options?: SyncOptions): Promise<SyncReport>
  /**
   * Events after their commit, in order. With `after`, first those since that cursor, which may be from before a
   * restart; cursors are kept for 30 days. Returns the function that ends the subscription.
   */
  subscribe(filter: EventFilter, listener: (event: ToldEvent) => void): () => void
  /** The log of events, for who reads it at a pace of their own. */
  readonly events: Events
  /** How much of everything there is, for who watches over it. */
  figures(): Promise<Figures>
  /**
   * Another number after each change of whatever kind, for who remembers what was read: as long as it is the same, all that was
   * read since is still so. Null: this store cannot tell.
   */
  changeMark(): number | null
  /**
   * Seals passwords, refresh tokens and the secrets of webhooks by a new key, and forgets the older ones.
   * @throws {EverdraftError} SECRETS_LOCKED: the keys cannot be changed from here, or not be written; the old ones still open
   */
  rotateKey(): Promise<void>
  /** Thins out old history, empties the old trash, collects attachments. It runs by itself each hour. */
  housekeep(): Promise<HousekeepingReport>
  /**
   * A consistent copy of the store, while it is in use. Attachments that lie in a `BlobStore` are not in it.
   * @throws {EverdraftError} STORAGE_ERROR: there is a file already, the disk is full, or the store cannot do it
   */
  backup(destination: string): Promise<void>
  /** Lets what is on the wire end (at most a few seconds), then closes the store. What is left goes on at the next start. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export interface SyncOptions {
  readonly waitMs?: number
  /**
   * The user says that what vanished from the server is to go here too. Asked for after MASS_VANISH: more than half of
   * ten or more drafts were gone at once.
   */
  readonly confirmLosses?: boolean
}

export interface HousekeepingReport {
  readonly revisionsDropped: number
  readonly draftsEmptied: number
  readonly blobsCollected: number
}

export interface SyncReport {
  /** Copies stored where there was none before. */
  readonly uploaded: number
  /** Copies stored in the place of an older one. */
  readonly replaced: number
  readonly imported: number
  readonly purged: number
  /** Drafts of the account that are not on the server yet as they are here. */
  readonly pending: number
  readonly errors: readonly LastError[]
  /** Over all connections of the account during this round. */
  readonly bytesSent: number
  readonly bytesReceived: number
  /** False: the time to wait was over before the work was. */
  readonly settled: boolean
}
