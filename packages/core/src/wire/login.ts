import type { ServerAddress, ServerSettings } from './mailbox.ts'

/** Where and how access tokens are got (RFC 6749 §6), without what is secret of it. */
export interface TokenSource {
  /** `https:`, or `http:` to this machine. */
  readonly tokenEndpoint: string
  readonly clientId: string
  /** Scopes with blanks between them; left out: those of the refresh token. */
  readonly scope?: string
}

/** A login by access tokens: from the app's callback, or, with a `refresh`, by what is stored of the account. */
export interface TokenLogin extends ServerAddress {
  readonly auth: {
    readonly type: 'oauth2'
    readonly refresh?: TokenSource & { readonly refreshToken: string; readonly clientSecret?: string }
  }
}

/** How an account enters a server, as somebody gives it to us. */
export type LoginInput = ServerSettings | TokenLogin

/** The same as it is told again: no password, no token, and a proxy without its user. */
export interface Login extends ServerAddress {
  /** Absent: by a password. */
  readonly auth?: { readonly type: 'oauth2'; readonly refresh?: TokenSource }
}

/** What of a login is secret, each under its name. */
export type LoginSecrets = Readonly<Partial<Record<SecretName, string>>>

export type SecretName = 'password' | 'proxy' | 'refresh-token' | 'client-secret'

/** Parts what may be told again from what may not. */
export function withoutSecrets(input: LoginInput): { readonly login: Login; readonly secrets: LoginSecrets } {
  const { host, port, security, user, allowUntrusted, compress, proxy } = input
  const shownProxy = proxy?.replace(/^([a-z0-9]+:\/\/)[^/]*@/i, '$1')
  const address: ServerAddress = {
    host,
    port,
    security,
    user,
    ...(allowUntrusted === undefined ? {} : { allowUntrusted }),
    ...(compress === undefined ? {} : { compress }),
    ...(shownProxy === undefined ? {} : { proxy: shownProxy }),
  }
  const proxySecret = proxy === undefined || proxy === shownProxy ? {} : { proxy }
  if ('password' in input) return { login: address, secrets: { password: input.password, ...proxySecret } }
  const { refresh } = input.auth
  if (refresh === undefined) return { login: { ...address, auth: { type: 'oauth2' } }, secrets: proxySecret }
  const { tokenEndpoint, clientId, scope, refreshToken, clientSecret } = refresh
  const source = { tokenEndpoint, clientId, ...(scope === undefined ? {} : { scope }) }
  return {
    login: { ...address, auth: { type: 'oauth2', refresh: source } },
    secrets: {
      'refresh-token': refreshToken,
      ...(clientSecret === undefined ? {} : { 'client-secret': clientSecret }),
      ...proxySecret,
    },
  }
}
