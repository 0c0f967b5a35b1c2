import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chownSync, existsSync, globSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { once } from 'node:events'
import { promisify } from 'node:util'

/** The folder of `initdb` and `postgres`; null where they are not installed. */
export function postgresPrograms(): string | null {
  const folders = [...globSync('/usr/lib/postgresql/*/bin'), ...(process.env['PATH'] ?? '').split(delimiter)]
  const found = folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')))
  if (found === undefined && process.env['CI'] === 'true') throw new Error('PostgreSQL is not installed, and CI=true')
  return found ?? null
}

export interface PostgresServer {
  /** Of a socket in a folder of its own: no port is taken. */
  readonly url: string
  /** Ends all connections, as a restart of the server does, and takes new ones. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** PostgreSQL refuses to run as root: then it runs as nobody. */
const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : null

export async function startPostgres(programs: string, settings: readonly string[] = []): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), 'everdraft-pg-'))
  if (nobody !== null) chownSync(folder, nobody.uid, nobody.gid)
  const data = join(folder, 'data')
  await promisify(execFile)(
    join(programs, 'initdb'),
    [
      '--pgdata',
      data,
      '--username',
      'everdraft',
      '--auth',
      'trust',
      '--encoding',
      'UTF8',
      '--locale',
      'C',
      '--no-sync',
    ],
    { ...nobody, cwd: folder },
  )
  let server = await run()

  async function run(): Promise<ChildProcess> {
    const options = ['-c', 'listen_addresses=', '-c', `unix_socket_directories=${folder}`]
    const child = spawn(
      join(programs, 'postgres'),
      ['-D', data, ...options, ...settings.flatMap((setting) => ['-c', setting])],
      { ...nobody, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
    )
    let said = ''
    await new Promise<void>((resolve, reject) => {
      child.stderr.on('data', (words: Buffer) => {
        said += words.toString('utf8')
        if (said.includes('ready to accept connections')) resolve()
      })
      child.once('exit', () => reject(new Error(`PostgreSQL ended: ${said}`)))
    })
    return child
  }

  async function end(): Promise<void> {
    const ended = once(server, 'exit')
    // Fast: it does not wait for the connections to end.
    server.kill('SIGINT')
    await ended
  }

  return {
    url: `postgres://everdraft@${encodeURIComponent(folder)}/postgres`,
    async restart() {
      await end()
      server = await run()
    },
    async stop() {
      await end()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
