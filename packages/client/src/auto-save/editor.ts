import type { ContentField, EditorContent } from './content.ts'

/** What `autoSave` saves: a composer, as far as it must be known for that. */
export interface Editor {
  /** What it shows. Called often. */
  read(): EditorContent
  /** Calls `changed` after whatever a user changes. @returns what ends that */
  listen(changed: () => void): () => void
  /** Shows this in the place of what it shows: what was loaded, recovered, or merged with what others wrote. */
  show(content: EditorContent): void
  /** Words that were never saved were found: what shall become of them? Nothing happens to them before the answer. */
  offerRecovery(recovery: Recovery): Promise<RecoveryChoice>
  /** Where the words are; called when that changes. */
  report(status: SaveStatus): void
}

/** What a save left that was begun and did not end. */
export interface Recovery {
  readonly saveId: string
  /** What is to be recovered. */
  readonly content: EditorContent
  /** When the last of it was written; epoch ms. */
  readonly changedAt: number
  readonly device: string
  /** What the draft says today; null: nobody knows yet, or it was never saved. */
  readonly stored: EditorContent | null
  /** Somebody has saved the draft since. `restore` merges, and asks where that cannot be done. */
  readonly diverged: boolean
}

/** `later`: it is offered again when the draft is opened the next time. */
export type RecoveryChoice = 'restore' | 'discard' | 'later'

/**
 * Whether words are also kept in this browser until the daemon has them. `full`: the browser gives no more room;
 * `unavailable`: it keeps nothing for this page, as some do in private windows.
 */
export type ShadowState = 'kept' | 'full' | 'unavailable'

export type SaveStatus = { readonly shadow: ShadowState } & (
  | { readonly state: 'saved'; readonly version: number }
  | { readonly state: 'unsaved' }
  | { readonly state: 'saving' }
  /** The daemon does not answer: it is asked again by itself. */
  | { readonly state: 'offline' }
  /** Nothing is saved until `resolve` says whose words count; they stay in the shadow. */
  | { readonly state: 'conflict'; readonly conflict: SaveConflict }
  /** The daemon says no: `code` and `message` are the problem's. The next change tries again. */
  | { readonly state: 'refused'; readonly code: string; readonly message: string }
)

export interface SaveConflict {
  /** Those that both changed. */
  readonly fields: readonly ContentField[]
  /** What the draft says there; what is here stands in the editor. */
  readonly theirs: EditorContent
  readonly version: number
}
