import type { Dice } from './dice.ts'

/** The only clock of a simulated world, and all that is still to happen in it. */
export interface Scheduler {
  now(): number
  schedule(delayMs: number, label: string, action: () => void): () => void
  /** Lets one event happen, and all that follows from it without waiting. False: nothing is left to happen. */
  step(): Promise<boolean>
}

interface Event {
  readonly dueMs: number
  readonly label: string
  readonly action: () => void
}

/**
 * Time moves only when nothing is due; among what is due the dice choose, as threads and networks keep no order.
 *
 * A step ends when every microtask has run. To know that, one real `setImmediate` is awaited: Node empties the microtask
 * queue before it goes to the next phase of its loop, however long the chains of promises are, whereas a number of
 * `await Promise.resolve()` would be a guess. It is deterministic because nothing in this world waits for anything real:
 * whatever else runs in the process cannot reach it.
 */
export function createScheduler(options: {
  readonly startMs: number
  readonly dice: Dice
  readonly onEvent: (label: string) => void
}): Scheduler {
  let nowMs = options.startMs
  const events = new Set<Event>()
  return {
    now: () => nowMs,
    schedule(delayMs, label, action) {
      const event = { dueMs: nowMs + Math.max(0, delayMs), label, action }
      events.add(event)
      return () => void events.delete(event)
    },
    async step() {
      if (events.size === 0) return false
      nowMs = Math.max(nowMs, Math.min(...[...events].map((event) => event.dueMs)))
      const due = [...events].filter((event) => event.dueMs <= nowMs)
      const event = options.dice.pick(due)
      events.delete(event)
      options.onEvent(event.label)
      event.action()
      await allMicrotasks()
      return true
    },
  }
}

export function allMicrotasks(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
