import { isIP } from 'node:net'

import type { ServerSettings } from '@everdraft/core'

import { UsageError } from '../failure.ts'

/** `imap://user:pass@host:port`, and `imaps://` for TLS from the first byte. User and password are percent-encoded. */
export function parseMailUrl(text: string): ServerSettings {
  // The text itself never stands in an error: there is a password in it.
  const expected = '--imap: must be imap://USER:PASSWORD@HOST:PORT or imaps://…'
  if (!URL.canParse(text)) throw new UsageError(expected)
  const url = new URL(text)
  if (url.protocol !== 'imap:' && url.protocol !== 'imaps:') throw new UsageError(expected)
  const user = decoded(url.username)
  const password = decoded(url.password)
  if (url.hostname === '' || user === '' || password === '') throw new UsageError(expected)
  if (!['', '/'].includes(url.pathname) || url.search !== '' || url.hash !== '') {
    throw new UsageError('--imap: nothing may stand behind the port')
  }
  const isTls = url.protocol === 'imaps:'
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? (isTls ? 993 : 143) : Number(url.port),
    security: isTls ? 'tls' : 'none',
    user,
    password,
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new UsageError('--imap: user and password must be percent-encoded (RFC 3986 §2.1)')
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
