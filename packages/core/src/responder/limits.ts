import type { ResponderSettings } from './responder.ts'

/** What has to be known before a responder is asked about a mail. Times in epoch milliseconds. */
export interface AskingFacts {
  /** When a draft of ours in this conversation was sent last; null: none was. */
  readonly lastSentAt: number | null
  /** When the drafts of the last hour were made, ascending. */
  readonly draftedAt: readonly number[]
  /** Programs do not send by themselves. */
  readonly draftOnly: boolean
  readonly now: number
}

export type MayAsk =
  | { readonly kind: 'ask' }
  /** The conversation was answered just now. */
  | { readonly kind: 'skip' }
  | { readonly kind: 'wait'; readonly untilMs: number }

export const hourMs = 3_600_000

/** Two programs that answer each other do so once in that time at most (RFC 3834 §2). */
const shortestCooldownMs = 5 * 60_000

export function mayAsk(
  { cooldownMs, hourlyLimit }: Pick<ResponderSettings, 'cooldownMs' | 'hourlyLimit'>,
  { lastSentAt, draftedAt, draftOnly, now }: AskingFacts,
): MayAsk {
  const coolMs = draftOnly ? cooldownMs : Math.max(cooldownMs, shortestCooldownMs)
  if (lastSentAt !== null && now - lastSentAt < coolMs) return { kind: 'skip' }
  const lately = draftedAt.filter((at) => now - at < hourMs)
  const first = lately.at(-hourlyLimit)
  return first === undefined ? { kind: 'ask' } : { kind: 'wait', untilMs: first + hourMs }
}
