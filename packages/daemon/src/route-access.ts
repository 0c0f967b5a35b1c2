import { defaultOwner, type Scope } from '@everdraft/core'
import type { FastifyInstance, FastifyRequest, FastifySchema } from 'fastify'

import { principalOf } from './principal.ts'
import { ProblemError, type ProblemCode } from './problems.ts'

/**
 * Who may call a route: everybody, the tokens with that scope, or, for `reader`, every token, also as the password of a
 * browser: what is there to read is no secret. `bearer`: every token as such; what it may do, the route finds out. `operator`:
 * those with `read` in the tenant of the daemon itself.
 */
export type Access = 'open' | 'reader' | 'bearer' | 'operator' | Scope

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Each route says it: one that does not keeps the daemon from starting. */
    access?: Access
    /** What it may answer beside what all routes of its kind may. */
    problems?: readonly ProblemCode[]
  }
}

/** A row of the table of all routes. */
export interface Route {
  readonly method: string
  /** With `:name` for what varies. */
  readonly path: string
  readonly access: Access
  /** What checks its requests. */
  readonly schema: FastifySchema | undefined
}

/** Checks the scope at each request, and at the start that each route names one. @returns the table, as it fills */
export function requireScopes(app: FastifyInstance): readonly Route[] {
  const routes: Route[] = []
  app.addHook('onRoute', (route) => {
    const { method, url, schema } = route
    // A package of others adds these.
    if (url === '/docs' || url.startsWith('/docs/')) route.config = { access: 'reader' }
    const access = route.config?.access
    if (access === undefined) throw new TypeError(`${[method].flat().join(', ')} ${url}: does not say who may call it`)
    for (const one of [method].flat()) routes.push({ method: one, path: url, access, schema })
  })
  app.addHook('onRequest', (request, _reply, done) => {
    const refusal = refusalOf(request)
    if (refusal === null) done()
    else done(refusal)
  })
  return routes
}

/** Null: whoever asks may. */
function refusalOf(request: FastifyRequest): ProblemError | null {
  const { access } = request.routeOptions.config
  if (request.is404 || access === undefined || access === 'open' || isForAllTokens(access)) return null
  const { owner, scopes } = principalOf(request)
  const scope = access === 'operator' ? 'read' : access
  if (!scopes.has(scope)) {
    return new ProblemError(403, 'UNAUTHORIZED', `the token lacks the scope ${scope}`, {
      // RFC 6750 §3.1.
      headers: { 'www-authenticate': `Bearer realm="everdraft", error="insufficient_scope", scope="${scope}"` },
    })
  }
  if (access === 'operator' && owner.tenantId !== defaultOwner.tenantId) {
    return new ProblemError(403, 'UNAUTHORIZED', 'this is for the tenant of the daemon itself')
  }
  return null
}

function isForAllTokens(access: Access): access is 'reader' | 'bearer' {
  return access === 'reader' || access === 'bearer'
}
