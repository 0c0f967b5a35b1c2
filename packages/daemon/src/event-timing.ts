/** Of the streams of events. */
export interface EventStreamTiming {
  /** From one sign of life to the next: less than proxies wait for one. */
  readonly heartbeatMs: number
  /** A client that takes nothing of what is ready for it, for so long, is cut; it resumes. */
  readonly stallMs: number
}

export const eventStreamTiming: EventStreamTiming = { heartbeatMs: 15_000, stallMs: 30_000 }
