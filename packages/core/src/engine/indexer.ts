import type { Cancel } from '../environment.ts'
import { getDraft } from '../storage/drafts.ts'
import { draftsToIndex, indexDraft } from '../storage/search.ts'
import type { EngineParts } from './parts.ts'

export interface Indexer {
  /** Something was saved, or came from the server: it is indexed soon. */
  wake(what: 'saved' | 'imported'): void
  /** When all that was saved before the call can be found. */
  caughtUp(): Promise<void>
}

/** Of calm: a burst of saves is indexed once. */
const pauseMs = 400
/** However many save, what was saved can be found after this. */
const longestPauseMs = 10_000
/** Thousands may come at once, and the index would take its share of every commit: it follows when they are here. */
const longestImportMs = 60_000
/** Drafts per transaction: a save never waits for more. */
const batch = 8

/** Keeps the full-text index up, behind the saves. */
export function createIndexer({
  store,
  environment,
  closing,
}: Pick<EngineParts, 'store' | 'environment' | 'closing'>): Indexer {
  let cancel: Cancel | null = null
  /** When it starts even where there is no calm. */
  let latestAt = 0
  let lastWokenAt = 0
  let running: Promise<void> | null = null

  async function run(): Promise<void> {
    for (;;) {
      if (closing.aborted) return
      const due = await store.read((db) => draftsToIndex(db, batch))
      if (due.length === 0) return
      await store.write(async ({ db }) => {
        for (const { id } of due) await indexDraft(db, await getDraft(db, id))
      })
    }
  }

  function start(): Promise<void> {
    running ??= run().finally(() => {
      running = null
    })
    return running
  }

  function startIn(delayMs: number): void {
    cancel = environment.schedule(delayMs, () => {
      cancel = null
      const calmAt = Math.min(lastWokenAt + pauseMs, latestAt)
      const now = environment.now()
      if (now < calmAt) startIn(calmAt - now)
      // A full disk, or the store was closed: the next save tries again.
      else start().catch(() => {})
    })
  }

  closing.addEventListener('abort', () => cancel?.())
  return {
    wake(what) {
      if (closing.aborted) return
      lastWokenAt = environment.now()
      const latest = lastWokenAt + (what === 'saved' ? longestPauseMs : longestImportMs)
      latestAt = cancel === null ? latest : Math.min(latestAt, latest)
      if (cancel === null) startIn(pauseMs)
    },
    async caughtUp() {
      await running
      await start()
    },
  }
}
