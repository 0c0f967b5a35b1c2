import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { defaultDataFolder } from './data-folder.ts'
import { UsageError } from './failure.ts'

/** What `serve` runs with. */
export interface Settings {
  readonly data: string
  /** Of the PostgreSQL that has the drafts, with its password; null: they are in the data folder. */
  readonly databaseUrl: string | null
  readonly listen: { readonly host: string; readonly port: number }
  /** Null: one is made. */
  readonly token: string | null
  /** What responders write is for a person to send. */
  readonly draftOnly: boolean
  /** Where modules lie that answer mail; null: there are none. */
  readonly responders: string | null
  /** Names under which it is reached, beside localhost and addresses. */
  readonly hosts: readonly string[]
  /** For each token but its own; 0: no limit. Null: the default. */
  readonly requestsPerMinute: number | null
  /** Of events, for each token but its own; 0: no limit. Null: the default. */
  readonly streamsPerToken: number | null
  /** For so many days after a mail went it is looked for what came back of it; 0: never. Null: the default. */
  readonly bounceDays: number | null
  /** How many days each is kept. Null: the default. */
  readonly keep: {
    readonly trashDays: number | null
    readonly logDays: number | null
    readonly sendDays: number | null
  }
}

/** Each setting under its three names, and what it must look like. */
const definitions = {
  data: { flag: 'data', variable: 'EVERDRAFT_DATA', key: 'data' },
  listen: { flag: 'listen', variable: 'EVERDRAFT_LISTEN', key: 'listen' },
  token: { flag: 'token', variable: 'EVERDRAFT_TOKEN', key: 'token' },
  databaseUrl: { flag: 'database-url', variable: 'EVERDRAFT_DATABASE_URL', key: 'database_url' },
  draftOnly: { flag: 'draft-only', variable: 'DRAFT_ONLY', key: 'draft_only' },
  responders: { flag: 'responders', variable: 'EVERDRAFT_RESPONDERS', key: 'responders' },
  hosts: { flag: 'hosts', variable: 'EVERDRAFT_HOSTS', key: 'hosts' },
  requestsPerMinute: {
    flag: 'requests-per-minute',
    variable: 'EVERDRAFT_REQUESTS_PER_MINUTE',
    key: 'requests_per_minute',
  },
  streamsPerToken: { flag: 'streams-per-token', variable: 'EVERDRAFT_STREAMS_PER_TOKEN', key: 'streams_per_token' },
  bounceDays: { flag: 'bounce-days', variable: 'EVERDRAFT_BOUNCE_DAYS', key: 'bounce_days' },
  keepTrashDays: { flag: 'keep-trash-days', variable: 'EVERDRAFT_KEEP_TRASH_DAYS', key: 'keep_trash_days' },
  keepLogDays: { flag: 'keep-log-days', variable: 'EVERDRAFT_KEEP_LOG_DAYS', key: 'keep_log_days' },
  keepSendDays: { flag: 'keep-send-days', variable: 'EVERDRAFT_KEEP_SEND_DAYS', key: 'keep_send_days' },
} as const

type SettingName = keyof typeof definitions

/** A value and how to call it in an error. */
interface Given {
  readonly value: string
  readonly source: string
}

export interface SettingSources {
  flag(name: string): string | undefined
  readonly environment: NodeJS.ProcessEnv
}

/**
 * Flags win over the environment, and that over the config file: `--config`, `EVERDRAFT_CONFIG`, or `config.json` in
 * the data folder.
 * @throws {UsageError} naming the setting and where it stands
 */
export async function readSettings(sources: SettingSources): Promise<Settings> {
  checkVariables(sources.environment)
  const direct = (name: SettingName): Given | null => {
    const { flag, variable } = definitions[name]
    const flagged = sources.flag(flag)
    if (flagged !== undefined) return { value: flagged, source: `--${flag}` }
    const value = sources.environment[variable]
    // An empty variable is how shells and container files say "not set".
    return value === undefined || value === '' ? null : { value, source: variable }
  }
  const data = direct('data')
  const configPath = sources.flag('config') ?? (sources.environment['EVERDRAFT_CONFIG'] || undefined)
  const folderConfig = join(data?.value ?? defaultDataFolder(sources.environment), 'config.json')
  const config = await readConfig(configPath ?? folderConfig, configPath !== undefined)
  const setting = (name: SettingName): Given | null => direct(name) ?? config(name)

  return {
    data: notEmpty(setting('data'))?.value ?? defaultDataFolder(sources.environment),
    databaseUrl: parseDatabaseUrl(setting('databaseUrl')),
    listen: parseListen(setting('listen') ?? { value: '127.0.0.1:8025', source: 'listen' }),
    token: parseToken(setting('token')),
    draftOnly: parseBoolean(setting('draftOnly') ?? { value: 'true', source: 'draft-only' }),
    responders: notEmpty(setting('responders'))?.value ?? null,
    hosts: parseHosts(setting('hosts')),
    requestsPerMinute: parseCount(setting('requestsPerMinute')),
    streamsPerToken: parseCount(setting('streamsPerToken')),
    bounceDays: parseDays(setting('bounceDays'), 0),
    keep: {
      trashDays: parseDays(setting('keepTrashDays'), 1),
      logDays: parseDays(setting('keepLogDays'), 1),
      sendDays: parseDays(setting('keepSendDays'), 1),
    },
  }
}

