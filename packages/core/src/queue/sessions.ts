import type { Cancel, Connectivity, Environment } from '../environment.ts'
import { EverdraftError } from '../errors.ts'
import type { AccountId } from '../ids.ts'
import { setAccountError } from '../storage/accounts.ts'
import type { Store } from '../storage/store.ts'
import type { BackOff } from './backoff.ts'
import { createReach, type Reach } from './reach.ts'
import {
  type LoginSettings,
  type MailboxPort,
  type MailboxSession,
  type WireBytes,
  WireError,
} from '../wire/mailbox.ts'

export interface Sessions {
  /** The account's one connection, made where there is none; each needs its `release`. @throws {WireError} */
  get(accountId: AccountId): Promise<MailboxSession>
  /** Once nobody needs it, it is closed after a while. */
  release(accountId: AccountId): void
  /**
   * A connection beside that one, for as long as `use` lasts: somebody waits, and it may select other folders without
   * disturbing who works in the account's lane. @throws {WireError}
   */
  beside<Result>(accountId: AccountId, use: (session: MailboxSession) => Promise<Result>): Promise<Result>
  /** After a failed try to connect: when the next one is due. 0 where the last try went well. */
  retryAt(accountId: AccountId): number
  /** The user asks for it, or the settings changed: the next `get` tries at once. */
  allow(accountId: AccountId): void
  /** The network is back: every account may try at once. */
  allowAll(): void
  /** Over all connections of the account since the engine started. */
  bytes(accountId: AccountId): WireBytes
  /** At once: the next `get` connects afresh, with the settings of then. */
  drop(accountId: AccountId): Promise<void>
  close(): Promise<void>
}

interface Entry {
  session: MailboxSession | null
  connecting: Promise<MailboxSession> | null
  /** How many need the connection now. */
  users: number
  /** Of connections that have ended. */
  ended: WireBytes
  cancelIdle: Cancel | null
  readonly reach: Reach
}

export function createSessions(options: {
  readonly store: Store
  readonly mailbox: MailboxPort
  /** With the secrets, opened. */
  readonly settings: (accountId: AccountId) => Promise<LoginSettings>
  readonly environment: Environment
  readonly timeoutMs: number
  readonly idleMs: number
  readonly offlineBackOff: BackOff
  readonly connectivity: Connectivity | null
}): Sessions {
  const { store, environment } = options
  const entries = new Map<AccountId, Entry>()
  const ending = new AbortController()

  function entryOf(accountId: AccountId): Entry {
    const entry = entries.get(accountId) ?? {
      session: null,
      connecting: null,
      users: 0,
      ended: { sent: 0, received: 0 },
      cancelIdle: null,
      reach: createReach(options),
    }
    entries.set(accountId, entry)
    return entry
  }

  function forget(entry: Entry): MailboxSession | null {
    const { session } = entry
    entry.cancelIdle?.()
    entry.cancelIdle = null
    if (session === null) return null
    addBytes(entry, session)
    entry.session = null
    return session
  }

  function addBytes(entry: Entry, session: MailboxSession): void {
    const { sent, received } = session.bytes()
    entry.ended = { sent: entry.ended.sent + sent, received: entry.ended.received + received }
  }

  async function connect(accountId: AccountId, entry: Entry, as: 'shared' | 'beside'): Promise<MailboxSession> {
    try {
      const settings = await options.settings(accountId)
      const { timeoutMs } = options
      const session = await options.mailbox.connect(settings, { signal: ending.signal, timeoutMs })
      if (entries.get(accountId) !== entry) {
        // Nobody is left who would close it.
        await session.close()
        throw new WireError('ABORTED', 'the account was removed, or has other settings, since this began')
      }
      if (as === 'shared') entry.session = session
      entry.reach.reached()
      await store.write(({ db }) => setAccountError(db, accountId, null))
      return session
    } catch (error) {
      // A server that lets an account have only so many connections refuses one beside those that work: they go on.
      const isOneTooMany = as === 'beside' && entry.session?.alive === true && !isRefusedLogin(error)
      if (error instanceof WireError && error.code !== 'ABORTED' && !isOneTooMany) {
        const { code, message } = error
        entry.reach.failed(error)
        await store.write(({ db }) => setAccountError(db, accountId, { code, message, at: environment.now() }))
      }
      if (error instanceof EverdraftError && error.code === 'SECRETS_LOCKED') {
        const { code, message } = error
        await store.write(({ db }) => setAccountError(db, accountId, { code, message, at: environment.now() }))
      }
      throw error
    }
  }

  return {
    async get(accountId) {
      if (ending.signal.aborted) throw new EverdraftError('CLOSED', 'the engine is closed')
      const entry = entryOf(accountId)
      entry.cancelIdle?.()
      entry.cancelIdle = null
      if (entry.session?.alive) {
        entry.users += 1
        return entry.session
      }
      forget(entry)
      entry.reach.check()
      entry.connecting ??= connect(accountId, entry, 'shared').finally(() => {
        entry.connecting = null
      })
      const session = await entry.connecting
      entry.users += 1
      return session
    },
    release(accountId) {
      const entry = entries.get(accountId)
      if (entry === undefined) return
      entry.users -= 1
      if (entry.users > 0 || entry.session === null || entry.cancelIdle !== null) return
      entry.cancelIdle = environment.schedule(options.idleMs, () => {
        const session = forget(entry)
        // A LOGOUT that fails has ended the connection all the same.
        session?.close().catch(() => {})
      })
    },
    async beside(accountId, use) {
      if (ending.signal.aborted) throw new EverdraftError('CLOSED', 'the engine is closed')
      const entry = entryOf(accountId)
      entry.reach.check()
      const session = await connect(accountId, entry, 'beside')
      try {
        return await use(session)
      } finally {
        // A LOGOUT that fails has ended the connection all the same.
        await session.close().catch(() => {})
        addBytes(entry, session)
      }
    },
    retryAt: (accountId) => entryOf(accountId).reach.retryAt(),
    allow(accountId) {
      entryOf(accountId).reach.allow()
    },
    allowAll() {
      for (const { reach } of entries.values()) reach.allow()
    },
    bytes(accountId) {
      const entry = entryOf(accountId)
      const live = entry.session?.bytes() ?? { sent: 0, received: 0 }
      return { sent: entry.ended.sent + live.sent, received: entry.ended.received + live.received }
    },
    async drop(accountId) {
      const session = forget(entryOf(accountId))
      entries.delete(accountId)
      await session?.close()
    },
    async close() {
      const sessions = [...entries.values()].map(forget).filter((session) => session !== null)
      await Promise.allSettled(sessions.map((session) => session.close()))
      ending.abort()
    },
  }
}

/** Tried each minute it would lock the account. */
function isRefusedLogin(error: unknown): boolean {
  return error instanceof WireError && error.code === 'AUTH_FAILED'
}
