import { type EpochFile, EverdraftError, type Storage } from '@everdraft/core'
import { Client, types as pgTypes, TypeOverrides } from 'pg'

import { describePostgresError, PostgresFailure, postgresFailure } from './postgres-errors.ts'
import { enterSchema } from './schema.ts'
import { createSha256 } from './sha256.ts'
import { sessionDialect } from './session-dialect.ts'
import { type Session, takeTurns } from './session.ts'

export interface PostgresOptions {
  /** Of the tables; made where it is not there. Default `everdraft`. */
  readonly schema?: string
  /** Kept where no dump of the database holds it: a store that was put back is known by it. Without it none is. */
  readonly epochFile?: EpochFile
}

/**
 * The engine's store in a PostgreSQL server. One process owns a schema: it holds an advisory lock, which the server takes
 * away with its connection.
 */
export function postgres(url: string, { schema = 'everdraft', epochFile }: PostgresOptions = {}): Storage {
  const where = whereIs(url, schema)
  return {
    async open() {
      try {
        const session = reconnecting(() => connect(url, schema, where))
        // The first connection is made here, so that what is wrong with it is heard here.
        await session.query('select 1', [])
        return {
          family: 'postgres',
          dialect: sessionDialect(session, takeTurns()),
          createSha256,
          ...(epochFile === undefined ? {} : { epochFile }),
          describeError: (error) => describePostgresError(error, where),
        }
      } catch (error) {
        const description = describePostgresError(error, where)
        throw description === null ? error : new EverdraftError('STORAGE_ERROR', description, { cause: error })
      }
    },
  }
}

interface Connected extends Session {
  readonly isLost: () => boolean
}

/** A connection that was lost fails what was under way; what comes next gets a new one, if nobody took the lock meanwhile. */
function reconnecting(open: () => Promise<Connected>): Session {
  let current: Connected | null = null
  let inTransaction = false
  return {
    async query(text, parameters) {
      if (current?.isLost() === true) {
        current = null
        // The rest of a transaction must not go on by itself in a new session.
        if (inTransaction) {
          inTransaction = false
          throw new PostgresFailure('08006', 'the connection was lost within a transaction')
        }
      }
      current ??= await open()
      const answer = await current.query(text, parameters)
      if (answer.command === 'BEGIN') inTransaction = true
      if ((answer.command === 'COMMIT' || answer.command === 'ROLLBACK') && !/^rollback to/i.test(text)) {
        inTransaction = false
      }
      return answer
    },
    async close() {
      await current?.close()
    },
  }
}

/** `pg` gives numbers of eight bytes as text, as not all of them are exact as numbers; none of ours is that large. */
const types = new TypeOverrides()
types.setTypeParser(pgTypes.builtins.INT8, Number)

/** @throws {EverdraftError} STORAGE_IN_USE, STORAGE_ERROR */
async function connect(url: string, schema: string, where: string): Promise<Connected> {
  const client = new Client({
    connectionString: url,
    application_name: 'everdraft',
    keepAlive: true,
    types,
  })
  let lost = false
  // Without a listener a lost connection would end the process. The next query says it.
  client.on('error', () => {
    lost = true
  })
  client.on('end', () => {
    lost = true
  })
  const connected: Connected = {
    isLost: () => lost,
    async query(text, parameters) {
      try {
        const result = await client.query<Record<string, unknown>>(text, [...parameters])
        return { rows: result.rows, command: result.command, rowCount: result.rowCount ?? 0 }
      } catch (error) {
        if (lost) throw new PostgresFailure('08006', 'the connection was lost')
        throw postgresFailure(error)
      }
    },
    close: () => client.end(),
  }
  try {
    await client.connect()
  } catch (error) {
    throw postgresFailure(error)
  }
  try {
    await own(connected, schema, where)
    await enterSchema(connected, schema)
    return connected
  } catch (error) {
    await connected.close()
    throw error
  }
}

async function own(session: Session, schema: string, where: string): Promise<void> {
  const settings = await session.query(
    `select current_setting('fsync') as fsync, pg_try_advisory_lock(hashtextextended($1, 0)) as locked`,
    [`everdraft ${schema}`],
  )
  const [found] = settings.rows
  if (found?.['locked'] !== true) {
    throw new EverdraftError('STORAGE_IN_USE', `${where} is in use by another process`)
  }
  if (found['fsync'] !== 'on') {
    throw new EverdraftError(
      'STORAGE_ERROR',
      `${where}: the server runs with fsync = off, which loses acknowledged saves`,
    )
  }
  await session.query('set synchronous_commit = on', [])
}

/** For messages: without the password. */
function whereIs(url: string, schema: string): string {
  if (!URL.canParse(url)) return `PostgreSQL, schema ${schema}`
  const { host, pathname } = new URL(url)
  return `PostgreSQL ${host}${pathname}, schema ${schema}`
}
