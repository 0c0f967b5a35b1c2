import type { Socket } from 'node:net'

import {
  type ConnectOptions,
  type LoginSettings,
  type OAuth2Settings,
  type WireBytes,
  WireError,
} from '@everdraft/core'
import SmtpConnection, {
  type AuthenticationType,
  type CustomAuthenticationContext,
} from 'nodemailer/lib/smtp-connection'

import { asciiHost, openSocket } from '../imap/open-socket.ts'
import { aborted, connectFailure, peerName, silence } from '../imap/wire-failure.ts'
import { readMechanisms, readOffers } from './capabilities.ts'
import { loginFailure } from './login-failure.ts'

/** An authenticated connection that nothing else reads from or writes to. */
export interface LoggedIn {
  readonly socket: Socket
  readonly authMechanisms: readonly string[]
  bytes(): WireBytes
}

/** What we call ourselves. RFC 5321 §4.1.4 wants a name; that of the device is nobody's business. */
export const ehloName = '[127.0.0.1]'

/**
 * Connects, secures and authenticates by nodemailer's SMTPConnection, then takes the socket from it. Its `send` cannot do what the
 * journal needs: it sends DATA together with RCPT, so that nothing can be written down between the two; it has no word for
 * HOLDUNTIL and BURL.
 */
export async function logIn(settings: LoginSettings, options: ConnectOptions): Promise<LoggedIn> {
  const { signal, timeoutMs } = options
  const peer = peerName(settings)
  if (signal.aborted) throw aborted(peer)
  const raw = await open(settings, options)
  const onAbort = (): void => void raw.destroy(aborted(peer))
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    const smtp = await inTime(introduce(raw, settings, timeoutMs), peer, timeoutMs)
    const authMechanisms = readMechanisms(readOffers(replyLines(smtp.lastServerResponse)))
    if (settings.user !== '') await authenticate(smtp, settings, authMechanisms, timeoutMs)
    return {
      socket: takeSocket(smtp),
      authMechanisms,
      bytes: () => ({ sent: raw.bytesWritten, received: raw.bytesRead }),
    }
  } catch (error) {
    raw.destroy()
    throw signal.aborted ? aborted(peer) : loginFailure(error, settings, timeoutMs)
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

async function open(settings: LoginSettings, options: ConnectOptions): Promise<Socket> {
  try {
    return await openSocket(settings, options)
  } catch (error) {
    throw connectFailure(error, settings, options.timeoutMs)
  }
}

/** Greeting, EHLO, and TLS: from the first byte, or by STARTTLS and EHLO once more (RFC 3207 §4.2). */
async function introduce(raw: Socket, settings: LoginSettings, timeoutMs: number): Promise<SmtpConnection> {
  const smtp = new SmtpConnection({
    connection: raw,
    host: asciiHost(settings),
    port: settings.port,
    secure: settings.security === 'tls',
    requireTLS: settings.security === 'starttls',
    ignoreTLS: settings.security === 'none',
    name: ehloName,
    tls: { rejectUnauthorized: settings.allowUntrusted !== true },
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    socketCloseTimeout: 0,
    customAuth: { OAUTHBEARER: bearer(settings), XOAUTH2: bearer(settings) },
  })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  // It stays: what fails late, when nobody listens any more, must not end the process.
  smtp.on('error', reject)
  smtp.connect((error) => (error ? reject(error) : resolve()))
  await promise
  return smtp
}

async function authenticate(
  smtp: SmtpConnection,
  settings: LoginSettings,
  mechanisms: readonly string[],
  timeoutMs: number,
): Promise<void> {
  const peer = peerName(settings)
  const tryBy = (auth: AuthenticationType): Promise<void> => inTime(login(smtp, auth), peer, timeoutMs)
  const wanted = 'password' in settings ? ['PLAIN', 'LOGIN'] : ['OAUTHBEARER', 'XOAUTH2']
  const method = wanted.find((mechanism) => mechanisms.includes(mechanism))
  if (method === undefined) {
    const how = 'password' in settings ? 'a password' : 'an access token'
    throw new WireError('AUTH_FAILED', `${peer} offers no login by ${how}`)
  }
  if ('password' in settings) {
    await tryBy({ method, user: settings.user, pass: settings.password })
    return
  }
  const user = { method, user: settings.user }
  try {
    await tryBy({ ...user, accessToken: await settings.auth.accessToken({ renew: false }) })
  } catch (error) {
    if ((error as { readonly responseCode?: number }).responseCode !== 535) throw error
    await tryBy({ ...user, accessToken: await settings.auth.accessToken({ renew: true }) })
  }
}

/** nodemailer's own time-out is for silence alone: a server that says an octet now and then would hold the line for ever. */
async function inTime<T>(step: Promise<T>, peer: string, timeoutMs: number): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(silence(peer, timeoutMs)), timeoutMs)
  try {
    return await Promise.race([step, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

async function login(smtp: SmtpConnection, auth: AuthenticationType): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  smtp.once('error', reject)
  smtp.login(auth, (error) => (error ? reject(error) : resolve()))
  try {
    await promise
  } finally {
    smtp.off('error', reject)
  }
}

/**
 * RFC 7628 §3.1, and XOAUTH2 before it. Ours and not nodemailer's, which would fetch tokens from URLs by itself. A server that refuses
 * a token says why in a challenge, and gives its 535 when that is answered (RFC 7628 §3.2.3).
 */
function bearer(settings: LoginSettings) {
  const { host, port, user } = settings as OAuth2Settings
  return async (context: CustomAuthenticationContext): Promise<void> => {
    const { method } = context
    const token = `auth=Bearer ${String(context.auth['accessToken'])}\x01\x01`
    const words =
      method === 'XOAUTH2'
        ? `user=${user}\x01${token}`
        : `n,a=${saslName(user)},\x01host=${host}\x01port=${port}\x01${token}`
    let answer = await context.sendCommand(`AUTH ${method} ${base64(words)}`)
    if (answer.status === 334) answer = await context.sendCommand(method === 'XOAUTH2' ? '' : base64('\x01'))
    if (answer.status !== 235) throw new Error('The server refuses the token')
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

/** RFC 5801 §4. */
function saslName(name: string): string {
  return name.replaceAll('=', '=3D').replaceAll(',', '=2C')
}

function replyLines(response: string | false): readonly string[] {
  return (response || '').split(/\r?\n/).map((line) => line.slice(4))
}

function takeSocket(smtp: SmtpConnection): Socket {
  // oxlint-disable-next-line no-underscore-dangle -- nodemailer documents it as public
  const socket = smtp._socket
  if (!socket) throw new TypeError('nodemailer has no socket after the login')
  // What else nodemailer listens to (error, end, close) only tidies up after the connection is gone.
  socket.removeAllListeners('data')
  socket.removeAllListeners('timeout')
  socket.setTimeout(0)
  return socket
}
