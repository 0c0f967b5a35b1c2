import type { Version } from '../ids.ts'

/** How long history stays dense. */
export interface RetentionPolicy {
  /** Every revision younger than this is kept. Default one hour. */
  readonly allMs: number
  /** The last of each hour is kept for this long. Default seven days. */
  readonly hourlyMs: number
  /** The last of each day is kept for this long. Default a year; older ones go. */
  readonly dailyMs: number
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs

export const defaultRetention: RetentionPolicy = { allMs: hourMs, hourlyMs: 7 * dayMs, dailyMs: 365 * dayMs }

/**
 * Which revisions stay: all of the last hour, then the last of each hour, then the last of each day, and always those in
 * `pinned` (the head, what was synchronized last, what a conflict or a copy on the server refers to).
 */
export function retainedVersions(
  revisions: readonly { readonly version: Version; readonly savedAt: number }[],
  options: { readonly now: number; readonly policy: RetentionPolicy; readonly pinned: ReadonlySet<Version> },
): ReadonlySet<Version> {
  const { now, policy, pinned } = options
  const kept = new Set<Version>()
  const buckets = new Set<string>()
  for (const { version, savedAt } of revisions.toSorted((a, b) => b.version - a.version)) {
    // A clock that was set back makes revisions of the future: they are young.
    const age = Math.max(0, now - savedAt)
    const bucket = bucketOf(age, savedAt, policy)
    const newestOfBucket = bucket !== null && !buckets.has(bucket)
    if (bucket !== null) buckets.add(bucket)
    if (age <= policy.allMs || newestOfBucket || pinned.has(version)) kept.add(version)
  }
  return kept
}

function bucketOf(age: number, savedAt: number, policy: RetentionPolicy): string | null {
  if (age <= policy.hourlyMs) return `hour ${Math.floor(savedAt / hourMs)}`
  return age <= policy.dailyMs ? `day ${Math.floor(savedAt / dayMs)}` : null
}
