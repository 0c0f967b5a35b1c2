import type { EngineParts } from '../engine/parts.ts'
import type { AccountId, Sha256 } from '../ids.ts'
import { getAccount, touchAccount } from '../storage/accounts.ts'
import type { FollowUp } from '../tasks/task.ts'
import { checkSignal } from './export-records.ts'
import { takeDraft, type TakenDraft } from './import-draft.ts'
import type { ImportedDraft } from './import-entry.ts'
import type { StagedFile } from './import-files.ts'
import type { ImportOptions } from './import-options.ts'
import type { ImportedItem } from './import-outcome.ts'
import type { Reading } from './import-source.ts'
import type { ImportStage } from './import-stage.ts'

interface TakeAll {
  readonly accountId: AccountId
  readonly now: number
  readonly stage: ImportStage
  readonly staged: ReadonlyMap<Sha256, StagedFile>
  readonly used: Set<Sha256>
  readonly reading: Reading
  readonly options: ImportOptions
  readonly onTaken: (entry: ImportedDraft, item: ImportedItem) => void
}

/** So long timers and the network wait at most. */
const longestRunMs = 10

/** One transaction for all of them. */
export async function takeAll(parts: EngineParts, all: TakeAll): Promise<readonly ImportedItem[]> {
  const { store, queue, environment } = parts
  const { accountId, now, stage, staged, options } = all
  const { items, firstDue, used } = await store.write(async (write) => {
    await getAccount(write.db, accountId)
    // Anew each time: the transaction may be tried again.
    const usedNow = new Set<Sha256>()
    const { uploadDelay, device } = parts
    const context = { write, environment, now, device, uploadDelay }
    const strategy = options.onConflict ?? 'merge'
    const taken: ImportedItem[] = []
    let first: FollowUp | null = null
    let runBegan = environment.now()
    for await (const entry of stage.all(write.db)) {
      checkSignal(options.signal)
      const one = await takeDraft(context, entry, { accountId, strategy, files: staged, used: usedNow })
      await queue.enqueue(write, one.followUps)
      first ??= one.followUps[0] ?? null
      const item = itemOf(one)
      taken.push(item)
      all.onTaken(entry, item)
      if (environment.now() - runBegan < longestRunMs) continue
      tellStored(all, taken.length)
      await new Promise<void>((resolve) => void environment.schedule(0, resolve))
      runBegan = environment.now()
    }
    await touchAccount(write.db, accountId, now)
    checkSignal(options.signal)
    return { items: taken, firstDue: first, used: usedNow }
  })
  for (const sha256 of used) all.used.add(sha256)
  // All wait for the same time.
  if (firstDue !== null) queue.wakeFor([firstDue])
  tellStored(all, items.length)
  return items
}

function itemOf({ outcome, draftId, version, conflictId }: TakenDraft): ImportedItem {
  return { outcome, draftId, version, conflictId }
}

function tellStored({ reading, stage, options }: TakeAll, draftsDone: number): void {
  const { bytesRead } = reading.progress()
  options.onProgress?.({ phase: 'storing', draftsDone, drafts: stage.count, bytesRead })
}
