import type { Kysely } from 'kysely'

import type { Schema } from './schema.ts'
import type { Db } from './db.ts'

/**
 * Which SQL a database speaks where the two differ and Kysely does not bridge it: the making of tables, BEGIN, full text,
 * looking into JSON. All else is one code.
 */
export type Family = 'sqlite' | 'postgres'

/** By Kysely's adapter: that is one object for a database and all its transactions. */
const families = new WeakMap<object, Family>()

export function declareFamily(db: Kysely<Schema>, family: Family): void {
  families.set(db.getExecutor().adapter, family)
}

export function familyOf(db: Db): Family {
  const family = families.get(db.getExecutor().adapter)
  if (family === undefined) throw new Error('the family of this database was not declared')
  return family
}

/** Takes the database's write lock at once where there is one, so that nothing that was read has changed at COMMIT. */
export const beginWrite: { readonly [family in Family]: string } = { sqlite: 'begin immediate', postgres: 'begin' }
