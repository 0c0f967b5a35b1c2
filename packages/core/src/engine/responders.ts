import { validationError } from '../errors.ts'
import { type AccountId, toHex } from '../ids.ts'
import { checkFilters } from '../responder/mail-filters.ts'
import type { ResponderSettings, ResponderTarget } from '../responder/responder.ts'
import { getAccount } from '../storage/accounts.ts'
import { forgetSeenFolder } from '../storage/folders.ts'
import { endOpenInboxMarks, openInboxMarks } from '../storage/inbox-marks.ts'
import { deleteResponder, findResponder, setResponder } from '../storage/responders.ts'
import { setSecret } from '../storage/secrets.ts'
import { answerMail, lookIntoInbox } from '../tasks/steps/answer-mail.ts'
import type { FollowUp } from '../tasks/task.ts'
import type { AccountResponders, ResponderInput } from './api.ts'
import { checkedUrl } from './outside-url.ts'
import type { EngineParts } from './parts.ts'

/** What tells leaked secrets apart from other random text. */
const prefix = 'whsec_'
const secretBytes = 32

const defaultTimeoutMs = 30_000
const defaultHourlyLimit = 100
const longestScenario = 200

/** `stopListening`: nothing answers the account's new mail any more. */
export function createResponders(
  { store, queue, logIns, environment }: EngineParts,
  stopListening: (accountId: AccountId) => void,
): AccountResponders {
  return {
    async set(accountId, input) {
      const checked = checkedInput(input)
      const secret = `${prefix}${toHex(environment.random(secretBytes))}`
      const isSigned =
        checked.target.kind === 'url' && (await logIns.responderSecret(accountId).catch(() => '')) === null
      const sealed = isSigned ? await logIns.sealResponder(accountId, secret) : null
      const now = environment.now()
      const settings = await store.write(async (write): Promise<ResponderSettings> => {
        await getAccount(write.db, accountId)
        const before = await findResponder(write.db, accountId)
        const after = { ...checked, accountId, createdAt: before?.createdAt ?? now, updatedAt: now }
        await setResponder(write.db, after)
        if (sealed !== null) await setSecret(write.db, sealed)
        const open = await openInboxMarks(write.db, accountId, ['waiting', 'parked'])
        await queue.enqueue(write, [lookIntoInbox(accountId, 0), ...open.map((mark) => askAgain(accountId, mark))])
        write.emit({ type: 'account-changed', accountId })
        return after
      })
      queue.wake()
      return { settings, secret: sealed === null ? null : secret }
    },
    async get(accountId) {
      return await store.read(async (db) => {
        await getAccount(db, accountId)
        return await findResponder(db, accountId)
      })
    },
    async remove(accountId) {
      const at = environment.now()
      await store.write(async (write) => {
        const { db, emit } = write
        await deleteResponder(db, accountId)
        // Should there be one again, it answers what comes from then on.
        await forgetSeenFolder(db, accountId, 'responder')
        const open = await openInboxMarks(db, accountId, ['waiting', 'parked'])
        await endOpenInboxMarks(db, accountId, { code: 'NO_RESPONDER', message: 'the responder was removed', at })
        // Their rows of the queue end by that.
        await queue.enqueue(
          write,
          open.map((mark) => askAgain(accountId, mark)),
        )
        emit({ type: 'account-changed', accountId })
      })
      queue.wake()
      stopListening(accountId)
    },
  }
}

/** Also where it is parked. */
function askAgain(accountId: AccountId, mark: Parameters<typeof answerMail>[1]): FollowUp {
  return { ...answerMail(accountId, mark), join: 'sooner' }
}

/** @throws {EverdraftError} VALIDATION_ERROR naming the field */
function checkedInput(input: ResponderInput): Omit<ResponderSettings, 'accountId' | 'createdAt' | 'updatedAt'> {
  const { filters = {}, scenario = null } = input
  if (scenario !== null && (scenario === '' || scenario.length > longestScenario)) {
    throw validationError('scenario', `must have 1 to ${longestScenario} characters`)
  }
  return {
    target: checkedTarget(input),
    filters: checkFilters(filters),
    scenario,
    timeoutMs: within('timeout_seconds', input.timeoutMs ?? defaultTimeoutMs, 1_000, 600_000, 'must be 1 to 600'),
    cooldownMs: within('cooldown_seconds', input.cooldownMs ?? 0, 0, 2_592_000_000, 'must be 0 to 2592000'),
    hourlyLimit: within('hourly_limit', input.hourlyLimit ?? defaultHourlyLimit, 1, 10_000, 'must be 1 to 10000'),
  }
}

function checkedTarget({ url, module, allowPrivate = false }: ResponderInput): ResponderTarget {
  if (url !== undefined && module !== undefined) throw validationError('module', 'must not be there beside url')
  if (url !== undefined) return { kind: 'url', url: checkedUrl(url, allowPrivate), allowPrivate }
  if (module === undefined) throw validationError('url', 'must be there, or module')
  // A name of a file in the folder of an operator, and nothing that leads out of it.
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(module)) {
    throw validationError('module', 'must be a name: letters, digits, - and _')
  }
  return { kind: 'module', name: module }
}

function within(path: string, value: number, least: number, most: number, message: string): number {
  if (!Number.isInteger(value) || value < least || value > most) throw validationError(path, message)
  return value
}
