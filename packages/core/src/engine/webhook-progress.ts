import type { Random } from '../environment.ts'
import { type BackOff, backOffMs } from '../queue/backoff.ts'
import type { WebhookDelivery, WebhookProgress } from '../storage/webhooks.ts'

/** What is done about receivers that do not take what they are given. */
export interface WebhookPolicy {
  readonly backOff: BackOff
  /** One that has taken nothing for so long is given up. */
  readonly disableAfterMs: number
}

/** The receiver says that it is gone for good (RFC 9110 §15.5.11). */
const gone = 410

/** How far a webhook is after an attempt. A ping goes beside the queue: it takes nothing away, and can only make good. */
export function progressAfter(
  before: WebhookProgress,
  { cursor, status, error }: Pick<WebhookDelivery, 'cursor' | 'status' | 'error'>,
  { now, random, policy }: { readonly now: number; readonly random: Random; readonly policy: WebhookPolicy },
): WebhookProgress {
  if (error === null) {
    const healthy = { failures: 0, failingSince: null, nextAttemptAt: null, disabledAt: null }
    return { cursor: cursor ?? before.cursor, ...healthy }
  }
  if (cursor === null) return before
  const failures = before.failures + 1
  const nextAttemptAt = now + backOffMs(failures, policy.backOff, random)
  // That our own key is missing says nothing of the receiver.
  if (error === 'SECRETS_LOCKED') return { ...before, failures, nextAttemptAt }
  const failingSince = before.failingSince ?? now
  const isGivenUp = status === gone || now - failingSince >= policy.disableAfterMs
  return isGivenUp
    ? { ...before, failures, failingSince, nextAttemptAt: null, disabledAt: now }
    : { ...before, failures, failingSince, nextAttemptAt }
}

/** From where it goes on after a change by hand. What it failed with elsewhere, or before somebody put it right, does not count. */
export function progressFrom(
  before: WebhookProgress,
  change: { readonly isElsewhere: boolean; readonly isEnabled: boolean | null; readonly now: number },
): WebhookProgress {
  const { isElsewhere, isEnabled, now } = change
  const healthy = { cursor: before.cursor, failures: 0, failingSince: null, nextAttemptAt: null }
  if (isEnabled === true) return { ...healthy, disabledAt: null }
  if (isEnabled === false) return { ...before, nextAttemptAt: null, disabledAt: before.disabledAt ?? now }
  return isElsewhere ? { ...healthy, disabledAt: before.disabledAt } : before
}
