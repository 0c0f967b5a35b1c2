import type { AccountId, ConflictId, DeviceId, Umid } from '../ids.ts'
import { type Conflict, endConflict, listConflicts } from '../storage/conflicts.ts'
import type { Db } from '../storage/db.ts'
import type { StoredDraft } from '../storage/drafts.ts'
import type { Write } from '../storage/store.ts'

/** Those that wait for a decision, newest first. */
export async function openConflicts(db: Db, draftId: Umid): Promise<readonly Conflict[]> {
  return (await listConflicts(db, draftId)).filter(({ resolvedAt }) => resolvedAt === null)
}

/** What the device has written since has the words of these in it. Their texts stay in the record. */
export async function endOpenConflicts(
  { db, emit }: Write,
  device: {
    readonly accountId: AccountId
    readonly draftId: Umid
    readonly device: DeviceId
    /** This one waits on; null: none does. */
    readonly but: ConflictId | null
    readonly now: number
  },
): Promise<void> {
  const { accountId, draftId, now } = device
  const own = (await openConflicts(db, draftId)).filter((one) => one.device === device.device && one.id !== device.but)
  await endAll({ db, emit }, { accountId, id: draftId }, own, now)
}

/** The same of those that are named, as what was saved since names the saves that raised them. */
export async function endConflicts(
  write: Write,
  draft: Pick<StoredDraft, 'id' | 'accountId'>,
  ids: readonly (ConflictId | null)[],
  now: number,
): Promise<void> {
  if (ids.length === 0) return
  const named = (await openConflicts(write.db, draft.id)).filter(({ id }) => ids.includes(id))
  await endAll(write, draft, named, now)
}

async function endAll(
  { db, emit }: Write,
  { id: draftId, accountId }: Pick<StoredDraft, 'id' | 'accountId'>,
  conflicts: readonly Conflict[],
  now: number,
): Promise<void> {
  for (const { id: conflictId } of conflicts) {
    await endConflict(db, conflictId, 'superseded', now)
    emit({ type: 'conflict-resolved', accountId, draftId, conflictId })
  }
}
