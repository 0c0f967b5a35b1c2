import { sql } from 'kysely'

import type { AccountId } from '../ids.ts'
import type { Db } from './db.ts'
import { type Answered, changedOne, eachAnswered, whenAnswered } from './direct.ts'
import { beginOther, isStillSo, type Mark, markOf, undoLater } from './known-rows.ts'
import { preparedChange } from './prepared.ts'

/**
 * A save after a save puts off the upload that waits already. Where nothing else was written between the two, its row is
 * left as it is: all that comes next writes first what saves have left (`endSaves`), and so does each sixteenth save. After a
 * crash the row has an earlier time, and counts fifteen fewer at most.
 */

const writeEvery = 16

/** As many as are saved in turns. */
const mostRemembered = 128

/** What a request does with a row of the same kind and key that waits already. */
export type Join =
  /** A debounce: the wait starts anew, until this long after the first request. */
  | { readonly longestWaitMs: number }
  /** The sooner of the two times counts. */
  | 'sooner'
  /** Nothing: what waits, is parked or backs off stays as it is. */
  | 'keep'

interface Name {
  readonly kind: string
  readonly key: string
}

export interface TaskRequest extends Name {
  readonly accountId: AccountId
  readonly priority: number
  readonly now: number
  /** How long to wait before it runs. */
  readonly delayMs: number
  readonly join: Join
}

interface When {
  readonly runAt: number
  readonly superseded: number
}

/** A task that waits and has not been tried. */
interface Postponed {
  readonly seq: number
  readonly accountId: AccountId
  readonly priority: number
  readonly requestedAt: number
  asked: When
  /** As its row says. */
  stored: When
  /** Of the row. */
  mark: Mark
}

interface Remembered {
  /** By kind and key. */
  readonly tasks: Map<string, Postponed>
  /** Those whose rows say something else than was asked. */
  readonly unwritten: Set<Postponed>
}

/** By Kysely's adapter: that is one object for a database and all its transactions. */
const remembered = new WeakMap<object, Remembered>()

function rememberedIn(db: Db): Remembered | undefined {
  return remembered.get(db.getExecutor().adapter)
}

function nameOf({ kind, key }: Name): string {
  return `${kind} ${key}`
}

/** As a request has just left the row. */
export function rememberWaiting(
  db: Db,
  name: Name,
  { runAt, superseded, ...row }: Pick<Postponed, 'seq' | 'accountId' | 'priority' | 'requestedAt'> & When,
): void {
  const { adapter } = db.getExecutor()
  const known = remembered.get(adapter) ?? { tasks: new Map<string, Postponed>(), unwritten: new Set<Postponed>() }
  remembered.set(adapter, known)
  const when = { runAt, superseded }
  known.tasks.delete(nameOf(name))
  known.tasks.set(nameOf(name), { ...row, asked: when, stored: when, mark: null })
  const oldest = known.tasks.keys().next()
  if (known.tasks.size > mostRemembered && oldest.done !== true) known.tasks.delete(oldest.value)
}

/** A debounce, and its end. */
export function joinedAt(
  { now, delayMs }: Pick<TaskRequest, 'now' | 'delayMs'>,
  { longestWaitMs }: { readonly longestWaitMs: number },
  requestedAt: number,
): number {
  return Math.min(now + delayMs, Math.max(now, requestedAt + longestWaitMs))
}

/**
 * What a save after a save does, with nothing read, and seldom anything written. False: the row is another by now, or there is
 * more to look at, and nothing was changed.
 */
export function isPostponed(db: Db, task: TaskRequest): Answered<boolean> {
  if (typeof task.join === 'string') return false
  const known = rememberedIn(db)?.tasks.get(nameOf(task))
  if (known === undefined || known.accountId !== task.accountId || known.priority < task.priority) return false
  const runAt = joinedAt(task, task.join, known.requestedAt)
  const superseded = known.asked.superseded + 1
  if (isStillSo(db, known.mark) && superseded - known.stored.superseded < writeEvery) {
    change(db, known, { asked: { runAt, superseded } })
    return true
  }
  return store(db, known, { runAt, superseded })
}

/** Before anything but a save writes: what saves have left is written, and nothing is known of rows any more. */
export function endSaves(db: Db): Answered<unknown> {
  beginOther(db)
  const known = rememberedIn(db)
  if (known === undefined || known.unwritten.size === 0) return null
  return eachAnswered([...known.unwritten], (one) =>
    whenAnswered(store(db, one, one.asked), (isStored) => {
      if (!isStored) known.unwritten.delete(one)
    }),
  )
}

/** Whether saves have left something to `endSaves`. */
export function haveSavesLeft(db: Db): boolean {
  return (rememberedIn(db)?.unwritten.size ?? 0) > 0
}

/** False: the row is another by now, and was not changed. */
function store(db: Db, known: Postponed, when: When): Answered<boolean> {
  const { seq, stored } = known
  const changed = postpone(db, { seq, ...when, knownRunAt: stored.runAt, knownSuperseded: stored.superseded })
  return whenAnswered(changedOne(changed), (isChanged) => {
    if (isChanged) change(db, known, { asked: when, stored: when, mark: markOf(db) })
    return isChanged
  })
}

const postpone = preparedChange(
  (db, input: When & { readonly seq: number; readonly knownRunAt: number; readonly knownSuperseded: number }) =>
    db
      .updateTable('task')
      .set({ run_at: input.runAt, superseded: input.superseded })
      .where('seq', '=', input.seq)
      .where('state', '=', sql.lit('waiting'))
      .where('run_at', '=', input.knownRunAt)
      .where('superseded', '=', input.knownSuperseded)
      .where('attempts', '=', sql.lit(0))
      .where('connect_failures', '=', sql.lit(0)),
)

function change(db: Db, known: Postponed, to: Partial<Pick<Postponed, 'asked' | 'stored' | 'mark'>>): void {
  const { asked, stored } = known
  set(db, known, to)
  undoLater(db, () => set(db, known, { asked, stored, mark: null }))
}

function set(db: Db, known: Postponed, to: Partial<Pick<Postponed, 'asked' | 'stored' | 'mark'>>): void {
  Object.assign(known, to)
  const unwritten = rememberedIn(db)?.unwritten
  if (known.asked.superseded === known.stored.superseded) unwritten?.delete(known)
  else unwritten?.add(known)
}
