import { CompiledQuery, Kysely } from 'kysely'

import type { Cancel, Environment } from '../environment.ts'
import { EverdraftError } from '../errors.ts'
import type { EngineEvent, ToldEvent } from '../events.ts'
import type { Db } from './db.ts'
import { type Answered, answerTo, declareDirect, eachAnswered, whenAnswered, whenFailed, whenOver } from './direct.ts'
import { insertEvents, type NewEvent } from './events.ts'
import { beginWrite, declareFamily, type Family } from './family.ts'
import { forgetHeads } from './heads.ts'
import { beginSave, beginUndo, rolledBack, undoneFromHere } from './known-rows.ts'
import { migrate } from './migrations.ts'
import { endSaves, haveSavesLeft } from './postponed.ts'
import type { Schema } from './schema.ts'
import type { OpenStorage, Storage } from './storage.ts'

/** One unit of change. What it emits is heard by subscribers after the commit, and never if it fails. */
export interface Write {
  readonly db: Db
  readonly emit: (event: EngineEvent) => void
}

/**
 * `save`: it changes no row of which something is known (storage/known-rows.ts) without making it known anew, or calls
 * `endSaves` before.
 */
export type Changes = 'save' | 'other'

export interface Store {
  /**
   * Durable when it resolves. Calls that arrive together share one commit; each fails by itself (group commit). `change`
   * changes nothing but the store: where another of the same commit fails, it is run anew, as if the first time had not been.
   * `changes`: default `other`.
   */
  write<Result>(change: (write: Write) => Answered<Result>, changes?: Changes): Promise<Result>
  /**
   * As `write`, for what nobody is told of before a later `write` is done. It may not be durable when it resolves: with the
   * next commit of a `write` it is, and a power loss takes no earlier change without all later ones.
   */
  writeAhead<Result>(change: (write: Write) => Answered<Result>): Promise<Result>
  /** Before a look at tasks: what saves have left to later (`endSaves`) is written, and may not be durable yet. */
  writeWhatIsLeft(): Promise<void>
  /** All that `query` asks is answered from one committed state: no commit falls between. It must not write or read anew. */
  read<Result>(query: (db: Db) => Promise<Result>): Promise<Result>
  /**
   * Another number after each commit: what was read since it last changed is still so. Null where that cannot be said, as the
   * connection to the database may be lost, and another process may have had it meanwhile.
   */
  changeMark(): number | null
  /** Between large writes: what they left to the storage to do is done in small pieces. */
  checkpoint(): Promise<void>
  /** A listener does not throw. */
  onEvents(listener: (events: readonly ToldEvent[]) => void): void
  close(): Promise<void>
}

