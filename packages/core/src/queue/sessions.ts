import type { Cancel, Environment } from '../environment.ts'
import { EverdraftError } from '../errors.ts'
import type { AccountId } from '../ids.ts'
import { imapSettings, setAccountError } from '../storage/accounts.ts'
import type { Store } from '../storage/store.ts'
import { type MailboxPort, type MailboxSession, type WireBytes, WireError } from '../wire/mailbox.ts'

export interface Sessions {
  /** The account's one connection, made where there is none. @throws {WireError} */
  get(accountId: AccountId): Promise<MailboxSession>
  /** Not needed for now: it is closed after a while. */
  release(accountId: AccountId): void
  /** Over all connections of the account since the engine started. */
  bytes(accountId: AccountId): WireBytes
  /** At once: the next `get` connects afresh, with the settings of then. */
  drop(accountId: AccountId): Promise<void>
  close(): Promise<void>
}

interface Entry {
  session: MailboxSession | null
  connecting: Promise<MailboxSession> | null
  /** Of connections that have ended. */
  ended: WireBytes
  cancelIdle: Cancel | null
}

export function createSessions(options: {
  readonly store: Store
  readonly mailbox: MailboxPort
  readonly environment: Environment
  readonly timeoutMs: number
  readonly idleMs: number
}): Sessions {
  const { store, environment } = options
  const entries = new Map<AccountId, Entry>()
  const ending = new AbortController()

  function entryOf(accountId: AccountId): Entry {
    const entry = entries.get(accountId) ?? {
      session: null,
      connecting: null,
      ended: { sent: 0, received: 0 },
      cancelIdle: null,
    }
    entries.set(accountId, entry)
    return entry
  }

  function forget(entry: Entry): MailboxSession | null {
    const { session } = entry
    entry.cancelIdle?.()
    entry.cancelIdle = null
    if (session === null) return null
    const { sent, received } = session.bytes()
    entry.ended = { sent: entry.ended.sent + sent, received: entry.ended.received + received }
    entry.session = null
    return session
  }

  async function connect(accountId: AccountId, entry: Entry): Promise<MailboxSession> {
    const settings = await store.read((db) => imapSettings(db, accountId))
    try {
      const { timeoutMs } = options
      entry.session = await options.mailbox.connect(settings, { signal: ending.signal, timeoutMs })
      await store.write(({ db }) => setAccountError(db, accountId, null))
      return entry.session
    } catch (error) {
      if (error instanceof WireError && error.code !== 'ABORTED') {
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
      if (entry.session?.alive) return entry.session
      forget(entry)
      entry.connecting ??= connect(accountId, entry).finally(() => {
        entry.connecting = null
      })
      return await entry.connecting
    },
    release(accountId) {
      const entry = entryOf(accountId)
      if (entry.session === null || entry.cancelIdle !== null) return
      entry.cancelIdle = environment.schedule(options.idleMs, () => {
        const session = forget(entry)
        // A LOGOUT that fails has ended the connection all the same.
        session?.close().catch(() => {})
      })
    },
    bytes(accountId) {
      const entry = entryOf(accountId)
      const live = entry.session?.bytes() ?? { sent: 0, received: 0 }
      return { sent: entry.ended.sent + live.sent, received: entry.ended.received + live.received }
    },
    async drop(accountId) {
      await forget(entryOf(accountId))?.close()
    },
    async close() {
      const sessions = [...entries.values()].map(forget).filter((session) => session !== null)
      await Promise.allSettled(sessions.map((session) => session.close()))
      ending.abort()
    },
  }
}
