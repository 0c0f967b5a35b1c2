import type { Engine, EventCursor, EventPage, EventScope, Owner, ToldEvent } from '@everdraft/core'

/** The engine's log of events, read by many at once: clients' streams and webhooks. */
export interface EventLog {
  /** After the cursor; null: from now on. Whoever is at the same place shares one read. */
  page(scope: EventScope, after: EventCursor | null): Promise<EventPage>
  /**
   * Resolves when there may be more for that owner after the cursor, when `signal` is aborted, or after `longestMs`. It never
   * misses one; that it calls for nothing is possible.
   */
  changed(
    owner: Owner,
    after: EventCursor,
    wait: { readonly signal: AbortSignal; readonly longestMs: number },
  ): Promise<void>
  /** Hears of nothing any more. */
  close(): void
}

/** As many as are held in memory for one reader. */
const eventsPerPage = 200

export function createEventLog(engine: Engine): EventLog {
  const reads = new Map<string, Promise<EventPage>>()
  const waiting = new Map<string, Set<(nothing?: unknown) => void>>()
  /** Accounts do not change hands. */
  const owners = new Map<string, string>()
  let newest = 0 as EventCursor

  function wake(owner: string): void {
    for (const resolve of waiting.get(owner) ?? []) resolve()
  }

  async function wakeOwnerOf(event: ToldEvent): Promise<void> {
    if ('owner' in event) {
      if (event.accountId !== null) owners.delete(event.accountId)
      return wake(keyOf(event.owner))
    }
    const { accountId } = event
    let owner = owners.get(accountId)
    if (owner === undefined) {
      owner = keyOf((await engine.accounts.get(accountId)).owner)
      owners.set(accountId, owner)
    }
    wake(owner)
  }

  const end = engine.subscribe({}, (event) => {
    newest = event.cursor
    wakeOwnerOf(event).catch(() => {
      // The account is gone, or the store does not answer: each looks for itself.
      for (const owner of waiting.keys()) wake(owner)
    })
  })

  return {
    async page(scope, after) {
      const key = JSON.stringify([keyOf(scope.owner), scope.accountId, after])
      const known = reads.get(key)
      if (known !== undefined) return await known
      const read = engine.events.page(scope, { after, limit: eventsPerPage })
      reads.set(key, read)
      try {
        return await read
      } finally {
        reads.delete(key)
      }
    },
    async changed(owner, after, { signal, longestMs }) {
      // What was heard before there was anybody waiting is not told again.
      if (signal.aborted || newest > after) return
      const key = keyOf(owner)
      const { promise, resolve } = Promise.withResolvers<unknown>()
      const others = waiting.get(key) ?? new Set()
      waiting.set(key, others.add(resolve))
      const timer = setTimeout(resolve, longestMs)
      signal.addEventListener('abort', resolve)
      try {
        await promise
      } finally {
        clearTimeout(timer)
        signal.removeEventListener('abort', resolve)
        others.delete(resolve)
        if (others.size === 0 && waiting.get(key) === others) waiting.delete(key)
      }
    },
    close: end,
  }
}

function keyOf({ tenantId, userId }: Owner): string {
  return JSON.stringify([tenantId, userId])
}
