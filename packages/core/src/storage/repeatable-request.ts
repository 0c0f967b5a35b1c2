import { EverdraftError } from '../errors.ts'

/** What a caller may ask for twice, not knowing whether the first came through: the second is the same one. */
export interface RepeatableRequest {
  /** Where the key holds: one key may be used once in each. */
  readonly scope: string
  readonly key: string
  /** Of what is asked for: the same key for something else is a mistake. */
  readonly digest: string
}

/** How long a request is known. */
export const requestsKeptMs: number = 24 * 3_600_000

/** @throws {EverdraftError} IDEMPOTENCY_KEY_REUSED */
export function checkSameBody(
  known: Pick<RepeatableRequest, 'digest'>,
  asked: Pick<RepeatableRequest, 'digest'>,
): void {
  if (known.digest !== asked.digest) {
    throw new EverdraftError('IDEMPOTENCY_KEY_REUSED', 'Idempotency-Key: was used with another body')
  }
}
