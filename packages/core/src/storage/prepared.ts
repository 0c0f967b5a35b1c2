import type { Compilable, CompiledQuery, Kysely } from 'kysely'

import type { Db } from './db.ts'
import { answerTo } from './direct.ts'
import type { Schema } from './schema.ts'

/** Stands for a value while a query is compiled. */
class Slot {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

/**
 * A query that is built and compiled once for each database: Kysely does both at every call otherwise, which costs more
 * than SQLite takes to answer. `build` must make the same statement whatever the values are.
 */
export function prepared<Input extends object, Row>(
  build: (db: Kysely<Schema>, input: Input) => Compilable<Row>,
): (db: Db, input: Input) => Promise<readonly Row[]> {
  // By adapter: that is one object for a database and all its transactions.
  const compiled = new WeakMap<object, CompiledQuery<Row>>()
  const slots = new Proxy({} as Input, {
    get: (_target, name) => new Slot(String(name)),
  })
  return (db, input) => {
    const { adapter } = db.getExecutor()
    let query = compiled.get(adapter)
    if (query === undefined) {
      query = build(db, slots).compile()
      compiled.set(adapter, query)
    }
    const values = input as Record<string, unknown>
    const parameters = query.parameters.map((value) => (value instanceof Slot ? values[value.name] : value))
    return answerTo(db, query, parameters)
  }
}
