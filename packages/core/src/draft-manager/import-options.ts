import type { Author } from '../draft/draft.ts'
import type { MergeStrategy } from '../draft/merge.ts'
import type { DeviceId } from '../ids.ts'
import type { BundleLimits } from './bundle.ts'
import type { ImportedItem, ImportOutcome } from './import-outcome.ts'

export interface ImportOptions {
  /** Where a draft of the bundle is here already, and both went on. Local is what is here. Default `merge`. */
  readonly onConflict?: MergeStrategy
  /** False: drafts come without their files. Default true. */
  readonly attachments?: boolean
  /** Who imports: they are said to have saved what comes without a history. */
  readonly device?: DeviceId
  readonly by?: Author
  /** The largest draft with its attachments; default: as large as it is. */
  readonly maxDraftBytes?: number
  readonly limits?: Partial<BundleLimits>
  /** Ends it, until it is stored: CANCELLED, and nothing is changed. */
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: ImportProgress) => void
}

export interface ImportProgress {
  /** `reading`: all is looked at, and nothing changed. `storing`: all or nothing. */
  readonly phase: 'reading' | 'storing'
  readonly draftsDone: number
  /** Null: not known before all was read. */
  readonly drafts: number | null
  readonly bytesRead: number
}

export interface ImportReport {
  /** How many there are in it. */
  readonly drafts: number
  readonly counts: Readonly<Record<ImportOutcome, number>>
  /** In the order of the bundle. */
  readonly items: readonly ImportedItem[]
  /** Files that came with it. */
  readonly files: number
  /** Bytes of the bundle, and what they were uncompressed. */
  readonly bytesRead: number
  readonly bytesUncompressed: number
}
