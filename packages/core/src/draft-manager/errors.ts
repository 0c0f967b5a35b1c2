import type { ErrorCode } from '../errors.ts'

export type DraftManagerErrorCode =
  | 'VALIDATION_ERROR'
  | 'UNAUTHORIZED'
  | 'STORAGE_ERROR'
  | 'CONFLICT_ERROR'
  | 'RECOVERY_ERROR'
  | 'DRAFT_MANAGER_ERROR'

/** One row for each code, from which the route, docs/draft-manager.md and the tests are made. */
export interface ErrorRow {
  /** Of HTTP. */
  readonly httpStatus: number
  readonly when: string
}

export const draftManagerErrors: Readonly<Record<DraftManagerErrorCode, ErrorRow>> = {
  VALIDATION_ERROR: {
    httpStatus: 400,
    when: 'a field is missing, unknown or wrong, or the draft is larger than `maxDraftSize`',
  },
  UNAUTHORIZED: {
    httpStatus: 403,
    when: "another tenant's or user's account or draft, or one that is not there; a token without the scope",
  },
  CONFLICT_ERROR: {
    httpStatus: 409,
    when: 'both sides changed what cannot be merged: both are kept; or somebody saved what was to be deleted',
  },
  RECOVERY_ERROR: {
    httpStatus: 422,
    when: 'nothing is there to recover, or it is older than `maxRecoveryAge`',
  },
  STORAGE_ERROR: {
    httpStatus: 503,
    when: 'the disk or a quota refuses, or the store is closed',
  },
  DRAFT_MANAGER_ERROR: {
    httpStatus: 409,
    when: 'the draft is in the trash, in the outbox or sent, or whatever else stands against it',
  },
}

/** What can go wrong, by the engine's own codes and the draft manager's. */
export type Failure = ErrorCode | 'NOTHING_TO_RECOVER'

export const draftManagerErrorOf: Readonly<Record<Failure, DraftManagerErrorCode>> = {
  VALIDATION_ERROR: 'VALIDATION_ERROR',
  TOO_LARGE: 'VALIDATION_ERROR',
  UNAUTHORIZED: 'UNAUTHORIZED',
  NOT_FOUND: 'UNAUTHORIZED',
  CONFLICT: 'CONFLICT_ERROR',
  VERSION_MISMATCH: 'CONFLICT_ERROR',
  NOTHING_TO_RECOVER: 'RECOVERY_ERROR',
  STORAGE_ERROR: 'STORAGE_ERROR',
  STORAGE_IN_USE: 'STORAGE_ERROR',
  STORAGE_TOO_NEW: 'STORAGE_ERROR',
  SECRETS_LOCKED: 'STORAGE_ERROR',
  CLOSED: 'STORAGE_ERROR',
  NOT_A_DRAFT: 'DRAFT_MANAGER_ERROR',
  NOT_DISCARDED: 'DRAFT_MANAGER_ERROR',
  APPROVAL_REQUIRED: 'DRAFT_MANAGER_ERROR',
  TOO_LATE: 'DRAFT_MANAGER_ERROR',
  IDEMPOTENCY_KEY_REUSED: 'DRAFT_MANAGER_ERROR',
  UNSENDABLE: 'DRAFT_MANAGER_ERROR',
  NO_SUBMISSION: 'DRAFT_MANAGER_ERROR',
  UNSENT_DRAFTS: 'DRAFT_MANAGER_ERROR',
  CANCELLED: 'DRAFT_MANAGER_ERROR',
}
