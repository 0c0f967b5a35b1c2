import { ConnectionError, ProblemError } from './errors.ts'
import { delayAfter, isAborted, pause } from './pause.ts'

/** A fresh `Idempotency-Key`: a UUID (RFC 9562 §5.4), which attachments need; also on pages without TLS, where `crypto.randomUUID` is missing. */
export function createIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

export interface RepeatOptions {
  /** Default: a fresh one. To go on after a restart of the own program: the one that was used then. */
  readonly key?: string
  /** How often it is asked at most. Default 5. */
  readonly attempts?: number
  /** Before the second attempt; it doubles, up to 30 s, unless the daemon says how long. Default 500. */
  readonly delayMs?: number
  readonly signal?: AbortSignal
}

/**
 * Asks until there is an answer, under one key: however often a connection is lost, it is done once.
 *
 * Asked again is after a lost connection, while the first request with the key is being carried out (`IN_FLIGHT`), and
 * after 429 and 502 to 504. Any other answer is one.
 */
export async function idempotently<Result>(
  work: (key: string) => Promise<Result>,
  { key = createIdempotencyKey(), attempts = 5, delayMs = 500, signal }: RepeatOptions = {},
): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work(key)
    } catch (error) {
      if (attempt >= attempts || isAborted(signal) || !mayPass(error)) throw error
      await pause(waitOf(error) ?? delayAfter(attempt, delayMs), signal)
      // Called off meanwhile: what it failed by is what the caller hears.
      if (isAborted(signal)) throw error
    }
  }
}

/** Whether asking again may end otherwise. */
export function mayPass(error: unknown): boolean {
  if (error instanceof ConnectionError) return true
  return error instanceof ProblemError && (error.code === 'IN_FLIGHT' || [429, 502, 503, 504].includes(error.status))
}

/** How long the daemon asks to wait; null where it does not say. */
export function waitOf(error: unknown): number | null {
  return error instanceof ProblemError ? error.retryAfterMs : null
}
