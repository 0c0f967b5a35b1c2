import type { Random } from '../environment.ts'

const minuteMs = 60_000

/** Waits after the first, second, … refusal for now. Greylisting asks for some minutes; after that there is no hurry. */
const waitsMs: readonly number[] = [1, 5, 15, 30, 60, 120, 240].map((minutes) => minutes * minuteMs)

/** When to try again after the `losses`-th connection in a row that was lost before the dot, in milliseconds since the epoch. */
export function lostRetryAt(
  { losses, now }: { readonly losses: number; readonly now: number },
  random: Random,
): number {
  const ceilingMs = Math.min(minuteMs, 1_000 * 2 ** Math.min(losses - 1, 10))
  const [lot = 0] = random(1)
  return now + Math.ceil((ceilingMs / 2) * (1 + lot / 255))
}

/** RFC 5321 §4.5.4.1: 4 to 5 days. */
export const giveUpAfterMs: number = 5 * 24 * 60 * minuteMs

/**
 * When to try again what a server refused for now, in milliseconds since the epoch; null: it was tried for long enough. Unlike
 * `backOffMs` it never tries again at once: a server that greylists counts from the first attempt, and too early is too early.
 */
export function nextRetryAt(
  { failures, firstTriedAt, now }: { readonly failures: number; readonly firstTriedAt: number; readonly now: number },
  random: Random,
): number | null {
  if (now - firstTriedAt >= giveUpAfterMs) return null
  const waitMs = waitsMs[Math.min(failures, waitsMs.length) - 1] ?? minuteMs
  const [lot = 0] = random(1)
  // A fifth more at most, so that many mails do not knock together.
  return now + waitMs + Math.floor((lot / 255) * (waitMs / 5))
}
