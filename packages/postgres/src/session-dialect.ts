import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely'

import { PostgresFailure } from './postgres-errors.ts'
import type { Session, Turns } from './session.ts'

/** Kysely over one session, which one uses at a time. */
export function sessionDialect(session: Session, turns: Turns): Dialect {
  return {
    createAdapter: () => new PostgresAdapter(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
    createDriver: () => sessionDriver(session, turns),
  }
}

function sessionDriver(session: Session, turns: Turns): Driver {
  const ends = new WeakMap<DatabaseConnection, () => void>()
  return {
    init: async () => {},
    async acquireConnection() {
      const end = await turns()
      const connection = connectionOn(session)
      ends.set(connection, end)
      return connection
    },
    releaseConnection: async (connection) => ends.get(connection)?.(),
    beginTransaction: async (connection) => void (await connection.executeQuery(CompiledQuery.raw('begin'))),
    commitTransaction: async (connection) => void (await connection.executeQuery(CompiledQuery.raw('commit'))),
    rollbackTransaction: async (connection) => void (await connection.executeQuery(CompiledQuery.raw('rollback'))),
    destroy: () => session.close(),
  }
}

function connectionOn(session: Session): DatabaseConnection {
  return {
    async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
      const { rows, command, rowCount } = await session.query(sql, parameters)
      // PostgreSQL answers so to the COMMIT of a transaction in which a statement failed, and that is no error to it.
      if (sql === 'commit' && command === 'ROLLBACK') {
        throw new PostgresFailure('25P02', 'PostgreSQL rolled back: a statement before the COMMIT had failed')
      }
      return { rows: rows as Row[], numAffectedRows: BigInt(rowCount) }
    },
    // oxlint-disable-next-line require-yield
    async *streamQuery() {
      throw new Error('rows are not streamed')
    },
  }
}
