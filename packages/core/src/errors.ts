import type { ConflictId } from './ids.ts'

/** What every error of the engine carries; `toJSON` never holds a secret or a user's text. */
export class EverdraftError extends Error {
  override readonly name: string = 'EverdraftError'
  /** Stable, for programs: it never changes once released. */
  readonly code: ErrorCode
  /** For validation: which fields are wrong, and why. */
  readonly errors: readonly FieldError[]
  /** With CONFLICT: under which both sides are kept. */
  readonly conflictId: ConflictId | null

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; errors?: readonly FieldError[]; conflictId?: ConflictId } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.errors = options.errors ?? []
    this.conflictId = options.conflictId ?? null
  }

  toJSON(): { code: ErrorCode; message: string; errors: readonly FieldError[]; conflictId: ConflictId | null } {
    return { code: this.code, message: this.message, errors: this.errors, conflictId: this.conflictId }
  }
}

export interface FieldError {
  /** `to[0].address`, with the public spelling of the field. */
  readonly path: string
  readonly message: string
}

export type ErrorCode =
  | 'VALIDATION_ERROR'
  | 'UNAUTHORIZED'
  | 'NOT_FOUND'
  | 'NOT_A_DRAFT'
  /** The draft is to be reviewed, and nobody has approved it as it is now. */
  | 'APPROVAL_REQUIRED'
  | 'NOT_DISCARDED'
  /** What was to be undone, retried or resolved has gone too far for it. */
  | 'TOO_LATE'
  /** The key of a request that may come twice was used for another one. */
  | 'IDEMPOTENCY_KEY_REUSED'
  /** What stands against sending; `errors` names each path. */
  | 'UNSENDABLE'
  /** The account has no server to send by. */
  | 'NO_SUBMISSION'
  | 'VERSION_MISMATCH'
  /** Both texts are kept, under `conflictId`. */
  | 'CONFLICT'
  | 'TOO_LARGE'
  | 'UNSENT_DRAFTS'
  /** The file was written by a newer everdraft, is in use, or is damaged: the message says which. */
  | 'STORAGE_ERROR'
  | 'STORAGE_IN_USE'
  | 'STORAGE_TOO_NEW'
  /** The key that a password was sealed by is missing, or another one: the message names where it should be. */
  | 'SECRETS_LOCKED'
  | 'CLOSED'
  /** Whoever asked for it has called it off: nothing of it was done. */
  | 'CANCELLED'

export function validationError(path: string, message: string): EverdraftError {
  return new EverdraftError('VALIDATION_ERROR', `${path}: ${message}`, { errors: [{ path, message }] })
}
