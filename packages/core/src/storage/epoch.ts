import { knownMetaValue, setMetaValue } from './meta.ts'
import type { EpochFile } from './storage.ts'
import type { Store } from './store.ts'

/**
 * Whether the store was put back from a backup: its epoch is not the one that stands beside it. A store that never had one is new.
 * @throws {EverdraftError} STORAGE_ERROR
 */
export async function wasRestored(store: Store, file: EpochFile): Promise<boolean> {
  const here = await store.read((db) => knownMetaValue(db, 'epoch'))
  const beside = await file.read()
  return here === null ? beside !== null : !lines(beside).includes(here)
}

/**
 * Begins another epoch: every copy that was made of the database until now is a backup from then on. At any instant in between the
 * store is what it is.
 * @throws {EverdraftError} STORAGE_ERROR
 */
export async function renewEpoch(store: Store, file: EpochFile, next: string): Promise<void> {
  const here = await store.read((db) => knownMetaValue(db, 'epoch'))
  await file.write(here === null ? next : `${here}\n${next}`)
  await store.write(({ db }) => setMetaValue(db, 'epoch', next))
  await file.write(next)
}

function lines(text: string | null): readonly string[] {
  return (text ?? '').split('\n').map((line) => line.trim())
}
