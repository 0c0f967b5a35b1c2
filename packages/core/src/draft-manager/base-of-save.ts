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
  /** Versions that this very client has made, without having heard of it. */
  readonly own: ReadonlySet<Version>
}

/**
 * With which version a client began, by what it says itself: the version; else the time of its last save; else what its device
 * has saved last. A client that says nothing and has never saved here means the draft as it is.
 * @throws {EverdraftError} VALIDATION_ERROR
 */
export async function baseOfSave(db: Db, draft: StoredDraft, claim: BaseClaim): Promise<Version> {
  const { version = 0 } = claim
  if (version > draft.version) {
    throw validationError('draft.version', `the draft is at version ${draft.version}`)
  }
  let base = version === 0 ? await lastSeen(db, draft, claim) : (version as Version)
  // An answer that was lost on the way is no conflict with oneself.
  while (claim.own.has((base + 1) as Version)) base = (base + 1) as Version
  if (base === draft.version) return base
  // What compaction took is not there to compare with: then the newest before it is.
  return (await newestUpTo(db, draft.id, base))?.version ?? draft.version
}

async function lastSeen(db: Db, draft: StoredDraft, { lastSavedAt, device }: BaseClaim): Promise<Version> {
  if (lastSavedAt !== undefined && lastSavedAt > 0) {
    if (lastSavedAt >= draft.updatedAt) return draft.version
    const seen = await newestBy(db, draft.id, lastSavedAt)
    if (seen !== null) return seen.version
  }
  return (await newestOf(db, draft.id, device))?.version ?? draft.version
}
