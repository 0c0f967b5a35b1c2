import { createHash, timingSafeEqual } from 'node:crypto'

import type { FastifyInstance } from 'fastify'

import { ProblemError } from './problems.ts'

/** These say only that the daemon is there: probes of a load balancer carry no token. */
const openPaths: ReadonlySet<string> = new Set(['/', '/healthz', '/readyz'])

/** Refuses every request without the token (RFC 6750), also to paths that do not exist. */
export function requireToken(app: FastifyInstance, token: string): void {
  if (token === '') throw new TypeError('token: must not be empty')
  const expected = digest(token)
  app.addHook('onRequest', async (request) => {
    const isOpen = (request.method === 'GET' || request.method === 'HEAD') && openPaths.has(pathOf(request.url))
    if (isOpen) return
    const given = /^Bearer +(?<token>[^ ]+) *$/i.exec(request.headers.authorization ?? '')?.groups?.['token']
    // Digests are equally long, so that the comparison takes the same time whatever was sent.
    if (given !== undefined && timingSafeEqual(digest(given), expected)) return
    const challenge =
      given === undefined ? 'Bearer realm="everdraft"' : 'Bearer realm="everdraft", error="invalid_token"'
    throw new ProblemError(
      401,
      'UNAUTHENTICATED',
      given === undefined ? 'Authorization: a bearer token is needed' : 'Authorization: this token is not known',
      { headers: { 'www-authenticate': challenge } },
    )
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
