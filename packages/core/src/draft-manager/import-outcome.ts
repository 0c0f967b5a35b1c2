import type { ConflictId, Umid, Version } from '../ids.ts'

/** What became of a draft of a bundle. */
export type ImportOutcome =
  /** It was not here. */
  | 'created'
  /** It was in the trash here, or emptied out of it. */
  | 'restored'
  /** It was here, and says what the bundle says now, or what both made of it. */
  | 'updated'
  /** Nothing in it was new here. */
  | 'unchanged'
  /** Both sides had changed it, and what cannot be merged is kept in a conflict. */
  | 'conflict'
  /** It is in the outbox or sent here, which nothing undoes. */
  | 'kept'

export interface ImportedItem {
  readonly outcome: ImportOutcome
  /** As it is here: another one than in the bundle where somebody else's draft has that. */
  readonly draftId: Umid
  readonly version: Version
  readonly conflictId: ConflictId | null
}
