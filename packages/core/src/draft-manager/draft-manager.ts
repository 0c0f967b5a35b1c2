import type { Drafts } from '../engine/api.ts'
import type { EngineParts } from '../engine/parts.ts'
import { EverdraftError } from '../errors.ts'
import { getAccount } from '../storage/accounts.ts'
import type { ActionHandler } from './action.ts'
import type { DraftManagerAction } from './actions.ts'
import { checkRequest } from './check-request.ts'
import type { DraftManager, DraftManagerOptions, DraftManagerOutput, DraftManagerRequest } from './envelope.ts'
import { DraftManagerError, failureOf } from './failure.ts'

const handlers: Readonly<Partial<Record<DraftManagerAction, ActionHandler>>> = {}

export function createDraftManager(parts: EngineParts, drafts: Drafts): DraftManager {
  const { environment, store } = parts

  async function perform(
    request: DraftManagerRequest,
    { owner, signal }: DraftManagerOptions,
    startedAt: number,
  ): Promise<DraftManagerOutput> {
    const checked = checkRequest(request)
    const account = await store.read((db) => getAccount(db, checked.accountId))
    if (owner !== undefined && !isSame(owner, account.owner)) throw unauthorized()
    const { tenantId = account.owner.tenantId, userId = account.owner.userId } = request.draft ?? {}
    if (!isSame({ tenantId, userId }, account.owner)) throw unauthorized()
    const handle = handlers[checked.action]
    if (handle === undefined) throw new DraftManagerError('VALIDATION_ERROR', 'action: is not known here')
    const {
      stats,
      conflictDetected = false,
      ...rest
    } = await handle({ parts, drafts, account, signal: signal ?? null }, checked)
    return {
      actionPerformed: checked.action,
      ...rest,
      conflictDetected,
      stats: { operationDuration: environment.now() - startedAt, ...stats },
    }
  }

  return async (request, options = {}) => {
    const startedAt = environment.now()
    const timing = (): { readonly timestamp: number; readonly duration: number } => {
      const timestamp = environment.now()
      return { timestamp, duration: timestamp - startedAt }
    }
    try {
      const output = await perform(request, options, startedAt)
      return { status: 'success', output, ...timing() }
    } catch (error) {
      const failed = failureOf(error)
      if (failed === null) throw error
      const { errorCode, errors, output } = failed
      return {
        status: 'error',
        error: failed.error,
        errorCode,
        ...(errors.length === 0 ? {} : { errors }),
        ...(output === null ? {} : { output }),
        ...timing(),
      }
    }
  }
}

function isSame(
  one: { readonly tenantId: string; readonly userId: string },
  other: { readonly tenantId: string; readonly userId: string },
): boolean {
  return one.tenantId === other.tenantId && one.userId === other.userId
}

function unauthorized(): EverdraftError {
  return new EverdraftError('UNAUTHORIZED', 'this account is not yours')
}
