import type { Db } from './db.ts'
import { prepared } from './prepared.ts'

type MetaKey = 'device_id' | 'epoch'

/** A value of the store itself, made at the first call. */
export async function metaValue(db: Db, key: MetaKey, create: () => string): Promise<string> {
  const known = await knownMetaValue(db, key)
  if (known !== null) return known
  const value = create()
  await db.insertInto('meta').values({ key, value }).execute()
  return value
}

export async function setMetaValue(db: Db, key: MetaKey, value: string): Promise<void> {
  const row = { key, value }
  await db
    .insertInto('meta')
    .values(row)
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
    .execute()
}

export async function knownMetaValue(db: Db, key: MetaKey): Promise<string | null> {
  const [row] = await metaRow(db, { key })
  return row?.value ?? null
}

const metaRow = prepared((db, input: { readonly key: MetaKey }) =>
  db.selectFrom('meta').select('value').where('key', '=', input.key),
)
