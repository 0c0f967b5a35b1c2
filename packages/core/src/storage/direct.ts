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

/** What is known at once is no promise: those of a save take as long as its statements. It is to be awaited all the same. */
export type Answered<Value> = Value | Promise<Value>

/** Goes on at once with what is known at once. */
export function whenAnswered<Value, Result>(
  answered: Answered<Value>,
  goOn: (value: Value) => Answered<Result>,
): Answered<Result> {
  return answered instanceof Promise ? answered.then(goOn) : goOn(answered)
}

/** One after the other. */
export function eachAnswered<Item, Result>(
  items: readonly Item[],
  ask: (item: Item) => Answered<Result>,
): Answered<readonly Result[]> {
  const results: Result[] = []
  for (const item of items) {
    const answered = ask(item)
    if (answered instanceof Promise) return othersOf(items, ask, results, answered)
    results.push(answered)
  }
  return results
}

async function othersOf<Item, Result>(
  items: readonly Item[],
  ask: (item: Item) => Answered<Result>,
  results: Result[],
  asked: Promise<Result>,
): Promise<readonly Result[]> {
  results.push(await asked)
  for (const item of items.slice(results.length)) results.push(await ask(item))
  return results
}

/** What fails at once, and what fails later. */
export function whenFailed<Result>(
  ask: () => Answered<Result>,
  goOn: (error: unknown) => Answered<Result>,
): Answered<Result> {
  try {
    const answered = ask()
    return answered instanceof Promise ? answered.catch(goOn) : answered
  } catch (error) {
    return goOn(error)
  }
}

/** Whether it was answered or failed. */
export function whenOver<Result>(ask: () => Answered<Result>, end: () => void): Answered<Result> {
  let answered: Answered<Result>
  try {
    answered = ask()
  } catch (error) {
    end()
    throw error
  }
  if (answered instanceof Promise) return answered.finally(end)
  end()
  return answered
}

/**
 * Past Kysely where the database answers at once, else through it. `db` holds the connection: it came from a write or a
 * read of the store.
 */
export function answerTo<Row>(
  db: Db,
  query: CompiledQuery<Row>,
  parameters: readonly unknown[] = query.parameters,
  direct: Answer | null = directAnswer(db),
): Answered<readonly Row[]> {
  if (direct !== null) return direct(query.sql, parameters) as readonly Row[]
  return db.executeQuery<Row>({ ...query, parameters }).then(({ rows }) => rows)
}

/** The same for a statement that gives no rows. */
export function changesBy(
  db: Db,
  query: CompiledQuery,
  parameters: readonly unknown[],
  direct: Answer | null,
): Answered<Changed> {
  if (direct !== null) return direct(query.sql, parameters)[0] as Changed
  return db.executeQuery({ ...query, parameters }).then(({ numAffectedRows = 0, insertId = null }) => {
    return { changes: numAffectedRows, lastInsertRowid: insertId }
  })
}

/** Of a statement that changes its row only where that is as known. */
export function changedOne(changed: Answered<Changed>): Answered<boolean> {
  return whenAnswered(changed, ({ changes }) => Number(changes) === 1)
}
