import { createClient, type Client } from './client.ts'
import type { CommandInput, Option } from './command.ts'
import { defaultDataFolder, ensureDataFolder, isOnPostgres, readTrimmed, type DataFolder } from './data-folder.ts'
import { CommandFailure, UsageError } from './failure.ts'

export const connectionOptions: Readonly<Record<string, Option>> = {
  url: { value: 'URL', help: 'of a daemon (or EVERDRAFT_URL)' },
  token: { value: 'TOKEN', help: 'its token (or EVERDRAFT_TOKEN)' },
  data: { value: 'DIR', help: 'a data folder (or EVERDRAFT_DATA): its daemon, or directly when none is on it' },
}

/** Runs `work` with the daemon that was named, with the one on the data folder, or on the folder itself. */
export async function withClient<Result>(
  input: CommandInput,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  const { env } = process
  const token = input.option('token') ?? env['EVERDRAFT_TOKEN']
  const data = input.option('data')
  if (data !== undefined && input.option('url') !== undefined)
    throw new UsageError('--url and --data: only one of them')
  // A flag says more than the environment, whichever of the two settings it names.
  const url = input.option('url') ?? (data === undefined ? env['EVERDRAFT_URL'] : undefined)
  if (url !== undefined) {
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
      throw new UsageError('--url: must be an http:// or https:// URL')
    }
    if (token === undefined) throw new UsageError('--token is needed with --url')
    return work(createClient({ url, token }))
  }
  const folder = await ensureDataFolder(data ?? env['EVERDRAFT_DATA'] ?? defaultDataFolder(env))
  return withDataFolder(folder, token, work)
}

async function withDataFolder<Result>(
  folder: DataFolder,
  token: string | undefined,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  // One process at a time has the database, and only the daemon knows where that is.
  if (isOnPostgres(folder)) return work(await clientOfDaemonOn(folder, token))
  // Only when it is needed: a client of a daemon starts in a tenth of the time.
  const { openEmbedded } = await import('./embedded.ts')
  const embedded = await openEmbedded(folder)
  if (embedded === null) return work(await clientOfDaemonOn(folder, token))
  try {
    return await work(embedded.client)
  } finally {
    await embedded.close()
  }
}

/** @throws {CommandFailure} it is no daemon, or its token is not known */
export async function clientOfDaemonOn(folder: DataFolder, given: string | undefined): Promise<Client> {
  const url = await readTrimmed(folder.url)
  if (url === null && isOnPostgres(folder)) {
    throw new CommandFailure(`the drafts of ${folder.path} are in PostgreSQL, and no daemon is on it: everdraft serve`)
  }
  if (url === null) throw new CommandFailure(`${folder.path} is in use by another process, and that is no daemon`)
  const token = given ?? (await readTrimmed(folder.token))
  if (token === null) {
    throw new CommandFailure(
      `a daemon with a token of its own is on ${folder.path}: --token or EVERDRAFT_TOKEN is needed`,
    )
  }
  return createClient({ url, token })
}
