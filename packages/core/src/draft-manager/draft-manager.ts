import type { EngineParts } from '../engine/parts.ts'
import { EverdraftError } from '../errors.ts'
import { getAccount } from '../storage/accounts.ts'
import type { ActionHandler, ActionResult } from './action.ts'
import type { DraftManagerAction } from './actions.ts'
import { checkRequest } from './check-request.ts'
import type { DraftManager, DraftManagerOptions, DraftManagerOutput, DraftManagerRequest } from './envelope.ts'
import { autoSave } from './auto-save.ts'
import { deleteDraft } from './delete.ts'
import { exportDrafts } from './export-action.ts'
import { failureOf } from './failure.ts'
import { getDraft } from './get.ts'
import { importDrafts } from './import-action.ts'
import { listDrafts } from './list.ts'
import { recover } from './recover.ts'

const handlers: Readonly<Record<DraftManagerAction, ActionHandler>> = {
  'auto-save': autoSave,
  recover,
  delete: deleteDraft,
  export: exportDrafts,
  import: importDrafts,
  list: listDrafts,
  get: getDraft,
}

export function createDraftManager(parts: EngineParts): DraftManager {
  const { environment, store } = parts

  async function perform(request: DraftManagerRequest, options: DraftManagerOptions): Promise<ActionResult> {
    const { owner, by = 'user', signal = null } = options
    const checked = checkRequest(request)
    const account = await store.read((db) => getAccount(db, checked.accountId))
    if (owner !== undefined && !isSame(owner, account.owner)) throw unauthorized()
    const { tenantId = account.owner.tenantId, userId = account.owner.userId } = request.draft ?? {}
    if (!isSame({ tenantId, userId }, account.owner)) throw unauthorized()
    return await handlers[checked.action]({ parts, account, by, signal }, checked)
  }

  return async (request, options = {}) => {
    const startedAt = environment.now()
    const timing = (): { readonly timestamp: number; readonly duration: number } => {
      const timestamp = environment.now()
      return { timestamp, duration: timestamp - startedAt }
    }
    const output = ({ stats, conflictDetected = false, ...result }: ActionResult): DraftManagerOutput => ({
      actionPerformed: request.action,
      ...result,
      conflictDetected,
      stats: { operationDuration: environment.now() - startedAt, ...stats },
    })
    try {
      return { status: 'success', output: output(await perform(request, options)), ...timing() }
    } catch (error) {
      const failed = failureOf(error)
      if (failed === null) throw error
      const { errorCode, errors } = failed
      return {
        status: 'error',
        error: failed.error,
        errorCode,
        ...(errors.length === 0 ? {} : { errors }),
        ...(failed.output === null ? {} : { output: output(failed.output) }),
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
