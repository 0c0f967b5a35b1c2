import { mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

import { PGlite, type QueryOptions, types } from '@electric-sql/pglite'
import { EverdraftError, type OpenStorage, type Storage } from '@everdraft/core'

import { lockFolder } from './folder-lock.ts'
import { describePostgresError, postgresFailure } from './postgres-errors.ts'
import { enterSchema } from './schema.ts'
import { createSha256 } from './sha256.ts'
import { sessionDialect } from './session-dialect.ts'
import { type Session, takeTurns } from './session.ts'

export interface PgliteOptions {
  /** Of the tables; made where it is not there. Default `public`. */
  readonly schema?: string
}

/**
 * The engine's store in a PostgreSQL that runs within this process (PGlite). `place` is a folder, locked for this process
 * while it is open; or a PGlite that is open already, which stays open and is used by one store at a time; without it
 * everything is in memory.
 *
 * What was acknowledged survives the end of the process, and not a power cut: PGlite's files are not synchronised. A value
 * that begins with U+FEFF comes back without it.
 */
export function pglite(place: string | PGlite | null = null, { schema = 'public' }: PgliteOptions = {}): Storage {
  if (place instanceof PGlite) return { open: () => openOn(place, { schema, where: 'PGlite', end: async () => {} }) }
  if (place === null) return { open: async () => openNew(undefined, schema, () => {}) }
  const folder = resolve(place)
  return {
    async open() {
      try {
        mkdirSync(dirname(folder), { recursive: true, mode: 0o700 })
      } catch (error) {
        throw storageError(error, folder)
      }
      const release = await lockFolder(folder)
      try {
        return await openNew(folder, schema, release)
      } catch (error) {
        release()
        throw storageError(error, folder)
      }
    },
  }
}

async function openNew(folder: string | undefined, schema: string, release: () => void): Promise<OpenStorage> {
  const database = await PGlite.create(folder === undefined ? {} : { dataDir: folder })
  const end = async (): Promise<void> => {
    try {
      await database.close()
    } finally {
      release()
    }
  }
  return await openOn(database, { schema, where: folder ?? 'PGlite in memory', end })
}

/** A PGlite is one session: two stores in it would be in each other's transactions. */
const used = new WeakSet<PGlite>()

async function openOn(
  database: PGlite,
  { schema, where, end }: { readonly schema: string; readonly where: string; readonly end: () => Promise<void> },
): Promise<OpenStorage> {
  if (used.has(database)) throw new EverdraftError('STORAGE_IN_USE', `${where} is in use by another store`)
  used.add(database)
  let options: QueryOptions = {}
  const session: Session = {
    async query(text, parameters) {
      try {
        const answer = await database.query<Record<string, unknown>>(text, [...parameters], options)
        const { rows, command = '', rowCount } = answer
        return { rows, command, rowCount: rowCount ?? 0 }
      } catch (error) {
        throw postgresFailure(error)
      }
    },
    async close() {
      used.delete(database)
      await end()
    },
  }
  try {
    options = await optionsFor(database)
    await enterSchema(session, schema)
  } catch (error) {
    await session.close()
    throw storageError(error, where)
  }
  return {
    family: 'postgres',
    dialect: sessionDialect(session, takeTurns()),
    createSha256,
    describeError: (error) => describePostgresError(error, where),
  }
}

/**
 * PGlite's own parser of bigint gives numbers up to 2^53, beyond which we store nothing. Whoever opened it may have chosen
 * another; ours in its place makes PGlite copy all its hundreds of parsers for each query, which then takes twice as long.
 */
async function optionsFor(database: PGlite): Promise<QueryOptions> {
  const { rows } = await database.query<{ readonly one: unknown }>('select 1::bigint as one')
  return rows[0]?.one === 1 ? {} : { parsers: { [types.INT8]: Number } }
}

function storageError(error: unknown, where: string): unknown {
  const description = describePostgresError(postgresFailure(error), where)
  return description === null ? error : new EverdraftError('STORAGE_ERROR', description, { cause: error })
}
