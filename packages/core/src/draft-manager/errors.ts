import type { ErrorCode } from '../errors.ts'

export type DraftManagerErrorCode =
  | 'VALIDATION_ERROR'
  | 'UNAUTHORIZED'
  | 'STORAGE_ERROR'
  | 'CONFLICT_ERROR'
  | 'RECOVERY_ERROR'
  | 'DRAFT_MANAGER_ERROR'

/** One row for each code, from which the envelope, the route, docs/draft-manager.md and the tests are made. */
export interface ErrorRow {
  /** Of HTTP. */
  readonly httpStatus: number
  readonly when: string
  /** What the engine says of it. */
  readonly of: readonly Failure[]
}

/** What can go wrong, by the engine's own codes and the draft manager's. */
export type Failure = ErrorCode | 'NOTHING_TO_RECOVER'

export const draftManagerErrors: Readonly<Record<DraftManagerErrorCode, ErrorRow>> = {
  VALIDATION_ERROR: {
    httpStatus: 400,
    when: 'a field is missing, unknown or wrong, or the draft is larger than `maxDraftSize`',
    of: ['VALIDATION_ERROR', 'TOO_LARGE'],
  },
  UNAUTHORIZED: {
    httpStatus: 403,
    when: "another tenant's or user's account or draft, or one that is not there",
    of: ['UNAUTHORIZED', 'NOT_FOUND'],
  },
  CONFLICT_ERROR: {
    httpStatus: 409,
    when: 'both sides changed what cannot be merged; both are kept',
    of: ['CONFLICT', 'VERSION_MISMATCH'],
  },
  RECOVERY_ERROR: {
    httpStatus: 422,
    when: 'nothing is there to recover, or it is older than `maxRecoveryAge`',
    of: ['NOTHING_TO_RECOVER'],
  },
  STORAGE_ERROR: {
    httpStatus: 503,
    when: 'the disk or a quota refuses, or the store is closed',
    of: ['STORAGE_ERROR', 'STORAGE_IN_USE', 'STORAGE_TOO_NEW', 'SECRETS_LOCKED', 'CLOSED'],
  },
  DRAFT_MANAGER_ERROR: {
    httpStatus: 409,
    when: 'the draft is in the trash, in the outbox or sent, or whatever else stands against it',
    of: [
      'NOT_A_DRAFT',
      'NOT_DISCARDED',
      'APPROVAL_REQUIRED',
      'TOO_LATE',
      'UNSENDABLE',
      'NO_SUBMISSION',
      'UNSENT_DRAFTS',
      'IDEMPOTENCY_KEY_REUSED',
    ],
  },
}
