import type { Db } from './db.ts'

/** A value of the store itself, made at the first call. */
export async function metaValue(db: Db, key: 'device_id' | 'epoch', create: () => string): Promise<string> {
  const row = await db.selectFrom('meta').select('value').where('key', '=', key).executeTakeFirst()
  if (row !== undefined) return row.value
  const value = create()
  await db.insertInto('meta').values({ key, value }).execute()
  return value
}
