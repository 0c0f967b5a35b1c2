import type { Cancel } from '../environment.ts'
import type { Umid } from '../ids.ts'
import type { Db } from '../storage/db.ts'
import { getDraft } from '../storage/drafts.ts'
import { isDamage } from '../storage/recent-saves.ts'
import { draftsToIndex, indexDraft, leaveUnindexed } from '../storage/search.ts'
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
/** A batch takes less; only a clock that was set jumps further. */
const longestRestMs = 200

/** Keeps the full-text index up, behind the saves. */
export function createIndexer({
  store,
  environment,
  closing,
}: Pick<EngineParts, 'store' | 'environment' | 'closing'>): Indexer {
  let cancel: Cancel | null = null
  /** When it goes on even where there is no calm; null: all is indexed. */
  let latestAt: number | null = null
  let lastWokenAt = 0
  let running: Promise<void> | null = null
  /** Somebody waits for it, and lets it rest no more. */
  let isHurried = false

  async function run(): Promise<void> {
    for (;;) {
      const began = environment.now()
      const end = await pass()
      if (end === 'nothing-due') latestAt = null
      if (end !== 'all-indexed') return
      // What is due by now was saved since: else one who saves all the time would have it indexed all the time.
      if (latestAt !== null) latestAt = began + longestPauseMs
      if (!isHurried && giveWay(environment.now())) return
    }
  }

  /** Each draft once, by id. */
  async function pass(): Promise<'nothing-due' | 'all-indexed' | 'given-way'> {
    let after: Umid | null = null
    while (!closing.aborted) {
      const due = await dueAfter(after)
      const last = due.at(-1)
      if (last === undefined) return after === null ? 'nothing-due' : 'all-indexed'
      after = last
      const began = environment.now()
      await store.write(async ({ db }) => {
        for (const id of due) await indexOne(db, id)
      })
      if (isHurried) continue
      const now = environment.now()
      if (giveWay(now)) return 'given-way'
      if (lastWokenAt + pauseMs > now) await rest(now - began)
    }
    return 'given-way'
  }

  function dueAfter(id: Umid | null): Promise<readonly Umid[]> {
    return store.read((db) => draftsToIndex(db, { after: id, limit: batch }))
  }

  /** Whoever saves goes first: else each save would wait for a batch, and a new connection for many. */
  function giveWay(now: number): boolean {
    const isCalm = calmAt() <= now
    if (!isCalm && cancel === null) startIn(calmAt() - now)
    return !isCalm
  }

  /** Saves go on, and it is late all the same: they have every other moment. */
  async function rest(batchMs: number): Promise<void> {
    const restMs = Math.min(Math.max(batchMs, 0), longestRestMs)
    if (restMs > 0) await new Promise<void>((resolve) => void environment.schedule(restMs, resolve))
  }

  function calmAt(): number {
    return Math.min(lastWokenAt + pauseMs, latestAt ?? lastWokenAt)
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
      const now = environment.now()
      if (now < calmAt()) startIn(calmAt() - now)
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
      latestAt = Math.min(latestAt ?? latest, latest)
      if (cancel === null) startIn(pauseMs)
    },
    async caughtUp() {
      isHurried = true
      try {
        await running
        await start()
      } finally {
        isHurried = false
      }
    },
  }
}

async function indexOne(db: Db, id: Umid): Promise<void> {
  try {
    await indexDraft(db, await getDraft(db, id))
  } catch (error) {
    if (!isDamage(error)) throw error
    await leaveUnindexed(db, id)
  }
}
