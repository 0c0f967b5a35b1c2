import type { BlobStore } from '../storage/blob-store.ts'
import { useBlobPlaces } from '../storage/blobs.ts'
import type { Finding } from '../storage/doctor.ts'
import { examine, rebuildSearch } from '../storage/doctor.ts'
import { knownMetaValue } from '../storage/meta.ts'
import type { Storage } from '../storage/storage.ts'
import { openStore } from '../storage/store.ts'
import { platformEnvironment, platformNow, platformSchedule } from './platform.ts'

export interface StoreReport {
  readonly findings: readonly Finding[]
  readonly drafts: number
  readonly accounts: number
}

/**
 * Examines a store that no engine has open, with the place of its attachments where it has one. With `repair` it puts right what can be without losing anything, and makes
 * the search index anew; what is left is in the findings as not repaired.
 * @throws {EverdraftError} STORAGE_IN_USE, STORAGE_TOO_NEW, STORAGE_ERROR
 */
export async function inspectStore(
  storage: Storage,
  options: { readonly repair?: boolean; readonly blobs?: BlobStore } = {},
): Promise<StoreReport> {
  const { store, open } = await openStore(storage, { now: platformNow, schedule: platformSchedule })
  try {
    const { createSha256 } = platformEnvironment(open.createSha256)
    const owner = await store.read((db) => knownMetaValue(db, 'device_id'))
    // A store without a device never had an engine, nor attachments.
    await useBlobPlaces(store, { given: options.blobs, own: open.attachments, owner })
    const damages = (await open.checkIntegrity?.()) ?? []
    const damaged = damages.map((message): Finding => ({ code: 'DAMAGED', message, draftId: null, repaired: false }))
    // A damaged database is not written to: first copy what can be read.
    const repair = options.repair === true && damaged.length === 0
    return await store.write(async ({ db }) => {
      const findings = [...damaged, ...(await examine(db, { repair, createSha256 }))]
      if (repair) await rebuildSearch(db)
      const count = (table: 'draft' | 'account'): Promise<{ total: number | string }> =>
        db
          .selectFrom(table)
          .select((all) => all.fn.countAll<number | string>().as('total'))
          .executeTakeFirstOrThrow()
      return {
        findings,
        drafts: Number((await count('draft')).total),
        accounts: Number((await count('account')).total),
      }
    })
  } finally {
    await store.close()
  }
}
