import { createHash } from 'node:crypto'

import type { Hasher, OpenStorage, Storage } from '@everdraft/core'
import Database from 'better-sqlite3'
import { type CompiledQuery, SqliteDialect, type SqliteStatement } from 'kysely'

import { never, type SimProcess } from './process.ts'
import type { Trace } from './trace.ts'

type Dialect = OpenStorage['dialect']
type Driver = ReturnType<Dialect['createDriver']>
type Connection = Awaited<ReturnType<Driver['acquireConnection']>>

/**
 * What becomes of a commit.
 *
 * `synchronous=FULL` promises that a COMMIT which returned survives power loss, so a commit that returned is never taken
 * back here; what the process did after it is.
 */
export type CommitFate =
  | 'stored'
  /** The process dies before COMMIT: nothing of the transaction is stored. */
  | 'crash-before'
  /** The process dies in COMMIT, after it took effect: stored, and nobody hears of it. */
  | 'crash-after'
  /** COMMIT returns and the callers hear of it; then the process dies, before anything that follows reaches disk or network. */
  | 'crash-acknowledged'
  /** The disk is full: COMMIT fails, the process goes on. */
  | 'full'

/** A database that outlives the processes which use it. */
export interface Disk {
  readonly database: Database.Database
  /** Commits that changed something. */
  readonly commits: number
  /** How many statements changed the table, of any transaction. */
  touched(table: string): number
  /** Decides over the commit of that number, from 1. */
  fateOf: (commit: number) => CommitFate
  storageOf(process: SimProcess): Storage
}

/**
 * `image`: what is on it at first; null: nothing. `answersAtOnce`: as the SQLite of a device does, where saves remember what they
 * left; else as a database does that is asked over a connection.
 */
export function createDisk(trace: Trace, image: Uint8Array | null, { answersAtOnce = true } = {}): Disk {
  const database = image === null ? new Database(':memory:') : new Database(Buffer.from(image))
  database.pragma('foreign_keys = ON')
  const statements = new Map<string, SqliteStatement>()
  const totalChanges = database.prepare('select total_changes()').pluck()
  let changesBefore = 0
  let commits = 0
  const touched = new Map<string, number>()

  const disk: Disk = {
    database,
    get commits() {
      return commits
    },
    touched: (table) => touched.get(table) ?? 0,
    fateOf: () => 'stored',
    storageOf: (process) => ({
      open: async () => ({
        family: 'sqlite',
        dialect: dialectFor(process),
        ...(answersAtOnce ? { answer: answerFor(process) } : {}),
        createSha256,
        describeError: (error) => (error instanceof DiskFull ? 'the disk is full (SQLITE_FULL)' : null),
      }),
    }),
  }

  function dialectFor(process: SimProcess): Dialect {
    const inner = new SqliteDialect({ database: { prepare, close: () => {} } })
    return {
      createAdapter: () => inner.createAdapter(),
      createIntrospector: (db) => inner.createIntrospector(db),
      createQueryCompiler: () => inner.createQueryCompiler(),
      createDriver() {
        const driver = inner.createDriver()
        const gated = new WeakMap<Connection, Connection>()
        const acquire = driver.acquireConnection.bind(driver)
        driver.acquireConnection = async (...options) => {
          const connection = await acquire(...options)
          const known = gated.get(connection) ?? gate(connection, process)
          gated.set(connection, known)
          return known
        }
        return driver
      },
    }
  }

  function prepare(text: string): SqliteStatement {
    const known = statements.get(text)
    if (known !== undefined) return known
    const statement = database.prepare(text) as unknown as SqliteStatement
    // Statements made before the tables change would hold old columns.
    if (!/^(create|alter|drop)/i.test(text)) statements.set(text, statement)
    return statement
  }

  function gate(connection: Connection, process: SimProcess): Connection {
    const executeQuery = connection.executeQuery.bind(connection)
    connection.executeQuery = async <Row>(query: CompiledQuery, ...options: object[]) =>
      await carriedOut(process, query.sql, query.parameters, () => executeQuery<Row>(query, ...options))
    return connection
  }

  /** What is never answered is a promise, which the engine waits for as for any other. */
  function answerFor(process: SimProcess): NonNullable<OpenStorage['answer']> {
    return (text, parameters) =>
      carriedOut(process, text, parameters, () => {
        const statement = prepare(text)
        return statement.reader ? statement.all(parameters) : [statement.run(parameters)]
      }) as readonly unknown[]
  }

  function carriedOut<Result>(
    process: SimProcess,
    text: string,
    parameters: readonly unknown[],
    carryOut: () => Result,
  ): Result | Promise<Result> {
    const reads = text.startsWith('select')
    if (process.state === 'dead' || (process.state === 'dying' && !reads)) return never()
    if (!reads) {
      trace.mix(`${text} ${parameters.map(printable).join()}`)
      const table = /^(?:insert into|update|delete from) "?(\w+)/.exec(text)?.[1]
      if (table !== undefined) touched.set(table, (touched.get(table) ?? 0) + 1)
    }
    return text === 'commit' ? commit(process, carryOut) : carryOut()
  }

  /** @throws {DiskFull} */
  function commit<Result>(process: SimProcess, carryOut: () => Result): Result | Promise<Result> {
    const changes = totalChanges.get() as number
    // Nothing to store: nothing to lose either.
    if (changes === changesBefore) return carryOut()
    commits += 1
    const fate = disk.fateOf(commits)
    trace.add(`process ${process.number} commit ${commits}${fate === 'stored' ? '' : `: ${fate}`}`)
    if (fate === 'crash-before' || fate === 'full') {
      database.exec('rollback')
      changesBefore = totalChanges.get() as number
      if (fate === 'full') throw new DiskFull()
      process.die()
      return never()
    }
    changesBefore = changes
    // better-sqlite3 is synchronous: the commit has taken effect when this returns.
    const committed = carryOut()
    if (fate === 'crash-after') {
      process.die()
      return never()
    }
    if (fate === 'crash-acknowledged') process.cutOff()
    return committed
  }

  return disk
}

class DiskFull extends Error {
  readonly code = 'SQLITE_FULL'
}

/** Rolls back what a process that died in mid-transaction left. */
export function recoverDisk(disk: Disk): void {
  if (disk.database.inTransaction) disk.database.exec('rollback')
}

export function createSha256(): Hasher {
  const hash = createHash('sha256')
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('hex') }
}

function printable(value: unknown): string {
  if (value instanceof Uint8Array) return createHash('sha256').update(value).digest('hex')
  return typeof value === 'bigint' ? `${value}n` : JSON.stringify(value)
}
