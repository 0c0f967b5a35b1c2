import type { CompiledQuery, Kysely } from 'kysely'

import type { Db } from './db.ts'
import type { Schema } from './schema.ts'
import type { OpenStorage } from './storage.ts'

type Answer = NonNullable<OpenStorage['answer']>

/** By Kysely's adapter: that is one object for a database and all its transactions. */
const answers = new WeakMap<object, Answer>()

export function declareDirect(db: Kysely<Schema>, answer: Answer | undefined): void {
  if (answer !== undefined) answers.set(db.getExecutor().adapter, answer)
}

/**
 * Past Kysely where the database answers at once, else through it. `db` holds the connection: it came from a write or a
 * read of the store.
 */
export async function answerTo<Row>(
  db: Db,
  query: CompiledQuery<Row>,
  parameters: readonly unknown[] = query.parameters,
): Promise<readonly Row[]> {
  const direct = answers.get(db.getExecutor().adapter)
  if (direct !== undefined) return direct(query.sql, parameters) as readonly Row[]
  return (await db.executeQuery<Row>({ ...query, parameters })).rows
}
