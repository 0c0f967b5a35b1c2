import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { homedir, platform } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cyrus310 } from './cyrus310.ts'
import { dovecot23 } from './dovecot23.ts'
import { dovecot24 } from './dovecot24.ts'
import type { Availability, ServerDefinition, ServerName, ServerOptions } from './driver.ts'
import { greenmail } from './greenmail.ts'

export const servers: Readonly<Record<ServerName, ServerDefinition>> = { dovecot24, dovecot23, cyrus310, greenmail }

/** The start scripts, found from here: the testkit is never installed apart from its repository. */
export const scripts: string = fileURLToPath(new URL('../../../../test/servers', import.meta.url))
export const composeFile: string = fileURLToPath(new URL('../../../../docker/compose.yaml', import.meta.url))

/**
 * Whether the server can be had on this machine, and if not, why not and what would change it.
 *
 * In a container where a Docker engine runs, else as a local program. `EVERDRAFT_TEST_SERVERS=local` or `=docker`
 * decides otherwise; what only the local way offers (a relay, a poorer capability list) decides for it too.
 */
export function availability(name: ServerName, options: ServerOptions = {}): Availability {
  const server = servers[name]
  const asked = process.env['EVERDRAFT_TEST_SERVERS']
  if (asked !== undefined && asked !== '' && asked !== 'local' && asked !== 'docker') {
    throw new Error(`EVERDRAFT_TEST_SERVERS is "${asked}": it may be "local" or "docker"`)
  }
  const onlyLocal = options.relayPort !== undefined || options.environment !== undefined
  const docker = asked === 'local' || onlyLocal ? 'not asked for' : withoutDocker(server)
  if (docker === null) return { available: true, way: 'docker' }
  if (asked === 'docker' && !onlyLocal) return { available: false, reason: docker }
  const reason = withoutPrograms(server)
  return reason === null ? { available: true, way: 'local' } : { available: false, reason }
}

function withoutDocker(server: ServerDefinition): string | null {
  if (server.container === undefined) return 'docker/compose.yaml has no service for it'
  dockerRuns ??= runs('docker', ['compose', 'version']) && runs('docker', ['info'])
  return dockerRuns ? null : 'no Docker engine with Compose runs'
}
let dockerRuns: boolean | undefined

function withoutPrograms(server: ServerDefinition): string | null {
  if (!isLinux && server.sandboxed) return `it runs in bubblewrap, which is for Linux, not ${platform()}`
  const missing = server.programs.filter((program) => !onPath(program))
  if (missing.length > 0) return `not installed: ${missing.join(', ')}`
  if (server.cached !== undefined && !existsSync(join(cache(), server.cached))) {
    return `not in the cache ${cache()}: run test/servers/prepare.sh ${server.name}`
  }
  if (server.sandboxed) {
    sandboxWorks ??= runs('bash', ['-c', `. "${scripts}/sandbox.sh"; sandbox --ro-bind / / true`])
    if (!sandboxWorks)
      return 'bubblewrap may not make user namespaces here (sysctl, a container’s seccomp profile or AppArmor)'
  }
  return null
}
let sandboxWorks: boolean | undefined

/** As in test/servers/sandbox.sh. */
function cache(): string {
  const set = process.env['EVERDRAFT_SERVER_CACHE']
  if (set !== undefined && set !== '') return set
  const shared = '/var/cache/everdraft-servers'
  if (process.getuid?.() === 0 || existsSync(shared)) return shared
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'everdraft-servers')
}

export const isLinux: boolean = platform() === 'linux'

function onPath(program: string): boolean {
  // /usr/sbin is where Debian puts dovecot, and not on every user's path; the scripts look there too.
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin']
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

function runs(program: string, args: readonly string[]): boolean {
  return spawnSync(program, args, { timeout: 10_000, stdio: 'ignore' }).status === 0
}
