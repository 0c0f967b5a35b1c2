import type { Cancel, Connectivity, Environment } from '../environment.ts'
import { EverdraftError } from '../errors.ts'
import type { AccountId } from '../ids.ts'
import { type LoginSettings, WireError } from '../wire/mailbox.ts'
import type { SubmissionPort, SubmissionSession } from '../wire/submission.ts'
import type { BackOff } from './backoff.ts'
import { createReach, type Reach } from './reach.ts'

/** The connections to the servers that take mail: one for each account that sends, kept for a while for the next mail. */
export interface Submissions {
  /** Made where there is none; each needs its `release`. @throws {WireError} */
  get(accountId: AccountId): Promise<SubmissionSession>
  release(accountId: AccountId): void
  /** After a failed try to connect: when the next one is due. 0 where the last try went well. */
  retryAt(accountId: AccountId): number
  allow(accountId: AccountId): void
  allowAll(): void
  /** The settings changed: the next `get` connects anew and at once. Who transmits now goes on to the end. */
  renew(accountId: AccountId): void
  drop(accountId: AccountId): Promise<void>
  close(): Promise<void>
}

interface Entry {
  session: SubmissionSession | null
  /** It was made with settings that are not those of now. */
  isOutdated: boolean
  cancelIdle: Cancel | null
  readonly reach: Reach
}

export function createSubmissions(options: {
  /** Null: this engine sends nothing. */
  readonly port: SubmissionPort | null
  /** With the secrets, opened; null: the account has no server to send by. */
  readonly settings: (accountId: AccountId) => Promise<LoginSettings | null>
  readonly environment: Environment
  readonly timeoutMs: number
  readonly idleMs: number
  readonly offlineBackOff: BackOff
  readonly connectivity: Connectivity | null
}): Submissions {
  const { environment, port } = options
  const entries = new Map<AccountId, Entry>()
  const ending = new AbortController()

  function entryOf(accountId: AccountId): Entry {
    const entry = entries.get(accountId) ?? {
      session: null,
      isOutdated: false,
      cancelIdle: null,
      reach: createReach(options),
    }
    entries.set(accountId, entry)
    return entry
  }

  function take(entry: Entry): SubmissionSession | null {
    const { session } = entry
    entry.cancelIdle?.()
    entry.cancelIdle = null
    entry.session = null
    return session
  }

  async function connect(accountId: AccountId, entry: Entry): Promise<SubmissionSession> {
    if (port === null) throw new WireError('REFUSED', 'this engine was given no way to send')
    entry.reach.check()
    const settings = await options.settings(accountId)
    if (settings === null)
      throw new EverdraftError('NO_SUBMISSION', 'the account has no SMTP settings: smtp is missing')
    try {
      const session = await port.connect(settings, { signal: ending.signal, timeoutMs: options.timeoutMs })
      if (entries.get(accountId) !== entry) {
        // Nobody is left who would close it.
        await session.close()
        throw new WireError('ABORTED', 'the account was removed since this began')
      }
      entry.session = session
      entry.reach.reached()
      return session
    } catch (error) {
      if (error instanceof WireError && error.code !== 'ABORTED') entry.reach.failed(error)
      throw error
    }
  }

  return {
    async get(accountId) {
      if (ending.signal.aborted) throw new EverdraftError('CLOSED', 'the engine is closed')
      const entry = entryOf(accountId)
      entry.cancelIdle?.()
      entry.cancelIdle = null
      // The lane runs one task at a time: nobody else has it now.
      if (entry.session?.alive && !entry.isOutdated) return entry.session
      // A QUIT that fails has ended the connection all the same.
      take(entry)
        ?.close()
        .catch(() => {})
      entry.isOutdated = false
      return await connect(accountId, entry)
    },
    release(accountId) {
      const entry = entries.get(accountId)
      if (entry === undefined || entry.session === null || entry.cancelIdle !== null) return
      entry.cancelIdle = environment.schedule(options.idleMs, () => {
        // A QUIT that fails has ended the connection all the same.
        take(entry)
          ?.close()
          .catch(() => {})
      })
    },
    retryAt: (accountId) => entryOf(accountId).reach.retryAt(),
    allow(accountId) {
      entryOf(accountId).reach.allow()
    },
    allowAll() {
      for (const { reach } of entries.values()) reach.allow()
    },
    renew(accountId) {
      const entry = entryOf(accountId)
      entry.isOutdated = true
      entry.reach.reached()
    },
    async drop(accountId) {
      const session = take(entryOf(accountId))
      entries.delete(accountId)
      await session?.close()
    },
    async close() {
      const sessions = [...entries.values()].map(take).filter((session) => session !== null)
      await Promise.allSettled(sessions.map((session) => session.close()))
      ending.abort()
    },
  }
}
