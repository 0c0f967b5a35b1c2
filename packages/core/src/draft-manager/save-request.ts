import type { Author } from '../draft/draft.ts'
import type { MergeStrategy } from '../draft/merge.ts'
import type { AccountId, DeviceId, Umid } from '../ids.ts'
import type { StoredDraft } from '../storage/drafts.ts'
import type { DraftManagerConflict, DraftStateInput } from './envelope.ts'

export interface AutoSave {
  readonly accountId: AccountId
  /** Null: a new draft. */
  readonly draftId: Umid | null
  readonly state: DraftStateInput
  readonly device: DeviceId
  readonly by: Author
  readonly strategy: MergeStrategy
  readonly maxDraftSize: number
  readonly compress: boolean
  readonly saveId: string
  /** False: the client has given it no name, and will not ask for it by one. */
  readonly isNamed: boolean
  /** Saves that this one includes; itself it is none of them. */
  readonly unanswered: readonly string[]
}

export interface AutoSaved {
  /** Null: it was begun by this save. */
  readonly before: StoredDraft | null
  readonly draft: StoredDraft
  /** Null: nobody else had saved meanwhile. */
  readonly conflict: DraftManagerConflict | null
}
