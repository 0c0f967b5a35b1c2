import type { SendJson } from '@everdraft/daemon'

import { oneLine } from './output.ts'

/** A send in one line: what it is, and why. */
export function sendLine({ id, status, error, next_attempt_at: next }: SendJson): string {
  const when = status === 'queued' && next !== null ? `, next ${next}` : ''
  return `send ${id} is ${status}${when}${error === null ? '' : ` (${errorText(error)})`}`
}

export function errorText(error: SendJson['error']): string {
  return error === null ? '–' : `${error.code}: ${oneLine(error.message, 100)}`
}
