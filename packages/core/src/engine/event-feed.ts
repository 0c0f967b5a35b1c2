import type { Environment } from '../environment.ts'
import type { ToldEvent } from '../events.ts'
import type { EventCursor } from '../ids.ts'
import { eventPage, eventsAfter, newestCursor } from '../storage/events.ts'
import type { Store } from '../storage/store.ts'
import type { EventFilter, Events } from './api.ts'
import { checkPage } from './paging.ts'

interface EventFeed {
  readonly subscribe: (filter: EventFilter, hear: (event: ToldEvent) => void) => () => void
  readonly page: Events['page']
}

const page = 500

/** Hands committed events to subscribers: the log since a cursor first, then what happens, without a gap or a double. */
export function createEventFeed(store: Store, { schedule }: Pick<Environment, 'schedule'>): EventFeed {
  const live = new Set<(event: ToldEvent) => void>()
  store.onEvents((events) => {
    for (const event of events) for (const hear of live) hear(event)
  })

  return {
    async page(scope, { after, ...asked }) {
      const { limit } = checkPage(asked)
      return await store.read((db) => eventPage(db, scope, { after, limit }))
    },
    subscribe({ accountId, after }, hear) {
      let ended = false
      let told = after ?? (0 as EventCursor)
      // What happens while the log is read waits here.
      let held: ToldEvent[] | null = after === undefined ? null : []

      function tell(event: ToldEvent): void {
        if (ended || (accountId !== undefined && event.accountId !== accountId)) return
        if (after !== undefined && event.cursor <= told) return
        told = event.cursor
        try {
          hear(event)
        } catch (error) {
          // A bug of the listener is thrown where the platform reports what nobody catches: it stops no save, and no
          // other listener.
          schedule(0, () => {
            throw error
          })
        }
      }

      function hearLive(event: ToldEvent): void {
        if (held === null) tell(event)
        else held.push(event)
      }

      async function replay(): Promise<void> {
        // Beyond the end where a backup was put back: what comes now would be taken for told.
        told = Math.min(told, await store.read(newestCursor)) as EventCursor
        for (;;) {
          const from = told
          const events = await store.read((db) => eventsAfter(db, from, accountId ?? null, page))
          for (const event of events) tell(event)
          if (ended || events.length < page) break
        }
        const waiting = held ?? []
        held = null
        for (const event of waiting) tell(event)
      }

      live.add(hearLive)
      // The store is closed: then nothing is told any more.
      if (after !== undefined) replay().catch(() => live.delete(hearLive))
      return () => {
        ended = true
        live.delete(hearLive)
      }
    },
  }
}
