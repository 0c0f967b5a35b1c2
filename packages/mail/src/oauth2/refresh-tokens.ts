import { type TokenProvider, type TokenRequest, WireError } from '@everdraft/core'

/** A token that ends within this time is not given any more. */
const marginMs = 60_000
const timeoutMs = 30_000

interface Cached {
  readonly accessToken: string
  readonly endsAt: number
}

/**
 * Gets access tokens by the refresh token that is stored with the account (RFC 6749 §6), and keeps each until it ends. What
 * the token endpoint answers is repeated to nobody: of an error only its code.
 */
export function refreshTokens(): TokenProvider {
  const cached = new Map<string, Cached>()
  return async (request) => {
    const key = `${request.accountId} ${request.login}`
    const known = cached.get(key)
    if (known !== undefined && !request.renew && known.endsAt - marginMs > Date.now()) return known.accessToken
    const fresh = await refresh(request)
    cached.set(key, fresh)
    return fresh.accessToken
  }
}

async function refresh({ refresh: source, user, keepRefreshToken }: TokenRequest): Promise<Cached> {
  if (source === null) {
    throw new WireError('AUTH_FAILED', `${user} logs in by access tokens, and there is no refresh token to get one by`)
  }
  const host = new URL(source.tokenEndpoint).host
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: source.refreshToken,
    client_id: source.clientId,
  })
  if (source.clientSecret !== undefined) form.set('client_secret', source.clientSecret)
  if (source.scope !== undefined) form.set('scope', source.scope)
  const response = await ask(source.tokenEndpoint, host, form)
  const answer = (await response.json().catch(() => null)) as Readonly<Record<string, unknown>> | null
  if (!response.ok) {
    // RFC 6749 §5.2: a word of a fixed list; anything else may hold what was sent.
    const code = typeof answer?.['error'] === 'string' && /^[a-z_]{1,40}$/.test(answer['error']) ? answer['error'] : ''
    if (response.status >= 500) throw new WireError('UNREACHABLE', `${host} gives no access tokens now`)
    throw new WireError('AUTH_FAILED', `${host} refused the refresh token${code === '' ? '' : `: ${code}`}`)
  }
  const accessToken = answer?.['access_token']
  if (typeof accessToken !== 'string' || accessToken === '') {
    throw new WireError('AUTH_FAILED', `${host} answered without an access token`)
  }
  const next = answer?.['refresh_token']
  if (typeof next === 'string' && next !== '' && next !== source.refreshToken) await keepRefreshToken(next)
  const seconds = Number(answer?.['expires_in'] ?? 0)
  return { accessToken, endsAt: Date.now() + (Number.isFinite(seconds) ? seconds * 1000 : 0) }
}

async function ask(endpoint: string, host: string, form: URLSearchParams): Promise<Response> {
  try {
    // A redirect would take the refresh token to another host.
    return await fetch(endpoint, {
      method: 'POST',
      body: form,
      redirect: 'error',
      headers: { accept: 'application/json' },
      signal: AbortSignal.timeout(timeoutMs),
    })
  } catch {
    throw new WireError('UNREACHABLE', `${host} cannot be reached for an access token`)
  }
}
