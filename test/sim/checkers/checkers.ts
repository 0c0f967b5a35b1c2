import type { World } from '../world/world.ts'
import type { Checker } from './checker.ts'
import { comesToRest } from './comes-to-rest.ts'
import { everyRevisionIsHeld } from './every-revision-is-held.ts'
import { expungeHasAReceipt } from './expunge-has-a-receipt.ts'
import { neverZeroCopies } from './never-zero-copies.ts'
import { noAttemptIsGivenUpTooSoon } from './no-attempt-is-given-up-too-soon.ts'
import { nothingDangles } from './nothing-dangles.ts'
import { oneCopyAtRest } from './one-copy-at-rest.ts'
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
    ].map((create) => create(world)),
    atRest: [oneCopyAtRest, comesToRest].map((create) => create(world)),
  }
}

export function complaintsOf(checkers: readonly Checker[]): readonly string[] {
  return checkers.flatMap((checker) =>
    checker.check().map((complaint) => `invariant ${checker.invariant}: ${complaint}`),
  )
}
