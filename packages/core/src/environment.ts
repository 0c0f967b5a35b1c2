/** `length` unpredictable bytes. The simulator gives seeded ones. */
export type Random = (length: number) => Uint8Array

/** Ends what it was given for; calling it twice is harmless. */
export type Cancel = () => void

/** Incremental and synchronous, as Web Crypto's digest is neither. */
export interface Hasher {
  update(bytes: Uint8Array): void
  /** Lower-case hexadecimal; the hasher is spent afterwards. */
  digest(): string
}

/**
 * All that the engine takes from the platform. Nothing in the core reads a clock, a random source or a timer by
 * itself, so that a printed seed replays a run.
 */
export interface Environment {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly random: Random
  /** Runs `action` once after `delayMs`. */
  readonly schedule: (delayMs: number, action: () => void) => Cancel
  /** A fresh SHA-256. */
  readonly createSha256: () => Hasher
}

/**
 * Whether the device has a network, where the platform says so. Without this port it is learnt from failures to
 * connect, with back-off.
 */
export interface Connectivity {
  readonly isOnline: () => boolean
  /** Calls `changed` at each change. Returns the function that ends it. */
  readonly subscribe: (changed: () => void) => Cancel
}