interface Job {
  readonly isDurable: boolean
  readonly changes: Changes
  readonly change: (write: Write) => unknown
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

type Done =
  | { readonly job: Job; readonly ok: true; readonly result: unknown; readonly events: readonly ToldEvent[] }
  | { readonly job: Job; readonly ok: false; readonly error: unknown }

/** `now` dates events; `schedule` lets others have their turn. */
type Time = Pick<Environment, 'now' | 'schedule'>

/** Of a commit that is for what saves have left alone. */
const nothing = { isDurable: false, changes: 'other' } as const

/**
 * How long commits may follow one another before timers and the network have their turn. What the network brings meanwhile
 * shares the next commit: with a longer run each answer of a server would be committed alone.
 */
const longestRunMs = 3

/** More would make the first of a batch wait longer than a commit takes. */
const maxBatch = 128

/**
 * Opens the store and brings its tables to this version. `now` dates the events.
 * @throws {EverdraftError} STORAGE_IN_USE, STORAGE_TOO_NEW, STORAGE_ERROR
 */
export async function openStore(
  storage: Storage,
  time: Time,
): Promise<{ readonly store: Store; readonly open: OpenStorage }> {
  const open = await storage.open()
  const db = new Kysely<Schema>({ dialect: open.dialect })
  declareFamily(db, open.family)
  declareDirect(db, open.answer)
  try {
    await migrate(db, open.family)
  } catch (error) {
    await db.destroy()
    throw storageError(open, error)
  }
  const connection = open.answer === undefined ? borrowedConnection(db) : await heldConnection(db)
  return { store: createStore(db, { connection, open, time }), open }
}

/** The one connection, for one at a time. */
interface Connection {
  use<Result>(work: (db: Kysely<Schema>) => Answered<Result>): Answered<Result>
  close(): Promise<void>
}

/** Asked of Kysely each time: where a connection can be lost, the next time gets a new one. */
function borrowedConnection(db: Kysely<Schema>): Connection {
  return {
    use: (work) => db.connection().execute(async (connection) => await work(connection)),
    close: () => db.destroy(),
  }
}

/** Asked for once: where a statement is answered at once, the asking would cost as much as one. */
async function heldConnection(db: Kysely<Schema>): Promise<Connection> {
  const ended = Promise.withResolvers<void>()
  const held = Promise.withResolvers<Kysely<Schema>>()
  const holding = db.connection().execute(async (connection) => {
    held.resolve(connection)
    await ended.promise
  })
  // An error of the asking itself; what the work throws goes to who asked for it.
  holding.catch(held.reject)
  const connection = await held.promise
  const waiting: (() => void)[] = []
  let isUsed = false
  function handOn(): void {
    const next = waiting.shift()
    // While it is marked as used: nobody comes in between.
    if (next === undefined) isUsed = false
    else next()
  }
  return {
    use(work) {
      const begin = () => whenOver(() => work(connection), handOn)
      if (isUsed) return new Promise<void>((resolve) => void waiting.push(resolve)).then(begin)
      isUsed = true
      return begin()
    },
    async close() {
      ended.resolve()
      await holding
      await db.destroy()
    },
  }
}

function createStore(
  db: Db,
  {
    connection,
    open,
    time: { now, schedule },
  }: { readonly connection: Connection; readonly open: OpenStorage; readonly time: Time },
): Store {
  const waiting: Job[] = []
  const listeners: ((events: readonly ToldEvent[]) => void)[] = []
  const reading = new Set<Promise<unknown>>()
  let draining: Promise<void> | null = null
  let commits = 0
  let turnBegan: number | null = null
  let cancelTurn: Cancel | null = null
  /** Several shared the last commit, and it took time. */
  let isShared = false
  let closed = false
  let closing: Promise<void> | null = null

  /**
   * A database that answers at once would else keep everything else of the process waiting. Where several wait for the disk,
   * what others ask for in the same turn shares their next commit. Null: not yet.
   */
  function othersTurn(): Promise<void> | null {
    if (turnBegan === null) {
      turnBegan = now()
      // Comes when others had their turn, however that came about.
      cancelTurn = schedule(0, () => {
        turnBegan = null
      })
    }
    if (!isShared && now() - turnBegan < longestRunMs) return null
    return new Promise<void>((resolve) => void schedule(0, resolve))
  }

  async function drain(): Promise<void> {
    // What is asked for in the same turn shares the first commit.
    await Promise.resolve()
    while (waiting.length > 0) {
      const turn = othersTurn()
      if (turn !== null) await turn
      const batch = waiting.splice(0, maxBatch)
      const began = now()
      let done: readonly Done[]
      try {
        const committed = connection.use((held) => {
          open.commitDurably?.(batch.some(({ isDurable }) => isDurable))
          return whenOver(
            () => commitTogether(held, batch, { begin: begin[open.family], now }),
            () => {
              // While the connection is held: nobody reads what is new under the old mark.
              commits += 1
            },
          )
        })
        done = committed instanceof Promise ? await committed : committed
      } catch (error) {
        // BEGIN or COMMIT failed (disk full, read-only): nothing of the batch is stored, and every caller hears it.
        for (const job of batch) job.reject(storageError(open, error))
        continue
      }
      isShared = batch.length > 1 && now() > began
      for (const one of done) {
        if (one.ok) one.job.resolve(one.result)
        else one.job.reject(storageError(open, one.error))
      }
      const events = done.flatMap((one) => (one.ok ? one.events : []))
      if (events.length > 0) for (const listener of listeners) listener(events)
    }
    draining = null
  }

  function commitSoon<Result>(
    change: (write: Write) => Answered<Result>,
    how: Pick<Job, 'isDurable' | 'changes'>,
  ): Promise<Result> {
    if (closed) return Promise.reject(new EverdraftError('CLOSED', 'the engine is closed'))
    return accept(change, how)
  }

  function accept<Result>(
    change: (write: Write) => Answered<Result>,
    how: Pick<Job, 'isDurable' | 'changes'>,
  ): Promise<Result> {
    const stored = new Promise<unknown>((resolve, reject) => waiting.push({ ...how, change, resolve, reject }))
    draining ??= drain()
    return stored as Promise<Result>
  }

  async function close(): Promise<void> {
    closed = true
    await draining
    // Where it fails a task is due earlier than it was asked for.
    if (haveSavesLeft(db)) await accept(() => null, nothing).catch(() => {})
    cancelTurn?.()
    await Promise.allSettled(reading)
    await connection.close()
    await open.attachments?.close()
  }

  /** What fails at once is a rejection, too. */
  async function useConnection<Result>(query: (db: Db) => Promise<Result>): Promise<Result> {
    return await connection.use(query)
  }

  return {
    write: (change, changes = 'other') => commitSoon(change, { isDurable: true, changes }),
    writeAhead: (change) => commitSoon(change, { isDurable: false, changes: 'other' }),
    async writeWhatIsLeft() {
      if (haveSavesLeft(db)) await commitSoon(() => null, nothing)
    },
    async read(query) {
      if (closed) throw new EverdraftError('CLOSED', 'the engine is closed')
      // The one connection is held until the query ends: statement by statement, a commit would fall between them.
      const answer = useConnection(query)
      reading.add(answer)
      try {
        return await answer
      } catch (error) {
        throw storageError(open, error)
      } finally {
        reading.delete(answer)
      }
    },
    changeMark: () => (open.answer === undefined ? null : commits),
    async checkpoint() {
      if (open.checkpoint === undefined) return
      try {
        // Beside what others write: the checkpoint then waits for less, and others for the checkpoint.
        await open.flushLog?.()
        await connection.use(() => open.checkpoint?.())
      } catch (error) {
        throw storageError(open, error)
      }
    },
    onEvents(listener) {
      listeners.push(listener)
    },
    close: () => (closing ??= close()),
  }
}

const begin = {
  sqlite: CompiledQuery.raw(beginWrite.sqlite),
  postgres: CompiledQuery.raw(beginWrite.postgres),
} satisfies Record<Family, CompiledQuery>
const commit = CompiledQuery.raw('commit')
const rollback = CompiledQuery.raw('rollback')
const savepoint = CompiledQuery.raw('savepoint job')
const release = CompiledQuery.raw('release job')
const rollbackToSavepoint = CompiledQuery.raw('rollback to job')

interface Transaction {
  readonly begin: CompiledQuery
  /** Dates events. */
  readonly now: () => number
}

/**
 * One transaction for all. Savepoints cost a fifth of a batch, and jobs that fail are few: only after one has failed are
 * all of them done anew, each in a savepoint of its own, so that it takes nothing of the others with it.
 */
function commitTogether(
  db: Kysely<Schema>,
  batch: readonly Job[],
  transaction: Transaction,
): Answered<readonly Done[]> {
  const { begin: beginIt, now } = transaction
  let isRunning = true
  return whenAnswered(beginTransaction(db, beginIt), () =>
    whenFailed(
      () =>
        whenAnswered(
          eachAnswered(batch, (job) => runJob(db, job, now)),
          (ran) => {
            isRunning = false
            return whenAnswered(storeEvents(db, ran), (done) => whenAnswered(answerTo(db, commit), () => done))
          },
        ),
      async (error) => {
        await rollBack(db)
        // Alone, the transaction is savepoint enough; and a COMMIT that fails has failed for all.
        if (!isRunning || batch.length === 1) throw error
        return await commitEachInSavepoint(db, batch, transaction)
      },
    ),
  )
}

function beginTransaction(db: Kysely<Schema>, beginIt: CompiledQuery): Answered<void> {
  return whenAnswered(answerTo(db, beginIt), () => beginUndo(db))
}

/** As the database does of the transaction, or since a savepoint. */
function forgetChanges(db: Kysely<Schema>, from = 0): void {
  forgetHeads(db)
  rolledBack(db, from)
}

async function commitEachInSavepoint(
  db: Kysely<Schema>,
  batch: readonly Job[],
  { begin: beginIt, now }: Transaction,
): Promise<readonly Done[]> {
  await beginTransaction(db, beginIt)
  try {
    const done: Done[] = []
    for (const job of batch) done.push(await runInSavepoint(db, job, now))
    await answerTo(db, commit)
    return done
  } catch (error) {
    await rollBack(db)
    throw error
  }
}

/** SQLite rolls back by itself on some errors (disk full); then there is nothing left to roll back. */
async function rollBack(db: Kysely<Schema>): Promise<void> {
  forgetChanges(db)
  try {
    await answerTo(db, rollback)
  } catch {
    // What is told is why.
  }
}

/** A job that has changed what it is to change, and whose events are not stored yet. */
interface Ran {
  readonly job: Job
  readonly result: unknown
  readonly events: readonly NewEvent[]
}

function runJob(db: Kysely<Schema>, job: Job, now: () => number): Answered<Ran> {
  if (job.changes === 'other') return whenAnswered(endSaves(db), () => runChange(db, job, now))
  beginSave(db)
  return runChange(db, job, now)
}

function runChange(db: Kysely<Schema>, job: Job, now: () => number): Answered<Ran> {
  const events: NewEvent[] = []
  const changed = job.change({ db, emit: (event) => void events.push({ event, at: now() }) })
  return whenAnswered(changed, (result) => ({ job, result, events }))
}

/** Those of all jobs together, in the order of the jobs: a statement for each would take twice as long. */
function storeEvents(db: Kysely<Schema>, ran: readonly Ran[]): Answered<readonly Done[]> {
  const all = ran.flatMap(({ events }) => events)
  return whenAnswered(insertEvents(db, all), (told) => {
    let first = 0
    return ran.map(({ job, result, events }) => {
      const own = told.slice(first, first + events.length)
      first += events.length
      return { job, ok: true, result, events: own }
    })
  })
}

async function runInSavepoint(db: Kysely<Schema>, job: Job, now: () => number): Promise<Done> {
  await answerTo(db, savepoint)
  const from = undoneFromHere(db)
  try {
    const [done] = await storeEvents(db, [await runJob(db, job, now)])
    await answerTo(db, release)
    return done as Done
  } catch (error) {
    forgetChanges(db, from)
    try {
      await answerTo(db, rollbackToSavepoint)
      await answerTo(db, release)
    } catch {
      // SQLite rolled everything back by itself (disk full): there is no savepoint left, and this is why.
      throw error
    }
    return { job, ok: false, error }
  }
}

function storageError(open: OpenStorage, error: unknown): unknown {
  if (error instanceof EverdraftError) return error
  const description = open.describeError(error)
  return description === null ? error : new EverdraftError('STORAGE_ERROR', description, { cause: error })
}
