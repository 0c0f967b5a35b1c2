import { EverdraftError, type FieldError } from '../errors.ts'
import type { ActionResult } from './action.ts'
import { type DraftManagerErrorCode, draftManagerErrorOf, type Failure } from './errors.ts'

/** What an action throws when it has more to say than an error of the engine. */
export class DraftManagerError extends Error {
  override readonly name = 'DraftManagerError'
  readonly code: Failure
  readonly errors: readonly FieldError[] = []
  /** Answered beside the error. */
  readonly output: ActionResult | null

  constructor(code: Failure, message: string, output: ActionResult | null = null) {
    super(message)
    this.code = code
    this.output = output
  }
}

export interface Failed {
  readonly errorCode: DraftManagerErrorCode
  readonly error: string
  readonly errors: readonly FieldError[]
  readonly output: ActionResult | null
}

/** Null: a bug, which is no answer. What is somebody else's and what is nobody's get the same one. */
export function failureOf(error: unknown): Failed | null {
  if (!(error instanceof EverdraftError) && !(error instanceof DraftManagerError)) return null
  const errorCode = draftManagerErrorOf[error.code]
  if (errorCode === 'UNAUTHORIZED') return { errorCode, error: 'Unauthorized', errors: [], output: null }
  const output = error instanceof DraftManagerError ? error.output : null
  return { errorCode, error: error.message, errors: error.errors, output }
}
