import type { World } from '../world/world.ts'
import { bouncesAreTold } from './bounces-are-told.ts'
import type { Checker } from './checker.ts'
import { comesToRest } from './comes-to-rest.ts'
import { draftsWaitForFiling } from './drafts-wait-for-filing.ts'
import { everyConsentExplainsItself } from './every-consent-explains-itself.ts'
import { everyRevisionIsHeld } from './every-revision-is-held.ts'
import { expungeHasAReceipt } from './expunge-has-a-receipt.ts'
import { importsAreOfOthers } from './imports-are-of-others.ts'
import { neverZeroCopies } from './never-zero-copies.ts'
import { noAttemptIsGivenUpTooSoon } from './no-attempt-is-given-up-too-soon.ts'
import { noConsentIsLost } from './no-consent-is-lost.ts'
import { nothingDangles } from './nothing-dangles.ts'
import { nothingGoesFromSent } from './nothing-goes-from-sent.ts'
import { oneCopyAtRest } from './one-copy-at-rest.ts'
import { oneCopyInSent } from './one-copy-in-sent.ts'
import { oneDeliveryPerConsent } from './one-delivery-per-consent.ts'
import { wireWithinBudget } from './wire-within-budget.ts'
import { workHasAMarker } from './work-has-a-marker.ts'

export interface Checkers {
  readonly always: readonly Checker[]
  readonly atRest: readonly Checker[]
}

export function createCheckers(world: World): Checkers {
  return {
    always: [
      everyRevisionIsHeld,
      expungeHasAReceipt,
      neverZeroCopies,
      nothingDangles,
      noAttemptIsGivenUpTooSoon,
      workHasAMarker,
      oneDeliveryPerConsent,
      noConsentIsLost,
      nothingGoesFromSent,
      draftsWaitForFiling,
      importsAreOfOthers,
    ].map((create) => create(world)),
    atRest: [
      oneCopyAtRest,
      comesToRest,
      oneCopyInSent,
      everyConsentExplainsItself,
      bouncesAreTold,
      wireWithinBudget,
    ].map((create) => create(world)),
  }
}

export function complaintsOf(checkers: readonly Checker[]): readonly string[] {
  return checkers.flatMap((checker) =>
    checker.check().map((complaint) => `invariant ${checker.invariant}: ${complaint}`),
  )
}
