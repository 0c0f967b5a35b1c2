import type { Owner } from '../access.ts'
import type { Author, DraftStatus } from '../draft/draft.ts'
import type { MergeStrategy } from '../draft/merge.ts'
import type { FieldError } from '../errors.ts'
import type { DraftManagerAction } from './actions.ts'
import type { DraftManagerErrorCode } from './errors.ts'
import type { ImportedItem } from './import-outcome.ts'

export interface DraftManagerOptions {
  /** In whose name it is asked: another one's account is as one that is not there. Left out: everybody's. */
  readonly owner?: Owner
  /** Default `user`. */
  readonly by?: Author
  readonly signal?: AbortSignal
}

/** Always answers its envelope. What it throws is a bug. */
export type DraftManager = (request: DraftManagerRequest, options?: DraftManagerOptions) => Promise<DraftManagerAnswer>

/**
 * What the draft manager is asked for: one flat object, as workflow tools and browsers write it. Ids are text from outside,
 * and are checked. What an action does not know it leaves alone.
 */
export interface DraftManagerRequest {
  readonly action: DraftManagerAction
  /** A UUID. */
  readonly accountId: string
  /** For auto-save what to save; for recover what the client still has. Absent fields are unchanged. */
  readonly draft?: DraftStateInput
  /** A UUID; the client may make it. */
  readonly draftId?: string
  /** For import: a `DraftBundle`, its JSON or JSON lines, or the base64 of its gzip. */
  readonly bundleData?: unknown
  /** How often the client saves by itself, in milliseconds: 1,000 to 60,000. What saves faster than that is refused. */
  readonly autoSaveInterval?: number
  /** The draft with its attachments, in bytes: at least 1,048,576, default 26,214,400. */
  readonly maxDraftSize?: number
  /** Governs how the revision before is stored (as what makes it of the next, or whole), and the bundle. Default true. */
  readonly enableCompression?: boolean
  /** Who writes: a browser tab, a machine. Default `unknown`. */
  readonly deviceId?: string
  readonly recoveryOptions?: RecoveryOptions
  /** For auto-save: a UUID by which this save is known; default: one is made. With `beginSave` it is required. */
  readonly saveId?: string
  /** For auto-save: a save begins. Nothing is saved; that it began is remembered until an auto-save with its `saveId`. */
  readonly beginSave?: boolean
  /** For auto-save: earlier saves of this editor whose answers never came, and that this one includes. */
  readonly unansweredSaveIds?: readonly string[]
  /** For recover. Default: what the evidence says. With `manual-recovery` the history is looked at, too. */
  readonly recoveryReason?: RecoveryReason
  /** For get: the draft comes only if it has changed since. */
  readonly syncToken?: string
  /** For list: 1 to 500, default 50. */
  readonly limit?: number
  readonly offset?: number
  /** For export. Default `gzip` with compression, else `json`. */
  readonly format?: BundleFormat
  /** For export: these drafts alone; default all live ones. */
  readonly draftIds?: readonly string[]
  /** For export: the bytes of the attachments, too. Default false. */
  readonly includeAttachments?: boolean
}

export interface RecoveryOptions {
  /**
   * What this client has wins, or what is stored; absent: they are merged, and what cannot be merged is asked about. Of an
   * import local is what is stored here: true keeps it, false takes the bundle's.
   */
  readonly preferLocal?: boolean
  /** False: attachments of what is recovered or imported are left out. Default true. */
  readonly preserveAttachments?: boolean
  /** In milliseconds: what is older is not recovered. Default 7 days. */
  readonly maxRecoveryAge?: number
  /** The `candidateId` of an earlier answer: this one is wanted, which is a confirmation. */
  readonly candidateId?: string
}

export type RecoveryReason = 'reconnection' | 'browser-crash' | 'manual-recovery'
export type BundleFormat = 'json' | 'jsonl' | 'gzip'

export interface DraftStateAddress {
  readonly address: string
  readonly name: string
}

