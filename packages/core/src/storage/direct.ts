import type { CompiledQuery, Kysely } from 'kysely'

import type { Db } from './db.ts'
import type { Schema } from './schema.ts'
import type { Changed, OpenStorage } from './storage.ts'

type Answer = NonNullable<OpenStorage['answer']>

/** By Kysely's adapter: that is one object for a database and all its transactions. */
const answers = new WeakMap<object, Answer>()

export function declareDirect(db: Kysely<Schema>, answer: Answer | undefined): void {
  if (answer !== undefined) answers.set(db.getExecutor().adapter, answer)
}

/** Of a database that answers at once; null: it is asked through Kysely. */
export function directAnswer(db: Db): Answer | null {
  return answers.get(db.getExecutor().adapter) ?? null
}

/**
 * Past Kysely where the database answers at once, else through it. `db` holds the connection: it came from a write or a
 * read of the store.
 */
export async function answerTo<Row>(
  db: Db,
  query: CompiledQuery<Row>,
  parameters: readonly unknown[] = query.parameters,
  direct: Answer | null = directAnswer(db),
): Promise<readonly Row[]> {
  if (direct !== null) return direct(query.sql, parameters) as readonly Row[]
  return (await db.executeQuery<Row>({ ...query, parameters })).rows
}

/** The same for a statement that gives no rows. */
export async function changesBy(
  db: Db,
  query: CompiledQuery,
  parameters: readonly unknown[],
  direct: Answer | null,
): Promise<Changed> {
  if (direct !== null) return direct(query.sql, parameters)[0] as Changed
  const { numAffectedRows = 0, insertId = null } = await db.executeQuery({ ...query, parameters })
  return { changes: numAffectedRows, lastInsertRowid: insertId }
}
