import type { Db } from './db.ts'
import { directAnswer } from './direct.ts'

/**
 * How long what a save knows of rows is so, in a database that nobody else can write. As long as saves alone follow one
 * another, each knows what it left: only after something else was written are rows to be compared or read anew.
 */

/** When something was known of a row; null: it may have changed since. */
export type Mark = number | null

interface Writes {
  /** Another number for each row of saves that nothing else was written between. */
  mark: number
  isSave: boolean
  /** How to have in memory again what the database has after a rollback, in the order of what was done. */
  undo: (() => void)[]
}

/** By Kysely's adapter: that is one object for a database and all its transactions. */
const writes = new WeakMap<object, Writes>()

function writesOf(db: Db): Writes | null {
  const { adapter } = db.getExecutor()
  const known = writes.get(adapter) ?? null
  if (known !== null || directAnswer(db) === null) return known
  const first: Writes = { mark: 0, isSave: false, undo: [] }
  writes.set(adapter, first)
  return first
}

/** Of what is known now. */
export function markOf(db: Db): Mark {
  return writesOf(db)?.mark ?? null
}

/** Nothing but saves was written since, and a save it is that asks. */
export function isStillSo(db: Db, mark: Mark): boolean {
  const known = writesOf(db)
  return known !== null && known.isSave && known.mark === mark
}

/** What writes from now on changes no row of which something is known, or makes it known anew. */
export function beginSave(db: Db): void {
  const known = writesOf(db)
  if (known === null || known.isSave) return
  known.isSave = true
  known.mark += 1
}

/** What writes from now on may change any row. */
export function beginOther(db: Db): void {
  const known = writesOf(db)
  if (known !== null) known.isSave = false
}

/** With each transaction. */
export function beginUndo(db: Db): void {
  const known = writesOf(db)
  if (known !== null) known.undo = []
}

/** With each savepoint. @returns what `rolledBack` takes */
export function undoneFromHere(db: Db): number {
  return writesOf(db)?.undo.length ?? 0
}

export function undoLater(db: Db, undo: () => void): void {
  writesOf(db)?.undo.push(undo)
}

/** What was done since `from` was not done. */
export function rolledBack(db: Db, from = 0): void {
  const known = writesOf(db)
  if (known === null) return
  for (const undo of known.undo.splice(from).toReversed()) undo()
}
