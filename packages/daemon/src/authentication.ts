import { hash, timingSafeEqual } from 'node:crypto'

import { type Engine, EverdraftError } from '@everdraft/core'
import type { FastifyInstance } from 'fastify'

import { operator, type Principal, setPrincipal } from './principal.ts'
import { ProblemError } from './problems.ts'

/** Lets in nobody without a token (RFC 6750), also to paths that do not exist, but to routes that are open to all. */
export function requireToken(app: FastifyInstance, { engine, token }: { engine: Engine; token: string }): void {
  if (token === '') throw new TypeError('token: must not be empty')
  const expected = digest(token)

  app.addHook('onRequest', async (request) => {
    const access = request.is404 ? undefined : request.routeOptions.config.access
    if (access === 'open') return
    const { authorization = '', accept = '' } = request.headers
    const given = tokenIn(authorization, access === 'reader')
    if (given === undefined) {
      const forBrowsers = access === 'reader' && accept.includes('text/html') ? 'Basic realm="everdraft", ' : ''
      throw unauthenticated('a bearer token is needed', `${forBrowsers}Bearer realm="everdraft"`)
    }
    // Digests are equally long, so that the comparison takes the same time whatever was sent.
    const isOperator = timingSafeEqual(digest(given), expected)
    setPrincipal(request, isOperator ? operator : await bearerOf(engine, given))
  })
}

async function bearerOf(engine: Engine, given: string): Promise<Principal> {
  const known = await engine.apiTokens.authenticate(given)
  if (known !== null) {
    return { owner: known.owner, scopes: new Set(known.scopes), tokenId: known.id, expiresAt: known.expiresAt }
  }
  const challenge = 'Bearer realm="everdraft", error="invalid_token"'
  throw unauthenticated('this token is not known, or has expired', challenge)
}

/** Whether who was let in would be let in now: for answers that go on and on. */
export async function isStillLetIn(engine: Engine, { tokenId, expiresAt }: Principal): Promise<boolean> {
  if (expiresAt !== null && expiresAt <= Date.now()) return false
  if (tokenId === null) return true
  try {
    await engine.apiTokens.get(tokenId)
    return true
  } catch (error) {
    if (!(error instanceof EverdraftError) || error.code !== 'NOT_FOUND') throw error
    return false
  }
}

/** A browser cannot be told to show a bearer token: where it only reads, the token may be its password (RFC 7617). */
function tokenIn(authorization: string, mayBePassword: boolean): string | undefined {
  const groups = /^(?<scheme>Bearer|Basic) +(?<value>[^ ]+) *$/i.exec(authorization)?.groups
  if (groups?.['scheme']?.toLowerCase() === 'bearer') return groups['value']
  if (!mayBePassword) return undefined
  return /^[^:]*:(?<password>.+)$/s.exec(Buffer.from(groups?.['value'] ?? '', 'base64').toString())?.groups?.[
    'password'
  ]
}

function unauthenticated(detail: string, challenge: string): ProblemError {
  return new ProblemError(401, 'UNAUTHENTICATED', `Authorization: ${detail}`, {
    headers: { 'www-authenticate': challenge },
  })
}

function digest(text: string): Uint8Array {
  return hash('sha256', text, 'buffer')
}

/** Without the query. */
export function pathOf(url: string): string {
  const end = url.indexOf('?')
  return end === -1 ? url : url.slice(0, end)
}
