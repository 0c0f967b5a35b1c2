import { validationError } from '../errors.ts'
import type { PageRequest } from './api.ts'

/** @throws {EverdraftError} VALIDATION_ERROR */
export function checkPage({ limit = 50, offset = 0 }: PageRequest): {
  readonly limit: number
  readonly offset: number
} {
  if (!Number.isInteger(limit) || limit < 1 || limit > 500) throw validationError('limit', 'must be 1 to 500')
  if (!Number.isInteger(offset) || offset < 0) throw validationError('offset', 'must be 0 or more')
  return { limit, offset }
}
