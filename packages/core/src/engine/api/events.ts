import type { AccountId, EventCursor } from '../../ids.ts'
import type { EventPage, EventScope } from '../../storage/events.ts'

export interface EventFilter {
  readonly accountId?: AccountId
  /** What came after it is told first; of one that this store has not come to (a backup was put back), what comes from now on. */
  readonly after?: EventCursor
}

export interface Events {
  /**
   * What came after the cursor for that owner, oldest first; `after` null: the end of the log, to go on from. One that
   * goes on at each page's `next` hears of every event, and of none twice. Events are kept for 30 days.
   */
  page(scope: EventScope, options: { readonly after: EventCursor | null; readonly limit?: number }): Promise<EventPage>
}
