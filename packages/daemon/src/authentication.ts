import { createHash, timingSafeEqual } from 'node:crypto'

import type { Engine } from '@everdraft/core'
import type { FastifyInstance } from 'fastify'

import { operator, type Principal, setPrincipal } from './principal.ts'
import { ProblemError } from './problems.ts'

/** Lets in nobody without a token (RFC 6750), also to paths that do not exist, but to routes that are open to all. */
export function requireToken(app: FastifyInstance, { engine, token }: { engine: Engine; token: string }): void {
  if (token === '') throw new TypeError('token: must not be empty')
  const expected = digest(token)

  async function bearerOf(given: string): Promise<Principal | null> {
    // Digests are equally long, so that the comparison takes the same time whatever was sent.
    if (timingSafeEqual(digest(given), expected)) return operator
    const known = await engine.apiTokens.authenticate(given)
    if (known === null) return null
    return { owner: known.owner, scopes: new Set(known.scopes), tokenId: known.id, expiresAt: known.expiresAt }
  }

  app.addHook('onRequest', async (request) => {
    if (!request.is404 && request.routeOptions.config.access === 'open') return
    const given = /^Bearer +(?<token>[^ ]+) *$/i.exec(request.headers.authorization ?? '')?.groups?.['token']
    if (given === undefined) throw unauthenticated('a bearer token is needed', 'Bearer realm="everdraft"')
    const principal = await bearerOf(given)
    if (principal === null) {
      throw unauthenticated(
        'this token is not known, or has expired',
        'Bearer realm="everdraft", error="invalid_token"',
      )
    }
    setPrincipal(request, principal)
  })
}

function unauthenticated(detail: string, challenge: string): ProblemError {
  return new ProblemError(401, 'UNAUTHENTICATED', `Authorization: ${detail}`, {
    headers: { 'www-authenticate': challenge },
  })
}

function digest(text: string): Uint8Array {
  return createHash('sha256').update(text).digest()
}

/** Without the query. */
export function pathOf(url: string): string {
  const end = url.indexOf('?')
  return end === -1 ? url : url.slice(0, end)
}
