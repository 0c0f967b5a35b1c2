import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

import { CommandFailure } from './failure.ts'

/** Where a user's drafts lie when nothing else is said (XDG Base Directory). */
export function defaultDataFolder(environment: NodeJS.ProcessEnv): string {
  return join(environment['XDG_DATA_HOME'] || join(homedir(), '.local', 'share'), 'everdraft')
}

/** What lies in a data folder. */
export interface DataFolder {
  readonly path: string
  readonly database: string
  /** In the place of the database where the drafts are in PostgreSQL: its epoch stands beside this name. */
  readonly postgres: string
  /** By which passwords and tokens are sealed, 0600. */
  readonly key: string
  /** The bearer token that `serve` made, 0600. */
  readonly token: string
  /** The URL of the daemon that is on this folder, while it is. */
  readonly url: string
}

/** Made if it is not there, for its owner alone. */
export async function ensureDataFolder(path: string): Promise<DataFolder> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new CommandFailure(`the data folder ${path} cannot be made: ${(error as Error).message}`)
  }
  return {
    path,
    database: join(path, 'everdraft.db'),
    postgres: join(path, 'postgres'),
    key: join(path, 'everdraft.key'),
    token: join(path, 'token'),
    url: join(path, 'daemon.url'),
  }
}

/** A daemon has served a PostgreSQL from this folder: the drafts are there, and not here. */
export function isOnPostgres(folder: DataFolder): boolean {
  return existsSync(`${folder.postgres}.epoch`)
}

/** The token in the folder; made, and readable by its owner alone, where there is none. */
export async function ensureToken(folder: DataFolder): Promise<string> {
  const known = await readTrimmed(folder.token)
  if (known !== null && known !== '') {
    await chmod(folder.token, 0o600)
    return known
  }
  // Not in base64url: one that begins with a dash would look like an option behind `--token`.
  const token = randomBytes(32).toString('hex')
  // A file that was there, empty, would keep its own mode.
  await rm(folder.token, { force: true })
  await writeFile(folder.token, `${token}\n`, { mode: 0o600, flag: 'wx' })
  return token
}

export async function announceDaemon(folder: DataFolder, url: string): Promise<void> {
  await writeFile(folder.url, `${url}\n`, { mode: 0o600 })
}

export async function withdrawDaemon(folder: DataFolder): Promise<void> {
  await rm(folder.url, { force: true })
}

/** The file's text without the space around it, null where there is no such file. */
export async function readTrimmed(path: string): Promise<string | null> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw new CommandFailure(`${path} cannot be read: ${(error as Error).message}`)
  }
}
