import { ProblemError } from '../errors.ts'
import { mayPass } from '../idempotency.ts'

/** Whether saving again later may end otherwise: also with a daemon that cannot store for now. */
export function isPassing(error: unknown): boolean {
  const isLate = error instanceof DOMException && error.name === 'TimeoutError'
  return isLate || mayPass(error) || (error instanceof ProblemError && error.status >= 500)
}

/** The daemon has an older version than the one that was written upon. */
export function isAhead(error: unknown): boolean {
  return error instanceof ProblemError && error.errors.some(({ path }) => path === 'draft.version')
}

/** What was sent will never be stored as it is: the words are to be others. */
export function isUnfit(error: ProblemError): boolean {
  return error.status === 400 || error.status === 413 || error.status === 422
}
