import type { Environment } from '../environment.ts'
import type { AccountId, FolderPath } from '../ids.ts'
import type { MailboxSession } from '../wire/mailbox.ts'
import { type BackOff, backOffMs } from './backoff.ts'
import type { Sessions } from './sessions.ts'

/**
 * Listens to the folders of accounts over the one connection that each has, and says when something happened there. It
 * keeps that connection open, and makes it anew where it ends.
 */
export interface Watcher {
  /** From now on, where it does not listen already. */
  watch(accountId: AccountId): void
  /** The account is gone, or has other settings: `watch` listens anew. */
  drop(accountId: AccountId): void
  close(): Promise<void>
}

export interface WatcherOptions {
  readonly sessions: Sessions
  /** `shared`: the account's one connection, on which others work, too; `own`: one for this alone. */
  readonly connection: 'shared' | 'own'
  readonly environment: Environment
  readonly backOff: BackOff
  /** How often to ask where a server does not push. */
  readonly pollMs: number
  folders(session: MailboxSession): Promise<readonly FolderPath[]>
  /** Nobody waits for what happens in the others: without NOTIFY, or beside IDLE in the first, they are only asked about. */
  readonly firstOfAll: boolean
  /** What was heard may be our own doing. */
  onChange(accountId: AccountId, path: FolderPath): void
}

interface Watch {
  readonly ending: AbortController
  readonly done: Promise<void>
}

export function createWatcher(options: WatcherOptions): Watcher {
  const { sessions, environment } = options
  const watches = new Map<AccountId, Watch>()
  let closed = false

  async function run(accountId: AccountId, signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted;) {
      try {
        const heard = await listen(accountId, signal)
        failures = heard ? 0 : failures + 1
      } catch {
        // Why it cannot be reached is the account's last error; whatever it is, it is tried again.
        failures += 1
      }
      if (signal.aborted) return
      const backOff = 1 + backOffMs(Math.max(1, failures), options.backOff, environment.random)
      await pause(Math.max(backOff, sessions.retryAt(accountId) - environment.now()), signal)
    }
  }

  /** Until the connection ends. False: there is no folder to listen to. */
  async function listen(accountId: AccountId, signal: AbortSignal): Promise<boolean> {
    if (options.connection === 'own') {
      return await sessions.beside(accountId, (session) => listenOn(accountId, session, signal))
    }
    const session = await sessions.get(accountId)
    try {
      return await listenOn(accountId, session, signal)
    } finally {
      sessions.release(accountId)
    }
  }

  async function listenOn(accountId: AccountId, session: MailboxSession, signal: AbortSignal): Promise<boolean> {
    const paths = await options.folders(session)
    if (paths.length === 0) return false
    const { pollMs, firstOfAll } = options
    const onChange = (path: FolderPath): void => options.onChange(accountId, path)
    await session.watch(paths, { signal, pollMs, firstOfAll, onChange })
    return true
  }

  async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
    const over = Promise.withResolvers<void>()
    const end = (): void => over.resolve()
    const cancel = environment.schedule(delayMs, end)
    signal.addEventListener('abort', end, { once: true })
    await over.promise
    cancel()
    signal.removeEventListener('abort', end)
  }

  return {
    watch(accountId) {
      if (closed || watches.has(accountId)) return
      const ending = new AbortController()
      watches.set(accountId, { ending, done: run(accountId, ending.signal) })
    },
    drop(accountId) {
      watches.get(accountId)?.ending.abort()
      watches.delete(accountId)
    },
    async close() {
      closed = true
      const all = [...watches.values()]
      for (const { ending } of all) ending.abort()
      await Promise.allSettled(all.map(({ done }) => done))
    },
  }
}
