import type { World } from '../world/world.ts'

/** Watches one invariant of the design in one world. Complaints are empty while it holds. */
export interface Checker {
  readonly invariant: string
  check(): readonly string[]
}

export type CreateChecker = (world: World) => Checker
