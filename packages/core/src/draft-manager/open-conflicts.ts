import type { AccountId, ConflictId, DeviceId, Umid } from '../ids.ts'
import { type Conflict, endConflict, listConflicts } from '../storage/conflicts.ts'
import type { Db } from '../storage/db.ts'
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
  for (const conflict of await openConflicts(db, draftId)) {
    if (conflict.device !== device.device || conflict.id === device.but) continue
    await endConflict(db, conflict.id, 'superseded', now)
    emit({ type: 'conflict-resolved', accountId, draftId, conflictId: conflict.id })
  }
}
