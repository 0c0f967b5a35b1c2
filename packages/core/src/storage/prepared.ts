import type { Compilable, CompiledQuery, Kysely } from 'kysely'

import type { Db } from './db.ts'
import { answerTo, type Answered, changesBy, directAnswer } from './direct.ts'
import type { Schema } from './schema.ts'
import type { Changed } from './storage.ts'

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
): (db: Db, input: Input) => Answered<readonly Row[]> {
  const compiled = compiledOnce(build)
  return (db, input) => {
    const known = compiled(db)
    return answerTo(db, known.query, bound(known, input), known.direct)
  }
}

/** The same for a statement that gives no rows. */
export function preparedChange<Input extends object>(
  build: (db: Kysely<Schema>, input: Input) => Compilable,
): (db: Db, input: Input) => Answered<Changed> {
  const compiled = compiledOnce(build)
  return (db, input) => {
    const known = compiled(db)
    return changesBy(db, known.query, bound(known, input), known.direct)
  }
}

function compiledOnce<Row>(build: (db: Kysely<Schema>, input: never) => Compilable<Row>): (db: Db) => Compiled<Row> {
  // By adapter: that is one object for a database and all its transactions.
  const compiled = new WeakMap<object, Compiled<Row>>()
  const slots = new Proxy(
    {},
    {
      get: (_target, name) => new Slot(String(name)),
    },
  ) as never
  return (db) => {
    const { adapter } = db.getExecutor()
    let known = compiled.get(adapter)
    if (known === undefined) {
      const query = build(db, slots).compile()
      const names = query.parameters.map((value) => (value instanceof Slot ? value.name : null))
      known = { query, names, direct: directAnswer(db) }
      compiled.set(adapter, known)
    }
    return known
  }
}

function bound({ query, names }: Compiled<unknown>, input: object): readonly unknown[] {
  const values = input as Record<string, unknown>
  return names.map((name, place) => (name === null ? query.parameters[place] : values[name]))
}

/** Longer lists are seldom of the same length again. */
const longestKept = 64

/** The same for an `in (…)`, once for each length of the list, up to 64; `build` gets as many values as the list has. */
export function preparedForEach<Value, Row>(
  build: (db: Kysely<Schema>, values: readonly Value[]) => Compilable<Row>,
): (db: Db, values: readonly Value[]) => Answered<readonly Row[]> {
  const byLength = new Map<number, (db: Db, input: Readonly<Record<number, Value>>) => Answered<readonly Row[]>>()
  return (db, values) => {
    const { length } = values
    const known =
      byLength.get(length) ??
      prepared((open, input: Readonly<Record<number, Value>>) =>
        build(
          open,
          Array.from({ length }, (_, place) => input[place] as Value),
        ),
      )
    if (length <= longestKept) byLength.set(length, known)
    return known(db, Object.assign({}, values))
  }
}

interface Compiled<Row> {
  readonly query: CompiledQuery<Row>
  /** By the place of a parameter: which of the input it is. Null: one that is always the same. */
  readonly names: readonly (string | null)[]
  readonly direct: ReturnType<typeof directAnswer>
}
