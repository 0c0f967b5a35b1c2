import type { DraftContent } from '../draft/draft.ts'
import { validationError } from '../errors.ts'
import type { DeviceId, Version } from '../ids.ts'
import type { Db } from '../storage/db.ts'
import type { StoredDraft } from '../storage/drafts.ts'
import { newestBy, newestOf, newestUpTo } from '../storage/revision-lookups.ts'

export interface BaseClaim {
  /** The version that the client began with; 0 or absent: it does not say. */
  readonly version?: number | undefined
  /** When it heard of a save last, in epoch milliseconds. */
  readonly lastSavedAt?: number | undefined
  readonly device: DeviceId
  /**
   * Versions that this very client has made, without having heard of it, each with what it had written where the version says
   * otherwise, as others had saved before.
   */
  readonly own: ReadonlyMap<Version, DraftContent | null>
}

export interface BaseOfSave {
  readonly version: Version
  /** Null: what that version says. */
  readonly content: DraftContent | null
}

/**
 * With which version a client began, by what it says itself: the version; else the time of its last save; else what its device
 * has saved last. A client that says nothing and has never saved here means the draft as it is.
 * @throws {EverdraftError} VALIDATION_ERROR
 */
export async function baseOfSave(db: Db, draft: StoredDraft, claim: BaseClaim): Promise<BaseOfSave> {
  const { version = 0 } = claim
  if (version > draft.version) {
    throw validationError('draft.version', `the draft is at version ${draft.version}`)
  }
  const told = version === 0 ? await lastSeen(db, draft, claim) : (version as Version)
  let base = told
  // An answer that was lost on the way is no conflict with oneself.
  for (const own of claim.own.keys()) if (own > base && own <= draft.version) base = own
  const content = base === told ? null : (claim.own.get(base) ?? null)
  if (content !== null || base === draft.version) return { version: base, content }
  // What compaction took is not there to compare with: then the newest before it is.
  return { version: (await newestUpTo(db, draft.id, base))?.version ?? draft.version, content: null }
}

async function lastSeen(db: Db, draft: StoredDraft, { lastSavedAt, device }: BaseClaim): Promise<Version> {
  if (lastSavedAt !== undefined && lastSavedAt > 0) {
    if (lastSavedAt >= draft.updatedAt) return draft.version
    const seen = await newestBy(db, draft.id, lastSavedAt)
    if (seen !== null) return seen.version
  }
  return (await newestOf(db, draft.id, device))?.version ?? draft.version
}
