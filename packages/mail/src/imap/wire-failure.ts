import { WireError, type LoginSettings, type ServerAddress } from '@everdraft/core'

/**
 * Turns what Node and imapflow throw while connecting into the port's errors. No secret is in them: what a server says
 * after it was told the password may hold it, and is not repeated unless `mayRepeat`.
 */
export function connectFailure(
  error: unknown,
  settings: LoginSettings,
  timeoutMs: number,
  mayRepeat = true,
): WireError {
  if (error instanceof WireError) return error
  const peer = peerName(settings)
  const { code, message, reason, authenticationFailed, serverResponseCode, tlsFailed } = error as ConnectFailure
  if (timeoutCodes.has(code ?? '')) return silence(peer, timeoutMs)
  if (authenticationFailed === true) {
    if (temporaryRefusals.has(serverResponseCode ?? '')) {
      return new WireError('REFUSED', `${peer} cannot log anyone in at the moment (${serverResponseCode})`)
    }
    const proof = 'password' in settings ? 'user name or password' : 'access token'
    return new WireError('AUTH_FAILED', `${peer} refused the ${proof}`)
  }
  if (isCertificateCode(code)) {
    return new WireError(
      'CERTIFICATE',
      `${peer} does not present a trusted certificate (${certificateProblem(code ?? '', message)})`,
    )
  }
  const unreachable = unreachableReasons[code ?? '']
  if (unreachable !== undefined) return new WireError('UNREACHABLE', `${peer} ${unreachable}`)
  if (code !== undefined && (code.startsWith('ERR_SSL_') || code === 'EPROTO')) {
    return new WireError('REFUSED', `${peer} does not speak TLS as expected on this port (${code})`)
  }
  if (code === 'STARTTLS_INJECTION') {
    return new WireError('REFUSED', `${peer} sent something between STARTTLS and TLS, as an attacker would`)
  }
  if (tlsFailed === true) return new WireError('REFUSED', `${peer} does not offer STARTTLS`)
  if (reason) {
    const words = mayRepeat ? `: ${serverWords(reason)}` : ''
    return new WireError('REFUSED', `${peer} refused the connection${words}`)
  }
  return connectionLost(peer)
}

export function peerName(settings: Pick<ServerAddress, 'host' | 'port'>): string {
  return `${settings.host.includes(':') ? `[${settings.host}]` : settings.host}:${settings.port}`
}

export function connectionLost(peer: string): WireError {
  return new WireError('CONNECTION_LOST', `${peer} closed the connection`)
}

export function silence(peer: string, timeoutMs: number): WireError {
  return new WireError('TIMEOUT', `${peer} did not answer for ${Math.ceil(timeoutMs / 1000)} s`)
}

export function aborted(peer: string): WireError {
  return new WireError('ABORTED', `The connection to ${peer} was ended here`)
}

/** One line, bounded: a server may say anything. */
export function serverWords(text: string): string {
  return text
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, 500)
}

interface ConnectFailure {
  readonly code?: string
  readonly message?: string
  /** What the server said in its BYE. */
  readonly reason?: string
  readonly authenticationFailed?: boolean
  readonly serverResponseCode?: string
  readonly tlsFailed?: boolean
}

const timeoutCodes: ReadonlySet<string> = new Set([
  'CONNECT_TIMEOUT',
  'GREETING_TIMEOUT',
  'UPGRADE_TIMEOUT',
  'ETIMEOUT',
])

/** RFC 5530 §3: the name and the password may well be right. */
const temporaryRefusals: ReadonlySet<string> = new Set(['UNAVAILABLE', 'INUSE', 'LIMIT', 'SERVERBUG', 'CONTACTADMIN'])

const unreachableReasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused the connection',
  ENOTFOUND: 'is not known (no such host)',
  EAI_AGAIN: 'could not be looked up: no answer from DNS',
  EHOSTUNREACH: 'cannot be reached from this network',
  ENETUNREACH: 'cannot be reached from this network',
  EADDRNOTAVAIL: 'cannot be reached from this network',
  ENETDOWN: 'cannot be reached: the network is down',
  ETIMEDOUT: 'did not answer',
}

const certificateProblems: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'self-signed certificate',
  SELF_SIGNED_CERT_IN_CHAIN: 'self-signed certificate in its chain',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'unknown issuer',
  UNABLE_TO_GET_ISSUER_CERT: 'unknown issuer',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'unknown issuer',
  CERT_HAS_EXPIRED: 'it has expired',
  CERT_NOT_YET_VALID: 'it is not valid yet',
  CERT_REVOKED: 'it was revoked',
  ERR_TLS_CERT_ALTNAME_INVALID: 'it is for another host name',
  HOSTNAME_MISMATCH: 'it is for another host name',
}

function isCertificateCode(code: string | undefined): boolean {
  return code !== undefined && (code in certificateProblems || /^CERT_|CERTIFICATE/.test(code))
}

function certificateProblem(code: string, message: string | undefined): string {
  return certificateProblems[code] ?? message ?? code
}
