import type { FutureReleaseLimits } from '../wire/submission.ts'

export type HoldPlan =
  /** `until`: the server holds it that long (HOLDUNTIL); null: at once. In milliseconds. */
  | { readonly kind: 'go'; readonly until: number | null }
  /** It is held here until then: the server would not hold it that long, or holds nothing. */
  | { readonly kind: 'wait'; readonly until: number }

/** The clocks of a server and of this device are not the same. */
const marginMs = 60_000

/** Who holds a mail until its hour (RFC 4865 §4): the server as soon as its limits allow. `sendAt` null: nobody. */
export function holdPlan(sendAt: number | null, limits: FutureReleaseLimits | null, now: number): HoldPlan {
  if (sendAt === null || sendAt <= now) return { kind: 'go', until: null }
  if (limits === null) return { kind: 'wait', until: sendAt }
  const earliest = sendAt - limits.longestSeconds * 1_000 + marginMs
  // Most servers name as the latest time what the longest interval leads to: it comes nearer.
  if (earliest > now) return { kind: 'wait', until: Math.min(sendAt, earliest) }
  if (limits.latest !== null && limits.latest < sendAt) return { kind: 'wait', until: sendAt }
  // HOLDUNTIL knows whole seconds, and never sooner than asked for.
  return { kind: 'go', until: Math.ceil(sendAt / 1_000) * 1_000 }
}