/** A misspelt variable would silently leave a default in force. */
function checkVariables(environment: NodeJS.ProcessEnv): void {
  const known = new Set<string>(Object.values(definitions).map(({ variable }) => variable))
  for (const name of ['EVERDRAFT_CONFIG', 'EVERDRAFT_URL', 'EVERDRAFT_KEY']) known.add(name)
  for (const name of Object.keys(environment)) {
    if (!name.startsWith('EVERDRAFT_') || known.has(name)) continue
    // Kubernetes sets these for a service that is called everdraft.
    if (/^EVERDRAFT_(?:SERVICE_|PORT(?:_|$))/.test(name)) continue
    throw new UsageError(`unknown setting: ${name}`)
  }
}

async function readConfig(path: string, isNamed: boolean): Promise<(name: SettingName) => Given | null> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (!isNamed && (error as NodeJS.ErrnoException).code === 'ENOENT') return () => null
    throw new UsageError(`the config file ${path} cannot be read: ${(error as Error).message}`)
  }
  const config = parseObject(text, path)
  const keys = new Set<string>(Object.values(definitions).map(({ key }) => key))
  for (const key of Object.keys(config)) {
    if (!keys.has(key)) throw new UsageError(`${path}: unknown setting: ${key}`)
  }
  return (name) => {
    const { key } = definitions[name]
    const value = config[key]
    if (value === undefined) return null
    const source = `${path}: ${key}`
    if (typeof value !== 'string' && typeof value !== 'boolean' && typeof value !== 'number') {
      throw new UsageError(`${source}: must be a text`)
    }
    return { value: String(value), source }
  }
}

function parseObject(text: string, path: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // Said below; the parser's own words would show what the file holds.
  }
  throw new UsageError(`${path}: must be a JSON object`)
}

function notEmpty(given: Given | null): Given | null {
  if (given !== null && given.value === '') throw new UsageError(`${given.source}: must not be empty`)
  return given
}

/** Whatever is wrong with it, it may hold a password. */
function parseDatabaseUrl(given: Given | null): string | null {
  if (given === null) return null
  if (!URL.canParse(given.value) || !/^postgres(?:ql)?:$/.test(new URL(given.value).protocol)) {
    throw new UsageError(`${given.source}: must be a URL like postgres://user:password@host/database`)
  }
  return given.value
}

function parseListen({ value, source }: Given): Settings['listen'] {
  const groups = /^(?:\[(?<ipv6>[0-9a-fA-F:.]+)\]|(?<host>[^:[\]\s]+)):(?<port>\d{1,5})$/.exec(value)?.groups
  const host = groups?.['ipv6'] ?? groups?.['host']
  const port = Number(groups?.['port'])
  if (host === undefined || !(port <= 65_535)) {
    throw new UsageError(`${source}: must be HOST:PORT, like 127.0.0.1:8025 or [::1]:8025`)
  }
  return { host, port }
}

function parseToken(given: Given | null): string | null {
  if (given === null) return null
  // What a header cannot carry could never be presented (RFC 6750 §2.1).
  if (!/^[A-Za-z0-9\-._~+/]+=*$/.test(given.value)) {
    throw new UsageError(`${given.source}: must be letters, digits and any of - . _ ~ + /`)
  }
  return given.value
}

function parseBoolean({ value, source }: Given): boolean {
  if (value !== 'true' && value !== 'false') throw new UsageError(`${source}: must be true or false`)
  return value === 'true'
}

function parseHosts(given: Given | null): readonly string[] {
  if (given === null || given.value === '') return []
  const hosts = given.value.split(',').map((host) => host.trim())
  if (!hosts.every((host) => /^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(host))) {
    throw new UsageError(`${given.source}: must be names with commas between them, like mail.example.com,everdraft`)
  }
  return hosts
}

function parseCount(given: Given | null): number | null {
  if (given === null) return null
  if (!/^\d{1,9}$/.test(given.value)) throw new UsageError(`${given.source}: must be a whole number, 0 for no limit`)
  return Number(given.value)
}

const mostDays = 36_500

function parseDays(given: Given | null, least: number): number | null {
  if (given === null) return null
  const days = /^\d{1,5}$/.test(given.value) ? Number(given.value) : null
  if (days === null || days < least || days > mostDays) {
    throw new UsageError(`${given.source}: must be a whole number of days, ${least} to ${mostDays}`)
  }
  return days
}
