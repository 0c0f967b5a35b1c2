import { validationError } from '../errors.ts'
import type { BundleRecord } from './bundle.ts'
import { notABundle } from './import-mail.ts'

const ofBundle: readonly string[] = ['bundleId', 'exportedAt', 'metadata']

/** What a bundle says of itself, at its beginning and at its end. */
export function createEnds(): {
  readonly see: (record: Extract<BundleRecord, { kind: 'bundle' }>, drafts: number) => void
  /** @throws {EverdraftError} VALIDATION_ERROR where lines are missing */
  readonly check: (drafts: number) => void
} {
  let isBegun = false
  let isEnded = false
  let isBundle = false
  let count: number | null = null
  return {
    see({ members, hasLists }, drafts) {
      if (!hasLists && !ofBundle.some((name) => name in members)) {
        if (!isBundle && drafts === 0) throw notABundle()
        throw validationError(`drafts[${drafts}]`, 'is neither a draft nor another part of a bundle')
      }
      isBundle = true
      if (!hasLists && 'bundleId' in members) isBegun = true
      const { metadata } = members
      if (typeof metadata !== 'object' || metadata === null) return
      isEnded = true
      const { count: said } = metadata as { readonly count?: unknown }
      if (said === undefined) return
      if (!Number.isInteger(said)) throw validationError('metadata.count', 'must be a whole number')
      count = said as number
    },
    check(drafts) {
      if (!isBundle && drafts === 0) throw notABundle()
      // Lines end anywhere: only the last one says that it is the last.
      if (isBegun && !isEnded) throw validationError('metadata', 'is missing: the bundle ends too early')
      if (count !== null && count !== drafts) {
        throw validationError('metadata.count', `says ${count}, and there are ${drafts} drafts`)
      }
    },
  }
}