export interface DraftStateAttachment {
  readonly id: string
  readonly filename: string
  readonly mimeType: string
  /** Decoded bytes. */
  readonly size: number
  /** Epoch milliseconds; null: its bytes are not here. */
  readonly uploadedAt: number | null
  readonly contentId: string | null
  /** Where its bytes are to be had; null: nowhere, or only through `engine.drafts.readAttachment`. */
  readonly blobUrl: string | null
  /** Named, and its bytes are not here: the draft is not sent without them. */
  readonly missing: boolean
}

/** A draft as the draft manager shows it. Times in epoch milliseconds. */
export interface DraftState {
  readonly draftId: string
  readonly accountId: string
  readonly tenantId: string
  readonly userId: string
  readonly status: DraftStatus
  readonly subject: string
  /** Empty in a list, as `bodyHtml` is. */
  readonly body: string
  readonly bodyHtml: string | null
  readonly to: readonly DraftStateAddress[]
  readonly cc: readonly DraftStateAddress[]
  readonly bcc: readonly DraftStateAddress[]
  readonly attachments: readonly DraftStateAttachment[]
  /** It is not on the mail server yet as it is here. */
  readonly isDirty: boolean
  readonly lastSavedAt: number
  readonly lastModifiedAt: number
  readonly version: number
  /** Another one with each stored revision; see `DraftManagerRequest.syncToken`. */
  readonly syncToken: string
  /** When somebody means to send it; it never goes by itself. */
  readonly scheduledSendTime: number | null
  readonly tags: readonly string[]
  /** Message-IDs of the thread, with their angle brackets (RFC 5322 §3.6.4). */
  readonly references: readonly string[]
}

/** What a client says of a draft: a `DraftState` as it was answered is one. */
export interface DraftStateInput {
  readonly draftId?: string
  readonly accountId?: string
  /** With `userId`: whose it is said to be; another one's is refused. */
  readonly tenantId?: string
  readonly userId?: string
  readonly status?: DraftStatus
  readonly subject?: string
  readonly body?: string
  readonly bodyHtml?: string | null
  readonly to?: readonly DraftStateAddressInput[]
  readonly cc?: readonly DraftStateAddressInput[]
  readonly bcc?: readonly DraftStateAddressInput[]
  /** All of them: what is not in it is taken away. */
  readonly attachments?: readonly DraftStateAttachmentInput[]
  readonly isDirty?: boolean
  /** Without `version` it names the base: the newest revision that was stored by then. */
  readonly lastSavedAt?: number
  readonly lastModifiedAt?: number
  /** The base: the version that the client began with. 0: none yet. */
  readonly version?: number
  readonly syncToken?: string
  readonly scheduledSendTime?: number | null
  readonly tags?: readonly string[]
  readonly references?: readonly string[]
}

export interface DraftStateAddressInput {
  readonly address: string
  readonly name?: string | null
}

export interface DraftStateAttachmentInput {
  /** A UUID: of one that the draft has, or of one whose bytes are not here. */
  readonly id: string
  readonly filename: string
  readonly mimeType?: string
  readonly size?: number
  readonly uploadedAt?: number | null
  readonly contentId?: string | null
  readonly blobUrl?: string | null
  readonly missing?: boolean
}

export type DraftManagerAnswer = DraftManagerSuccess | DraftManagerFailure

export interface DraftManagerSuccess {
  readonly status: 'success'
  readonly output: DraftManagerOutput
  /** When it was answered, in epoch milliseconds. */
  readonly timestamp: number
  /** Of the whole request, in milliseconds. */
  readonly duration: number
}

export interface DraftManagerFailure {
  readonly status: 'error'
  /** `Unauthorized`, or what went wrong, naming the field; no user's text is in it. */
  readonly error: string
  readonly errorCode: DraftManagerErrorCode
  /** For validation: which fields are wrong, and why. */
  readonly errors?: readonly FieldError[]
  /** With CONFLICT_ERROR: what is stored, and the conflict under which both are kept. */
  readonly output?: DraftManagerOutput
  readonly timestamp: number
  readonly duration: number
}

