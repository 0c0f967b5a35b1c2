import type { Duplex } from 'node:stream'

import type { ConnectOptions, LoginSettings, WireBytes } from '@everdraft/core'
import { ImapFlow } from 'imapflow'

import { createCountedTransport } from './counted-transport.ts'
import { aborted, connectFailure, peerName } from './wire-failure.ts'

/** An authenticated connection that nothing else reads from or writes to. */
export interface LoggedIn {
  readonly socket: Duplex
  /** Upper case; `APPENDLIMIT` has its number. */
  readonly capabilities: ReadonlyMap<string, boolean | number>
  bytes(): WireBytes
}

/**
 * Connects, secures and authenticates by imapflow, then takes the socket from it. From there on imapflow's own
 * commands cannot run: its `expunge` falls back to one that removes every `\Deleted` message, its `append` holds the
 * message in memory and throws at an APPENDLIMIT of 2^63−1, and it has no word for REPLACE and CATENATE.
 */
export async function logIn(settings: LoginSettings, { signal, timeoutMs }: ConnectOptions): Promise<LoggedIn> {
  const peer = peerName(settings)
  if (signal.aborted) throw aborted(peer)
  const counted = createCountedTransport()
  const client = new ImapFlow({
    host: settings.host,
    port: settings.port,
    secure: settings.security === 'tls',
    doSTARTTLS: settings.security === 'starttls',
    auth:
      'password' in settings
        ? { user: settings.user, pass: settings.password }
        : { user: settings.user, accessToken: await settings.auth.accessToken({ renew: false }) },
    tls: { rejectUnauthorized: settings.allowUntrusted !== true },
    transport: counted.transport,
    clientInfo: { name: 'everdraft', version: '', vendor: '', 'support-url': '' },
    logger: false,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    disableAutoIdle: true,
    // Byte counts are a promise to the user; compression would make them unpredictable.
    disableCompression: true,
    // UTF8=ACCEPT and IMAP4rev2 change what folder names and SEARCH look like.
    disableAutoEnable: true,
  })
  client.on('error', () => {})
  const onAbort = (): void => {
    client.close()
    counted.destroy()
  }
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await client.connect()
    if (signal.aborted) throw aborted(peer)
    const { socket } = client.unbind()
    socket.setTimeout(0)
    return { socket, capabilities: client.capabilities, bytes: () => counted.bytes() }
  } catch (error) {
    counted.destroy()
    throw signal.aborted ? aborted(peer) : connectFailure(error, settings, timeoutMs)
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
