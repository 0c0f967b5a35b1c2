import type { DeviceId, Umid, Version } from '../ids.ts'
import type { Db } from './db.ts'

/** A composer has the draft open until `expiresAt`; renewing keeps the version at which it was opened. */
export async function renewLease(
  db: Db,
  lease: { readonly draftId: Umid; readonly device: DeviceId; readonly version: Version; readonly expiresAt: number },
): Promise<void> {
  const { draftId, device, version, expiresAt } = lease
  await db
    .insertInto('lease')
    .values({ draft_id: draftId, device, base_version: version, expires_at: expiresAt })
    .onConflict((conflict) => conflict.columns(['draft_id', 'device']).doUpdateSet({ expires_at: expiresAt }))
    .execute()
}

export async function endLease(db: Db, draftId: Umid, device: DeviceId): Promise<void> {
  await db.deleteFrom('lease').where('draft_id', '=', draftId).where('device', '=', device).execute()
}

export async function dropExpiredLeases(db: Db, now: number): Promise<void> {
  await db.deleteFrom('lease').where('expires_at', '<', now).execute()
}

export async function isOpenInComposer(db: Db, draftId: Umid, now: number): Promise<boolean> {
  const row = await db
    .selectFrom('lease')
    .select('device')
    .where('draft_id', '=', draftId)
    .where('expires_at', '>=', now)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** The version at which this device's composer opened the draft; null where it has none open. */
export async function composerBase(db: Db, draftId: Umid, device: DeviceId, now: number): Promise<Version | null> {
  const row = await db
    .selectFrom('lease')
    .select('base_version')
    .where('draft_id', '=', draftId)
    .where('device', '=', device)
    .where('expires_at', '>=', now)
    .executeTakeFirst()
  return (row?.base_version ?? null) as Version | null
}
