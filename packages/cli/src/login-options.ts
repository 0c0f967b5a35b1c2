import type { ServerJson } from '@everdraft/daemon'

import { oneOf, wholeNumber, type CommandInput, type Option } from './command.ts'
import { UsageError } from './failure.ts'
import { readPassword } from './password.ts'

const securities = ['tls', 'starttls', 'none'] as const

const defaultPorts = {
  imap: { tls: 993, starttls: 143, none: 143 },
  smtp: { tls: 465, starttls: 587, none: 587 },
} as const

/** How an account enters its servers, as commands take it. */
export const loginOptions: Readonly<Record<string, Option>> = {
  'imap-host': { value: 'HOST', help: 'the mail server' },
  'imap-port': { value: 'PORT', help: 'default 993, else 143' },
  'imap-security': { value: 'tls|starttls|none', help: 'default tls' },
  'imap-user': { value: 'USER', help: 'default: the address' },
  'imap-password-env': { value: 'VARIABLE', help: 'the environment variable that holds the password' },
  'smtp-host': { value: 'HOST', help: 'the server for sending' },
  'smtp-port': { value: 'PORT', help: 'default 465, else 587' },
  'smtp-security': { value: 'tls|starttls|none', help: 'default tls' },
  'smtp-user': { value: 'USER', help: 'default: as for IMAP' },
  'smtp-password-env': { value: 'VARIABLE', help: 'default: the password for IMAP' },
  'oauth-token-endpoint': { value: 'URL', help: 'log in by access tokens (OAuth2), got there by a refresh token' },
  'oauth-client-id': { value: 'ID', help: 'this program’s name there' },
  'oauth-client-secret-env': { value: 'VARIABLE', help: 'the variable that holds its secret, where it has one' },
  'oauth-refresh-token-env': { value: 'VARIABLE', help: 'the variable that holds the refresh token' },
  'oauth-scope': { value: 'SCOPES', help: 'default: those of the refresh token' },
  proxy: { value: 'URL', help: 'socks5://HOST:PORT or http://HOST:PORT' },
  'proxy-env': { value: 'VARIABLE', help: 'the variable that holds that URL, with a user and a password in it' },
  'allow-untrusted': { help: 'take certificates that this machine does not trust' },
}

type Protocol = 'imap' | 'smtp'

type Server = Pick<ServerJson, 'host' | 'port' | 'security' | 'user'> & {
  readonly password?: string
  readonly proxy?: string
  readonly allow_untrusted?: boolean
}

interface Auth {
  readonly type: 'oauth2'
  readonly token_endpoint: string
  readonly client_id: string
  readonly client_secret?: string
  readonly refresh_token: string
  readonly scope?: string
}

/** As REST takes it. */
export interface Logins {
  readonly imap: Server
  readonly smtp?: Server
  readonly auth?: Auth
}

/** Servers that are known already: those of an account that is changed, or what was discovered. */
export interface KnownServers {
  readonly imap: KnownServer | null
  readonly smtp: KnownServer | null
}

type KnownServer = Pick<ServerJson, 'host' | 'port' | 'security' | 'user'>

/** `before`: what is not said of a server is as it was there. Secrets are always asked for. */
export async function readLogins(
  input: CommandInput,
  address: string,
  before: KnownServers = { imap: null, smtp: null },
): Promise<Logins> {
  const way = { ...(await proxyOf(input)), ...(input.isOn('allow-untrusted') ? { allow_untrusted: true } : {}) }
  const imap = { ...server(input, 'imap', address, before.imap), ...way }
  const smtpServer = smtpOf(input, imap.user, before.smtp)
  const smtp = smtpServer === null ? null : { ...smtpServer, ...way }
  const auth = await authOf(input, imap)
  if (auth !== null) return { imap, ...(smtp === null ? {} : { smtp }), auth }
  const password = await readPassword({
    environmentVariable: input.option('imap-password-env'),
    prompt: `Password of ${imap.user} at ${imap.host}: `,
  })
  if (smtp === null) return { imap: { ...imap, password } }
  const variable = input.option('smtp-password-env')
  const smtpPassword =
    variable === undefined ? password : await readPassword({ environmentVariable: variable, prompt: '' })
  return { imap: { ...imap, password }, smtp: { ...smtp, password: smtpPassword } }
}

function server(input: CommandInput, protocol: Protocol, defaultUser: string, before: KnownServer | null): Server {
  const security = oneOf(
    `${protocol}-security`,
    input.option(`${protocol}-security`) ?? before?.security ?? 'tls',
    securities,
  )
  const host = input.option(`${protocol}-host`) ?? before?.host
  if (host === undefined) throw new UsageError(`--${protocol}-host is needed`)
  const port = input.option(`${protocol}-port`)
  const usual = before?.security === security ? before.port : defaultPorts[protocol][security]
  return {
    host,
    port: port === undefined ? usual : wholeNumber(`${protocol}-port`, port, 1, 65_535),
    security,
    user: input.option(`${protocol}-user`) ?? before?.user ?? defaultUser,
  }
}

function smtpOf(input: CommandInput, defaultUser: string, before: KnownServer | null): Server | null {
  if (before !== null || input.option('smtp-host') !== undefined) return server(input, 'smtp', defaultUser, before)
  for (const name of ['smtp-port', 'smtp-security', 'smtp-user', 'smtp-password-env']) {
    if (input.option(name) !== undefined) throw new UsageError(`--${name}: --smtp-host is needed with it`)
  }
  return null
}

async function proxyOf(input: CommandInput): Promise<{ readonly proxy?: string }> {
  const variable = input.option('proxy-env')
  const proxy = input.option('proxy')
  if (variable !== undefined && proxy !== undefined) throw new UsageError('--proxy and --proxy-env: only one of them')
  if (variable !== undefined) return { proxy: await readPassword({ environmentVariable: variable, prompt: '' }) }
  if (proxy?.includes('@')) {
    throw new UsageError('--proxy: a password is never an argument, as others can read those: --proxy-env takes it')
  }
  return proxy === undefined ? {} : { proxy }
}

async function authOf(input: CommandInput, { user, host }: Server): Promise<Auth | null> {
  const endpoint = input.option('oauth-token-endpoint')
  if (endpoint === undefined) {
    for (const name of ['oauth-client-id', 'oauth-client-secret-env', 'oauth-refresh-token-env', 'oauth-scope']) {
      if (input.option(name) !== undefined) throw new UsageError(`--${name}: --oauth-token-endpoint is needed with it`)
    }
    return null
  }
  const clientId = input.option('oauth-client-id')
  if (clientId === undefined) throw new UsageError('--oauth-client-id is needed with --oauth-token-endpoint')
  for (const name of ['imap-password-env', 'smtp-password-env']) {
    if (input.option(name) !== undefined) throw new UsageError(`--${name}: access tokens take the place of passwords`)
  }
  const refreshToken = await readPassword({
    environmentVariable: input.option('oauth-refresh-token-env'),
    prompt: `Refresh token of ${user} at ${host}: `,
  })
  const secretVariable = input.option('oauth-client-secret-env')
  const scope = input.option('oauth-scope')
  return {
    type: 'oauth2',
    token_endpoint: endpoint,
    client_id: clientId,
    refresh_token: refreshToken,
    ...(secretVariable === undefined
      ? {}
      : { client_secret: await readPassword({ environmentVariable: secretVariable, prompt: '' }) }),
    ...(scope === undefined ? {} : { scope }),
  }
}
