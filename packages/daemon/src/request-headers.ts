import type { Version } from '@everdraft/core'

import { ProblemError } from './problems.ts'

/** `"3"`: an entity tag is the draft's version (RFC 9110 §8.8.3). */
export function versionToEtag(version: Version): string {
  return `"${version}"`
}

/**
 * The version that a save is to be based on, which the engine compares in its own transaction. `If-Match` may name
 * several: then it is the head, if it is among them.
 */
export function baseVersion(ifMatch: string | undefined, head: Version): { readonly baseVersion?: Version } {
  const versions = versionsOfIfMatch(ifMatch)
  if (versions === null) return {}
  const [only] = versions
  if (versions.length === 1 && only !== undefined) return { baseVersion: only }
  if (versions.includes(head)) return { baseVersion: head }
  throw new ProblemError(412, 'VERSION_MISMATCH', `If-Match: the draft is at version ${head} now`)
}

/** Null where the header is absent or `*`, which any version matches (RFC 9110 §13.1.1). */
function versionsOfIfMatch(header: string | undefined): readonly Version[] | null {
  if (header === undefined || header.trim() === '*') return null
  // A weak tag never matches here, and neither does a tag that we have not given out.
  return header.split(',').flatMap((tag) => {
    const digits = /^\s*(?<quote>"?)(?<version>\d{1,15})\k<quote>\s*$/.exec(tag)?.groups?.['version']
    return digits === undefined ? [] : [Number(digits) as Version]
  })
}

const longestWaitSeconds = 300

/** Seconds of `Prefer: wait=N` (RFC 7240 §4.3), at most five minutes; null without. */
export function waitOfPrefer(header: string | undefined): number | null {
  for (const preference of (header ?? '').split(',')) {
    const seconds = /^\s*wait\s*=\s*"?(?<seconds>\d{1,9})"?\s*(?:;.*)?$/i.exec(preference)?.groups?.['seconds']
    if (seconds !== undefined) return Math.min(Number(seconds), longestWaitSeconds)
  }
  return null
}
