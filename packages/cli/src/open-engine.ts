import { existsSync } from 'node:fs'

import { createEngine, EverdraftError, type Engine, type EngineOptions, type Storage } from '@everdraft/core'
import { imap, refreshTokens, smtp } from '@everdraft/mail'
import { epochFile, sqlite } from '@everdraft/sqlite'

import { type DataFolder, isOnPostgres } from './data-folder.ts'
import { CommandFailure } from './failure.ts'
import { secretsOf } from './keys.ts'

/** Null while another process is on the folder, or on the database. */
export async function openEngine(
  folder: DataFolder,
  options: Pick<EngineOptions, 'watch' | 'timing' | 'housekeeping' | 'responders' | 'draftOnly'> = {},
  databaseUrl: string | null = null,
): Promise<Engine | null> {
  try {
    return await createEngine({
      storage: await storageOf(folder, databaseUrl),
      mailbox: imap(),
      submission: smtp(),
      secrets: secretsOf(folder),
      tokens: refreshTokens(),
      ...options,
    })
  } catch (error) {
    if (!(error instanceof EverdraftError)) throw error
    if (error.code === 'STORAGE_IN_USE') return null
    throw new CommandFailure(error.message)
  }
}

/** A folder has its drafts in one place: in the other it would seem to have lost them. */
async function storageOf(folder: DataFolder, databaseUrl: string | null): Promise<Storage> {
  if (databaseUrl === null) {
    if (isOnPostgres(folder))
      throw new CommandFailure(`the drafts of ${folder.path} are in PostgreSQL: see --database-url`)
    return sqlite(folder.database)
  }
  if (existsSync(folder.database)) {
    throw new CommandFailure(
      `${folder.database} has drafts: take another folder for a PostgreSQL, and export and import them`,
    )
  }
  // Only when it is needed: the drivers take longer to load than most commands run.
  const { postgres } = await import('@everdraft/postgres')
  return postgres(databaseUrl, { epochFile: epochFile(folder.postgres) })
}
