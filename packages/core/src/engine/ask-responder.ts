import type { Environment } from '../environment.ts'
import { EverdraftError } from '../errors.ts'
import type { AccountId } from '../ids.ts'
import type { ResponderRequest, ResponderSettings } from '../responder/responder.ts'
import type { AskResponder } from '../tasks/task.ts'
import { ResponderError, type Responders } from '../wire/responder.ts'

interface Parts {
  readonly responders: Responders
  readonly environment: Pick<Environment, 'schedule'>
  /** What signs the account's requests. @throws {EverdraftError} SECRETS_LOCKED, NOT_FOUND */
  readonly secret: (accountId: AccountId) => Promise<string>
}

/** Asks the module or the URL that the settings name, and waits no longer than they say. */
export function createAskResponder({ responders, environment, secret }: Parts): AskResponder {
  return async (settings, request, { deliveryId, signal }) => {
    const late = new AbortController()
    const cancel = environment.schedule(settings.timeoutMs, () => late.abort())
    const limit = AbortSignal.any([signal, late.signal])
    try {
      return await Promise.race([answerOf(settings, request, deliveryId, limit), rejection(limit)])
    } catch (error) {
      if (late.signal.aborted) {
        throw new ResponderError('TIMEOUT', `there was no answer within ${settings.timeoutMs / 1000} seconds`)
      }
      throw error
    } finally {
      cancel()
      // Who goes on all the same is not listened to.
      late.abort()
    }
  }

  async function answerOf(
    { target, accountId, timeoutMs }: ResponderSettings,
    request: ResponderRequest,
    deliveryId: string,
    signal: AbortSignal,
  ): Promise<unknown> {
    if (target.kind === 'url') {
      const { webhooks } = responders
      if (webhooks === undefined) throw new ResponderError('NOT_THERE', 'nothing here can ask a URL')
      const call = { target, request, secret: await openSecret(accountId), deliveryId }
      return await webhooks.ask(call, { signal, timeoutMs })
    }
    const modules = responders.modules ?? {}
    const responder = Object.hasOwn(modules, target.name) ? modules[target.name] : undefined
    if (responder === undefined) throw new ResponderError('NOT_THERE', `there is no responder ${target.name}`)
    try {
      return await responder(request, { signal })
    } catch (error) {
      // Its message may hold anything, also what a user wrote: only the kind is told.
      throw new ResponderError('THREW', `it threw ${error instanceof Error ? error.name : typeof error}`)
    }
  }

  async function openSecret(accountId: AccountId): Promise<string> {
    try {
      return await secret(accountId)
    } catch (error) {
      if (!(error instanceof EverdraftError) || error.code !== 'SECRETS_LOCKED') throw error
      throw new ResponderError('SECRETS_LOCKED', error.message)
    }
  }
}

async function rejection(signal: AbortSignal): Promise<never> {
  signal.throwIfAborted()
  const { promise, reject } = Promise.withResolvers<never>()
  signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  return await promise
}
