import type { SendJson } from '@everdraft/daemon'

import { oneLine } from './output.ts'

/** A send in one line: what it is, and why. */
export function sendLine({ id, status, error, next_attempt_at: next, held_until: heldUntil }: SendJson): string {
  const later = heldUntil === null ? '' : `, held by the server until ${heldUntil}`
  const when = status === 'queued' && next !== null ? `, next ${next}` : later
  return `send ${id} is ${status}${when}${error === null ? '' : ` (${errorText(error)})`}`
}

export function errorText(error: SendJson['error']): string {
  return error === null ? '–' : `${error.code}: ${oneLine(error.message, 100)}`
}
