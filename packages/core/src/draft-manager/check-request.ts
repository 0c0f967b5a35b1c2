import { EverdraftError, type FieldError } from '../errors.ts'
import { type AccountId, type DeviceId, isUuid, type Umid } from '../ids.ts'
import { type ActionRow, draftManagerActions } from './actions.ts'
import type { DraftManagerRequest } from './envelope.ts'

/** Of a client that does not say who it is: two of them may be two. */
export const unnamedDevice: DeviceId = 'unknown' as DeviceId

/** The figures of the envelope: what a route shows of them and what is checked are the same. */
export const draftManagerLimits: Limits = {
  autoSaveInterval: { least: 1_000, most: 60_000 },
  /** Bytes. */
  maxDraftSize: { least: 1_048_576, default: 26_214_400, most: 2 ** 40 },
  /** Milliseconds. */
  maxRecoveryAge: { least: 1, default: 7 * 24 * 3_600_000, most: 3_650 * 24 * 3_600_000 },
  limit: { least: 1, default: 50, most: 500 },
  offset: { least: 0, default: 0, most: 999_999_999 },
  version: { least: 0, most: 999_999_999 },
  /** Epoch milliseconds, as far as ECMAScript's dates go. */
  time: { least: 0, most: 8_640_000_000_000_000 },
  deviceIdLength: 200,
}

interface Range {
  readonly least: number
  readonly most: number
}

interface Limits {
  readonly autoSaveInterval: Range
  readonly maxDraftSize: Range & { readonly default: number }
  readonly maxRecoveryAge: Range & { readonly default: number }
  readonly limit: Range & { readonly default: number }
  readonly offset: Range & { readonly default: number }
  readonly version: Range
  readonly time: Range
  readonly deviceIdLength: number
}

/** A request whose ids are ids, and whose figures are in range; defaults are filled in. */
export interface CheckedRequest extends Omit<DraftManagerRequest, 'accountId' | 'draftId' | 'deviceId'> {
  readonly accountId: AccountId
  /** Of the request or of its draft, which must not say two. */
  readonly draftId: Umid | null
  readonly deviceId: DeviceId
  readonly maxDraftSize: number
  readonly maxRecoveryAge: number
  readonly enableCompression: boolean
  readonly limit: number
  readonly offset: number
}

/** @throws {EverdraftError} VALIDATION_ERROR, which names all fields that are wrong */
export function checkRequest(request: DraftManagerRequest): CheckedRequest {
  const errors: FieldError[] = []
  const wrong = (path: string, message: string): void => void errors.push({ path, message })
  const uuid = (path: string, text: unknown): string => {
    const lower = typeof text === 'string' ? text.toLowerCase() : ''
    if (!isUuid(lower)) wrong(path, 'must be a UUID')
    return lower
  }
  const number = (path: string, value: unknown, range: Range): void => {
    if (value === undefined) return
    if (Number.isInteger(value) && (value as number) >= range.least && (value as number) <= range.most) return
    wrong(path, `must be a whole number from ${range.least} to ${range.most}`)
  }

  if (!Object.hasOwn(draftManagerActions, request.action)) {
    wrong('action', `must be one of ${Object.keys(draftManagerActions).join(', ')}`)
  }
  const accountId = uuid('accountId', request.accountId)
  const { draft, recoveryOptions = {} } = request
  const given = [
    ...(request.draftId === undefined ? [] : [uuid('draftId', request.draftId)]),
    ...(draft?.draftId === undefined ? [] : [uuid('draft.draftId', draft.draftId)]),
  ]
  if (new Set(given).size > 1) wrong('draft.draftId', 'must be the draftId of the request')
  if (draft?.accountId !== undefined && draft.accountId.toLowerCase() !== accountId) {
    wrong('draft.accountId', 'must be the accountId of the request')
  }
  const row: ActionRow | undefined = draftManagerActions[request.action]
  if (row?.draftId === 'required' && given.length === 0) wrong('draftId', 'is required')
  number('autoSaveInterval', request.autoSaveInterval, draftManagerLimits.autoSaveInterval)
  number('maxDraftSize', request.maxDraftSize, draftManagerLimits.maxDraftSize)
  number('recoveryOptions.maxRecoveryAge', recoveryOptions.maxRecoveryAge, draftManagerLimits.maxRecoveryAge)
  number('limit', request.limit, draftManagerLimits.limit)
  number('offset', request.offset, draftManagerLimits.offset)
  number('draft.version', draft?.version, draftManagerLimits.version)
  number('draft.lastSavedAt', draft?.lastSavedAt, draftManagerLimits.time)
  number('draft.lastModifiedAt', draft?.lastModifiedAt, draftManagerLimits.time)
  number('draft.scheduledSendTime', draft?.scheduledSendTime ?? undefined, draftManagerLimits.time)
  const deviceId = request.deviceId ?? unnamedDevice
  // oxlint-disable-next-line no-control-regex -- refusing control characters is the purpose
  if (!/^[^\u0000-\u001f\u007f-\u009f]+$/u.test(deviceId) || deviceId.length > draftManagerLimits.deviceIdLength) {
    wrong('deviceId', `must be 1 to ${draftManagerLimits.deviceIdLength} characters, none of them a control character`)
  }
  if (request.saveId !== undefined) uuid('saveId', request.saveId)
  for (const [index, id] of (request.unansweredSaveIds ?? []).entries()) uuid(`unansweredSaveIds[${index}]`, id)
  if (errors.length > 0) {
    const detail = errors.map(({ path, message }) => `${path}: ${message}`).join('; ')
    throw new EverdraftError('VALIDATION_ERROR', detail, { errors })
  }
  return {
    ...request,
    accountId: accountId as AccountId,
    draftId: (given[0] ?? null) as Umid | null,
    deviceId: deviceId as DeviceId,
    maxDraftSize: request.maxDraftSize ?? draftManagerLimits.maxDraftSize.default,
    maxRecoveryAge: recoveryOptions.maxRecoveryAge ?? draftManagerLimits.maxRecoveryAge.default,
    enableCompression: request.enableCompression ?? true,
    limit: request.limit ?? draftManagerLimits.limit.default,
    offset: request.offset ?? draftManagerLimits.offset.default,
  }
}
