import type net from 'node:net'
import type { Duplex } from 'node:stream'

import { WireError, type ConnectOptions, type LoginSettings, type WireBytes } from '@everdraft/core'
import { ImapFlow } from 'imapflow'

import { createCountedTransport } from './counted-transport.ts'
import { asciiHost, openSocket } from './open-socket.ts'
import { aborted, connectFailure, peerName } from './wire-failure.ts'

/** An authenticated connection that nothing else reads from or writes to. */
export interface LoggedIn {
  readonly socket: Duplex
  /** Upper case; `APPENDLIMIT` has its number. */
  readonly capabilities: ReadonlyMap<string, boolean | number>
  /** RFC 2971. */
  readonly serverId: string | null
  bytes(): WireBytes
}

type Credentials = { readonly pass: string } | { readonly accessToken: string }

/**
 * Connects, secures and authenticates by imapflow, then takes the socket from it. From there on imapflow's own
 * commands cannot run: its `expunge` falls back to one that removes every `\Deleted` message, its `append` holds the
 * message in memory and throws at an APPENDLIMIT of 2^63−1, and it has no word for REPLACE and CATENATE.
 */
export async function logIn(settings: LoginSettings, options: ConnectOptions): Promise<LoggedIn> {
  if ('password' in settings) return logInWith({ pass: settings.password }, settings, options)
  try {
    return await logInWith({ accessToken: await accessToken(settings, options, false) }, settings, options)
  } catch (error) {
    // The token may have ended before its time; of a second refusal nobody learns anything new.
    if (!(error instanceof WireError) || error.code !== 'AUTH_FAILED') throw error
    return logInWith({ accessToken: await accessToken(settings, options, true) }, settings, options)
  }
}

/** What goes wrong there is not repeated: it may hold a secret. */
async function accessToken(
  settings: Exclude<LoginSettings, { readonly password: string }>,
  { signal }: ConnectOptions,
  renew: boolean,
): Promise<string> {
  const peer = peerName(settings)
  const given = Promise.withResolvers<never>()
  const onAbort = (): void => given.reject(aborted(peer))
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    if (signal.aborted) throw aborted(peer)
    return await Promise.race([settings.auth.accessToken({ renew }), given.promise])
  } catch (error) {
    if (error instanceof WireError) throw error
    throw new WireError('UNREACHABLE', `No access token for ${peer} could be had`)
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

async function logInWith(
  credentials: Credentials,
  settings: LoginSettings,
  options: ConnectOptions,
): Promise<LoggedIn> {
  const { signal, timeoutMs } = options
  const peer = peerName(settings)
  let raw: net.Socket | null = null
  let client: ImapFlow | null = null
  const onAbort = (): void => {
    client?.close()
    raw?.destroy()
  }
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    raw = await openSocket(settings, options)
    const counted = createCountedTransport(raw)
    client = new ImapFlow({
      host: asciiHost(settings),
      port: settings.port,
      secure: settings.security === 'tls',
      doSTARTTLS: settings.security === 'starttls',
      auth: { user: settings.user, ...credentials },
      tls: { rejectUnauthorized: settings.allowUntrusted !== true },
      transport: counted.transport,
      clientInfo: { name: 'everdraft', version: '', vendor: '', 'support-url': '' },
      logger: false,
      connectionTimeout: timeoutMs,
      greetingTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      disableAutoIdle: true,
      // The session compresses by itself, where a message is about to go over the line.
      disableCompression: true,
      // UTF8=ACCEPT and IMAP4rev2 change what folder names and SEARCH look like.
      disableAutoEnable: true,
    })
    client.on('error', () => {})
    await client.connect()
    if (signal.aborted) throw aborted(peer)
    const { socket } = client.unbind()
    socket.setTimeout(0)
    return { socket, capabilities: client.capabilities, serverId: serverId(client), bytes: () => counted.bytes() }
  } catch (error) {
    client?.close()
    raw?.destroy()
    if (signal.aborted) throw aborted(peer)
    // A BYE before the server has said what it can do came before we said who we are.
    const mayRepeat = client === null || client.capabilities.size === 0
    throw withoutMechanism(error, client, settings) ?? connectFailure(error, settings, timeoutMs, mayRepeat)
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** imapflow asks for it at the login. Date, address and the like differ from day to day, and say nothing. */
function serverId({ serverInfo }: ImapFlow): string | null {
  const said = [serverInfo?.name, serverInfo?.version].filter((word) => typeof word === 'string' && word !== '')
  return said.length === 0 ? null : said.join(' ').replaceAll(/\s+/g, ' ').slice(0, 200)
}

/** The server was reached, and has no way to take what we would prove ourselves by: nothing was sent. */
function withoutMechanism(error: unknown, client: ImapFlow | null, settings: LoginSettings): WireError | null {
  const { authenticationFailed, message } = error as { readonly authenticationFailed?: boolean; message?: string }
  if (client === null || !(authenticationFailed === true || message === 'Unsupported authentication mechanism')) {
    return null
  }
  const has = (...names: readonly string[]): boolean => names.some((name) => client.capabilities.has(name))
  if (!('password' in settings)) {
    if (has('AUTH=OAUTHBEARER', 'AUTH=XOAUTH2', 'AUTH=XOAUTH')) return null
    return new WireError('REFUSED', `${peerName(settings)} offers no login by an access token`)
  }
  if (!has('LOGINDISABLED') || has('AUTH=PLAIN', 'AUTH=LOGIN')) return null
  return new WireError('REFUSED', `${peerName(settings)} offers no login by a password on this connection`)
}