export interface DraftManagerOutput {
  readonly actionPerformed: DraftManagerAction
  /** Absent where there is none, and for a get with the `syncToken` that the draft has. */
  readonly draft?: DraftState
  /** Of a list, newest change first. */
  readonly drafts?: readonly DraftState[]
  /** Of a list: how many there are in all. */
  readonly total?: number
  /** Of a get with a `syncToken`. */
  readonly changed?: boolean
  readonly saveMetadata?: DraftSaveMetadata
  readonly recovery?: DraftRecovery
  readonly bundle?: DraftBundle
  /** What became of each draft of a bundle, in its order. */
  readonly imported?: readonly ImportedItem[]
  readonly conflictDetected: boolean
  readonly conflict?: DraftManagerConflict
  readonly stats: DraftManagerStats
}

/** Measured, all of them. */
export interface DraftManagerStats {
  /** Milliseconds, by the engine's clock. */
  readonly operationDuration: number
  readonly itemsAffected: number
  /** Bytes of the live drafts that the answer is about, with their attachments; negative: freed. */
  readonly storageUsed: number
  /** Bytes that went to the trash by it. */
  readonly trashUsed?: number
  /** Bytes by which what was stored is smaller than it would be uncompressed. */
  readonly compressionSavings?: number
}

/** What one auto-save did. */
export interface DraftSaveMetadata {
  readonly saveId: string
  readonly draftId: string
  /** Epoch milliseconds; null: it has only begun. */
  readonly savedAt: number | null
  readonly device: string
  readonly changesSummary: ChangesSummary
  /** Null: nobody else had saved meanwhile. */
  readonly conflict: SaveConflict | null
}

export interface ChangesSummary {
  /** Names of `DraftState`. */
  readonly fieldsChanged: readonly string[]
  readonly attachmentsAdded: number
  readonly attachmentsRemoved: number
  /** Of the draft with its attachments; negative: it became smaller. */
  readonly bytesAdded: number
}

export interface SaveConflict {
  readonly remoteVersion: number
  /** Epoch milliseconds. */
  readonly remoteModifiedAt: number
  readonly resolutionStrategy: MergeStrategy
}

export interface DraftManagerConflict extends SaveConflict {
  /** What both sides began with; null: it is not known. */
  readonly baseVersion: number | null
  /** Under which both sides are kept until somebody decides; null: it was resolved. */
  readonly conflictId: string | null
  /** Those that could not be merged, by their names in `DraftState`. */
  readonly fields: readonly string[]
}

export interface DraftRecovery {
  readonly draftId: string
  /** Epoch milliseconds. */
  readonly recoveredAt: number
  readonly recoveryReason: RecoveryReason
  /** The best of the candidates: as the draft is now, or would be once it is confirmed. */
  readonly lastKnownState: DraftState
  /** It is stored now, without anybody being asked. */
  readonly autoRecovered: boolean
  /** What was recovered and what is stored went different ways: nothing was changed, somebody is to choose. */
  readonly userConfirmationRequired: boolean
  /** Best first. */
  readonly candidates: readonly RecoveryCandidate[]
}

export interface RecoveryCandidate {
  /** For `recoveryOptions.candidateId`. */
  readonly candidateId: string
  readonly source: 'stored' | 'local' | 'unfinished-save' | 'conflict' | 'revision' | 'trash'
  readonly draftId: string
  /** From 1, the best. */
  readonly rank: number
  /** In what it is the first of all. */
  readonly reason: readonly ('newest' | 'longest' | 'most-edited')[]
  /** Epoch milliseconds. */
  readonly modifiedAt: number
  /** Of subject and body, in characters. */
  readonly length: number
  /** How many saves are in it. */
  readonly edits: number
  /** Says something that is not stored. */
  readonly differs: boolean
}

/** What `bundleData` takes as it is. Of the format `json` it is what a file of that format says. */
export interface DraftBundle {
  readonly bundleId: string
  /** Epoch milliseconds. */
  readonly exportedAt: number
  /** Of the format `json`, with what a `DraftState` does not say; else empty. */
  readonly drafts: readonly DraftState[]
  /** Else: the file itself, of `gzip` in base64. */
  readonly data?: string
  readonly metadata: DraftBundleMetadata
}

export interface DraftBundleMetadata {
  readonly count: number
  /** Bytes of the drafts and the files as they stand in it, uncompressed. */
  readonly totalSize: number
  /** Compressed by uncompressed; 1 where it is not compressed. */
  readonly compressionRatio: number
  readonly format: BundleFormat
}
