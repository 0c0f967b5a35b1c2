import { type LoginSettings, WireError } from '@everdraft/core'

import { connectFailure, connectionLost, peerName, serverWords } from '../imap/wire-failure.ts'

/** Turns what Node and nodemailer throw while connecting into the port's errors. No password is in them. */
export function loginFailure(error: unknown, settings: LoginSettings, timeoutMs: number): WireError {
  if (error instanceof WireError) return error
  const peer = peerName(settings)
  const { code, originalCode, command, response, responseCode } = error as LoginFailure
  if (code === 'ETIMEDOUT' && originalCode === undefined) {
    return connectFailure({ code: 'ETIMEOUT' }, settings, timeoutMs)
  }
  if (code === 'EAUTH') {
    // What is no reply says nothing about the password.
    if (response !== undefined && responseCode === undefined) {
      return new WireError('REFUSED', `${peer} does not speak SMTP`)
    }
    // RFC 4954 §6: 454, or 421, and the name and the password may well be right.
    if (responseCode !== undefined && responseCode < 500) {
      return new WireError('REFUSED', `${peer} cannot log anyone in at the moment (${responseCode})`)
    }
    return new WireError('AUTH_FAILED', `${peer} refused the user name or password`)
  }
  const system = originalCode ?? code
  if (system !== undefined && !nodemailerCodes.has(system)) {
    return connectFailure({ code: system }, settings, timeoutMs)
  }
  if (code === 'ETLS' || command === 'STARTTLS') {
    if (response !== undefined) return new WireError('REFUSED', `${peer} does not offer STARTTLS`)
    // nodemailer wraps what OpenSSL says into a text.
    return new WireError('REFUSED', `${peer} does not speak TLS as expected on this port`)
  }
  if (response !== undefined) {
    return new WireError('REFUSED', `${peer} refused the connection: ${serverWords(response)}`)
  }
  if (code === 'EPROTOCOL') return new WireError('REFUSED', `${peer} does not speak SMTP`)
  return connectionLost(peer)
}

interface LoginFailure {
  readonly code?: string
  /** Of the system error that nodemailer gave its own code. */
  readonly originalCode?: string
  readonly command?: string
  readonly response?: string
  readonly responseCode?: number
}

const nodemailerCodes: ReadonlySet<string> = new Set([
  'ESOCKET',
  'ECONNECTION',
  'ETIMEDOUT',
  'ETLS',
  'EPROTOCOL',
  'EAUTH',
  'EDNS',
  'ECONNRESET',
  'EPIPE',
])
