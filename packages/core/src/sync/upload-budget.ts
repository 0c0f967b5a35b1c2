/**
 * When an upload may start that nobody waits for. The draft is safe on this device, so the bytes of a large message are not
 * worth sending at every pause of somebody who writes on: the more it costs, the longer the pause must be.
 */
export interface BudgetQuestion {
  /** Message bytes that would cross the wire. */
  readonly bytesToSend: number
  /** When the draft was saved last. */
  readonly savedAt: number
  /** Since when the server has not had what is here. */
  readonly staleSince: number
}

/** Costs no more than the commands around it: the debounce is enough. */
const cheapBytes = 128 * 1024

/** What a pause earns. */
const bytesPerQuietMs = 80

const longestQuietMs = 5 * 60_000

/** However much it costs and however long somebody writes: once in this time it is brought to the server. */
const longestStaleMs = 20 * 60_000

export function uploadDueAt({ bytesToSend, savedAt, staleSince }: BudgetQuestion): number {
  if (bytesToSend <= cheapBytes) return savedAt
  const quietMs = Math.min(longestQuietMs, Math.ceil(bytesToSend / bytesPerQuietMs))
  return Math.min(savedAt + quietMs, Math.max(savedAt, staleSince + longestStaleMs))
}
