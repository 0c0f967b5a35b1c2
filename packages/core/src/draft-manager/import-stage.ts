import type { EngineParts } from '../engine/parts.ts'
import { uuidv7 } from '../ids.ts'
import type { Db } from '../storage/db.ts'
import { dropStaged, stagedEntries, stageEntry } from '../storage/staged-imports.ts'
import type { ImportedDraft } from './import-entry.ts'

/** The drafts of a bundle between its reading and its taking: few in memory, many in the store, where nobody sees them. */
export interface ImportStage {
  readonly count: number
  /** `bytes`: about what it takes in memory. */
  add(entry: ImportedDraft, bytes: number): Promise<void>
  /** In their order, within the transaction that takes them in. */
  all(db: Db): AsyncIterable<ImportedDraft>
  drop(): Promise<void>
}

/** As much stays in memory: a bundle of some hundred drafts is written once. */
const heldBytes = 1024 * 1024
/** Of more, so much at once: what is in memory for long is what memory grows by. */
const batchBytes = 128 * 1024
const pageEntries = 8
/** More at once would keep others waiting, too. */
const droppedEntries = 500
/** So often the log is emptied: all at once, by the store itself, it would keep everybody waiting. */
const batchesPerCheckpoint = 8

export function createImportStage({ store, environment }: EngineParts): ImportStage {
  const importId = uuidv7(environment.now(), environment.random)
  let held: ImportedDraft[] = []
  let size = 0
  let stored = 0
  let batches = 0

  async function spill(): Promise<void> {
    const at = environment.now()
    const entries = held.map((entry, index) => ({ importId, seq: stored + index, entry: JSON.stringify(entry), at }))
    await store.write(async ({ db }) => {
      for (const entry of entries) await stageEntry(db, entry)
    })
    stored += held.length
    held = []
    size = 0
    batches += 1
    if (batches % batchesPerCheckpoint === 0) await store.checkpoint()
  }

  return {
    get count() {
      return stored + held.length
    },
    async add(entry, bytes) {
      held.push(entry)
      size += bytes
      if (size > (stored === 0 ? heldBytes : batchBytes)) await spill()
    },
    async *all(db) {
      for (let seq = 0; seq < stored;) {
        const page = await stagedEntries(db, importId, seq, pageEntries)
        if (page.length === 0) throw new TypeError('staged drafts went while they were taken in')
        for (const entry of page) yield JSON.parse(entry) as ImportedDraft
        seq += page.length
      }
      yield* held
    },
    async drop() {
      for (let seq = 0; seq < stored;) {
        seq += droppedEntries
        const before = seq
        await store.write(({ db }) => dropStaged(db, importId, before))
      }
    },
  }
}
