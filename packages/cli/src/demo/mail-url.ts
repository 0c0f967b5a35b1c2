import { isIP } from 'node:net'

import type { ServerSettings } from '@everdraft/core'

import { UsageError } from '../failure.ts'

interface Scheme {
  readonly option: 'imap' | 'smtp'
  readonly port: number
  readonly tlsPort: number
}

/** `imap://user:pass@host:port`, and `imaps://` for TLS from the first byte. User and password are percent-encoded. */
export function parseMailUrl(text: string): ServerSettings {
  return parseUrl(text, { option: 'imap', port: 143, tlsPort: 993 })
}

/** `smtp://user:pass@host:port` with STARTTLS, but to this machine itself, and `smtps://` (RFC 8314 §3.3). */
export function parseSubmissionUrl(text: string): ServerSettings {
  const settings = parseUrl(text, { option: 'smtp', port: 587, tlsPort: 465 })
  if (settings.security === 'tls' || isLoopback(settings.host)) return settings
  return { ...settings, security: 'starttls' }
}

function parseUrl(text: string, { option, port, tlsPort }: Scheme): ServerSettings {
  // The text itself never stands in an error: there is a password in it.
  const expected = `--${option}: must be ${option}://USER:PASSWORD@HOST:PORT or ${option}s://…`
  if (!URL.canParse(text)) throw new UsageError(expected)
  const url = new URL(text)
  if (url.protocol !== `${option}:` && url.protocol !== `${option}s:`) throw new UsageError(expected)
  const user = decoded(url.username, option)
  const password = decoded(url.password, option)
  if (url.hostname === '' || user === '' || password === '') throw new UsageError(expected)
  if (!['', '/'].includes(url.pathname) || url.search !== '' || url.hash !== '') {
    throw new UsageError(`--${option}: nothing may stand behind the port`)
  }
  const isTls = url.protocol === `${option}s:`
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? (isTls ? tlsPort : port) : Number(url.port),
    security: isTls ? 'tls' : 'none',
    user,
    password,
  }
}

function decoded(text: string, option: Scheme['option']): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new UsageError(`--${option}: user and password must be percent-encoded (RFC 3986 §2.1)`)
  }
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

/** The address to write drafts from: the user name where it is one. */
export function addressOf({ user, host }: ServerSettings): string {
  if (user.includes('@')) return user
  return `${user}@${isIP(host) === 0 ? host : `[${host}]`}`
}
